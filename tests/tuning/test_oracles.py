"""What the oracle proposes: inside the space, around what worked, never twice, and the same for the same history."""

import pytest

from dl_core.runspec import SEARCHES
from dl_core.space import choice, integer, real

pytestmark = pytest.mark.heavy  # Keras Tuner imports TensorFlow

SPACE = (
    choice("width", (32, 64, 128), 64),
    integer("layers", 1, 4, 2),
    real("rate", 1e-4, 1e-1, 1e-2, log=True),
)


def _record(number: int, params: dict, score: float | None, source: str = "oracle") -> dict:
    status = "failed" if score is None else "done"
    return {"trial": f"t{number:03d}", "params": params, "score": score, "status": status, "source": source}


def propose(history: list[dict], direction: str, seed: int, search: str = "bayesian", space=SPACE, epochs: int = 27):
    from dl_core.tuning.oracles import ORACLES, History

    return ORACLES.load(search)(History(space=space, tried=history, direction=direction, epochs=epochs, seed=seed))


def _inside(params: dict) -> bool:
    return params["width"] in (32, 64, 128) and 1 <= params["layers"] <= 4 and 1e-4 <= params["rate"] <= 1e-1


@pytest.mark.parametrize("search", SEARCHES)
def test_proposals_lie_inside_the_space_and_depend_on_history_and_seed_alone(search):
    history: list[dict] = []
    for number in range(8):
        proposal = propose(history, "max", 1, search)
        assert _inside(proposal.params)
        assert proposal == propose(history, "max", 1, search)
        assert proposal.params not in [record["params"] for record in history]
        score = -abs(proposal.params["rate"] - 0.01)
        history.append({**_record(number, proposal.params, score), "place": proposal.place})
    assert propose([], "max", 2, search) != propose([], "max", 1, search)


def test_the_gaussian_process_searches_where_the_scores_are():
    def score(params: dict) -> float:
        return 10.0 * (params["width"] == 128)

    history: list[dict] = []
    for number in range(14):
        params = propose(history, "max", 5).params
        history.append(_record(number, params, score(params)))
    late = [record["params"]["width"] for record in history[6:]]
    assert late.count(128) > len(late) / 2


def test_what_is_under_way_is_not_proposed_again():
    history = [_record(number, propose([], "max", number).params, 0.1 * number) for number in range(6)]
    first = propose(history, "max", 3).params
    history.append({**_record(7, first, None), "status": "running"})
    assert propose(history, "max", 3).params != first


@pytest.mark.parametrize("search", SEARCHES)
def test_failed_trials_teach_nothing_and_are_not_proposed_again(search):
    proposal = propose([], "min", 0, search)
    history = [{**_record(1, proposal.params, None), "place": proposal.place}]
    assert propose(history, "min", 0, search).params != proposal.params


def test_an_exhausted_space_ends_the_search():
    tiny = (choice("only", (1,), 1),)
    assert propose([_record(1, {"only": 1}, 0.5)], "max", 0, space=tiny) is None


def test_hyperband_gives_many_a_few_epochs_and_the_best_of_them_more():
    history: list[dict] = []
    while not any(record["epochs"] == 9 for record in history):
        proposal = propose(history, "max", 4, "hyperband", epochs=9)
        record = _record(len(history), proposal.params, proposal.params["rate"])
        history.append({**record, "place": proposal.place, "epochs": proposal.epochs})
    few, more = ([record for record in history if record["epochs"] == epochs] for epochs in (2, 3))
    assert len(few) > len(more)
    promoted = {record["params"]["rate"] for record in more}
    assert promoted == set(sorted((record["params"]["rate"] for record in few), reverse=True)[: len(more)])
    assert history[-1]["params"]["rate"] == max(record["params"]["rate"] for record in few)


def test_what_is_under_way_is_taken_for_middling():
    """The oracle looks elsewhere than beside a trial whose score is still to come."""
    line = (real("rate", 0.0, 1.0, 0.5),)
    history = [_record(n, {"rate": rate}, rate) for n, rate in enumerate((0.05, 0.2, 0.35, 0.5, 0.6, 0.7))]
    first = propose(history, "max", 0, space=line).params["rate"]
    assert first > 0.8  # where the scores grow
    pending = {**_record(7, {"rate": first}, None), "status": "running"}
    beside = [{**_record(7, {"rate": first}, first)}]
    second = propose([*history, pending], "max", 0, space=line).params["rate"]
    assert abs(second - first) > abs(propose(history + beside, "max", 0, space=line).params["rate"] - first)
