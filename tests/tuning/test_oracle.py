"""What the oracle proposes: inside the space, around what worked, never twice, and the same for the same history."""

import pytest

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


def _inside(params: dict) -> bool:
    return params["width"] in (32, 64, 128) and 1 <= params["layers"] <= 4 and 1e-4 <= params["rate"] <= 1e-1


def test_proposals_lie_inside_the_space_and_depend_on_history_and_seed_alone():
    from dl_core.tuning.oracle import propose

    history: list[dict] = []
    for number in range(8):
        params = propose(SPACE, history, "max", seed=1)
        assert _inside(params)
        assert params == propose(SPACE, history, "max", seed=1)
        assert params not in [record["params"] for record in history]
        history.append(_record(number, params, score=-abs(params["rate"] - 0.01)))
    assert propose(SPACE, [], "max", seed=2) != propose(SPACE, [], "max", seed=1)


def test_the_oracle_searches_where_the_scores_are():
    from dl_core.tuning.oracle import propose

    def score(params: dict) -> float:
        return 10.0 * (params["width"] == 128)

    history: list[dict] = []
    for number in range(14):
        params = propose(SPACE, history, "max", seed=5)
        history.append(_record(number, params, score(params)))
    late = [record["params"]["width"] for record in history[6:]]
    assert late.count(128) > len(late) / 2


def test_failed_trials_teach_nothing_and_are_not_proposed_again():
    from dl_core.tuning.oracle import propose

    params = propose(SPACE, [], "min", seed=0)
    history = [_record(1, params, None)]
    assert propose(SPACE, history, "min", seed=0) != params


def test_an_exhausted_space_ends_the_search():
    from dl_core.tuning.oracle import propose

    tiny = (choice("only", (1,), 1),)
    assert propose(tiny, [_record(1, {"only": 1}, 0.5)], "max", seed=0) is None
