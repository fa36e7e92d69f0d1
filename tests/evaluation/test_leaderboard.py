"""The board ranks by validation, calls draws draws, and says so in a sentence."""

import json
from dataclasses import replace

import numpy as np
import pytest

from dl_core.evaluation.leaderboard import Entrant, Part, leaderboard
from dl_core.report import percent, significant
from dl_core.seeds import generator

TRUTH = generator(0, "truth").integers(0, 2, 3000)


def answer(skill, seed=0, truth=TRUTH):
    """Probabilities whose skill grows with `skill`; seeds share most of their noise."""
    noise = generator(0, "shared").normal(0, 1, len(truth)) + generator(seed, "own").normal(0, 0.7, len(truth))
    score = 1 / (1 + np.exp(-(skill * (truth - 0.5) + noise)))
    return np.stack([1 - score, score], 1)


def entrant(model, skill, seed=0, **facts):
    given = {"name": model, "family": model, "kind": "network", **facts}
    return Entrant(model=model, valid=answer(skill, seed), test=answer(skill, seed + 50), **given)


def board(*entrants, test=True):
    part = Part(truth=TRUTH)
    return leaderboard(entrants, "classification", "roc_auc", part, part if test else None, looks=1)


def test_rows_stand_best_first_by_validation_whatever_the_test_says():
    good = Entrant(model="a", name="A", family="a", kind="network", valid=answer(2.0), test=answer(0.1))
    bad = Entrant(model="b", name="B", family="b", kind="network", valid=answer(1.0), test=answer(3.0))
    record = board(bad, good)
    assert [row["model"] for row in record["rows"]] == ["a", "b"]
    assert record["winner"] == record["best_network"] == "a"


def test_a_score_to_keep_low_ranks_the_lowest_first():
    truth = np.zeros((500, 1))
    entrants = [
        Entrant(model=f"m{size}", name="m", family="m", kind="network", valid=np.full((500, 1), float(size)))
        for size in (3, 1, 2)
    ]
    record = leaderboard(entrants, "regression", "rmse", Part(truth=truth))
    assert [row["valid"] for row in record["rows"]] == [1, 2, 3]
    assert record["direction"] == "min"


def test_models_that_cannot_be_told_apart_share_a_tier():
    record = board(
        entrant("a", 2.0, seed=1), entrant("b", 2.0, seed=4), entrant("c", 1.0, seed=7), entrant("d", 1.0, seed=8)
    )
    tiers = {row["model"]: row["tier"] for row in record["rows"]}
    assert tiers == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_every_row_carries_intervals_and_all_scores():
    record = json.loads(json.dumps(board(entrant("a", 2.0))))
    row = record["rows"][0]
    assert row["interval"][0] < row["test"] < row["interval"][1]
    assert row["valid_interval"][0] < row["valid"] < row["valid_interval"][1]
    assert set(row["scores"]) >= {"roc_auc", "accuracy", "log_loss", "ece"}
    assert row["scores"]["roc_auc"] == {"valid": row["valid"], "test": row["test"]}


def test_without_a_test_part_nothing_is_claimed_about_it():
    row = board(entrant("a", 2.0), test=False)["rows"][0]
    assert row["test"] is None and row["interval"] is None


def test_gain_is_measured_against_the_best_baseline_and_positive_when_better():
    record = board(entrant("net", 2.0), entrant("weak", 0.5, kind="baseline"), entrant("strong", 1.5, kind="baseline"))
    rows = {row["model"]: row for row in record["rows"]}
    assert rows["net"]["gain"] == pytest.approx(rows["net"]["test"] - rows["strong"]["test"])
    assert rows["net"]["gain_interval"][0] > 0
    assert rows["strong"]["gain"] == 0 and rows["strong"]["gain_interval"] is None
    assert rows["weak"]["gain"] < 0


def test_a_gain_in_an_error_is_positive_too():
    truth = np.zeros((500, 1))
    noise = generator(0, "noise").normal(0, 1, (500, 1))
    entrants = [
        Entrant(model="net", name="Net", family="net", kind="network", valid=noise),
        Entrant(model="linear", name="Linear", family="linear", kind="baseline", valid=2 * noise),
    ]
    net = leaderboard(entrants, "regression", "rmse", Part(truth=truth))["rows"][0]
    assert net["gain"] == pytest.approx(np.sqrt((noise**2).mean()))
    assert 0 < net["gain_interval"][0] < net["gain"] < net["gain_interval"][1]


def test_what_hangs_together_is_drawn_together():
    groups = np.repeat(np.arange(20), 25)
    errors = generator(0, "groups").normal(0, 1, 20)[groups][:, None]
    net = Entrant(model="net", name="Net", family="net", kind="network", valid=errors)

    def width(part):
        low, high = leaderboard([net], "regression", "mae", part)["rows"][0]["valid_interval"]
        return high - low

    assert width(Part(truth=np.zeros((500, 1)), groups=groups)) > 3 * width(Part(truth=np.zeros((500, 1))))


def test_a_model_whose_score_cannot_be_told_stands_last():
    broken = Entrant(model="x", name="X", family="x", kind="network", valid=np.full((3000, 2), np.nan))
    rows = leaderboard([broken, entrant("a", 1.0)], "classification", "log_loss", Part(truth=TRUTH))["rows"]
    assert [row["model"] for row in rows] == ["a", "x"]
    assert rows[1]["valid"] is None and rows[1]["tier"] == 2


class TestSentence:
    def test_a_smaller_draw_is_worth_saying(self):
        record = board(entrant("RealMLP", 2.0, seed=1, bytes=4000), entrant("MLP", 1.99, seed=4, bytes=1000))
        assert record["sentence"] == "RealMLP is best; MLP draws with it and is four times smaller."

    def test_a_baseline_above_every_network(self):
        record = board(entrant("LightGBM", 2.5, kind="baseline"), entrant("MLP", 1.0), entrant("RealMLP", 1.5))
        assert record["winner"] == "LightGBM" and record["best_network"] == "RealMLP"
        assert record["sentence"].startswith("LightGBM is better than every network: ROC AUC 0.")
        assert record["sentence"].endswith("for RealMLP, the best of them.")

    def test_a_baseline_that_draws(self):
        record = board(entrant("RealMLP", 2.0, seed=1), entrant("LightGBM", 1.99, seed=4, kind="baseline"))
        assert "but LightGBM, a simple method, draws with it" in record["sentence"]

    def test_a_clear_lead(self):
        record = board(entrant("RealMLP", 3.0), entrant("LightGBM", 1.0, kind="baseline"))
        assert record["sentence"].startswith("RealMLP is best: ROC AUC 0.")

    def test_numbers_come_from_the_test_part_and_a_contradiction_is_said(self):
        better = Entrant(model="a", name="A", family="a", kind="network", valid=answer(2.0), test=answer(1.0))
        lucky = Entrant(model="b", name="B", family="b", kind="network", valid=answer(1.0), test=answer(2.0))
        record = board(better, lucky)
        tested = [significant(row["test"]) for row in record["rows"]]
        ahead = f"on the test part B is ahead, ROC AUC {tested[1]} against {tested[0]}."
        assert record["sentence"] == f"A is best on the validation part; {ahead}"
        simple = replace(better, kind="baseline")
        assert board(simple, lucky)["sentence"] == f"A is better than every network on the validation part; {ahead}"
        level = replace(lucky, test=better.test)
        assert board(better, level)["sentence"].endswith(f"on the test part B is level, ROC AUC {tested[0]}.")
        record = board(entrant("A", 3.0), entrant("B", 1.0))
        tested = [significant(row["test"]) for row in record["rows"]]
        assert record["sentence"] == f"A is best: ROC AUC {tested[0]} against {tested[1]} for B, the next."

    def test_trials_of_one_family_are_told_apart(self):
        record = board(entrant("t001", 2.0, seed=1, name="MLP"), entrant("t002", 2.0, seed=4, name="MLP"))
        assert "(t001)" in record["sentence"] and "(t002)" in record["sentence"]

    def test_an_empty_board_says_nothing(self):
        record = board()
        assert record["sentence"] == "" and record["winner"] is None and record["rows"] == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.91449, "0.914"),
        (51234.5, "51,200"),
        (48.63, "48.6"),
        (1.0, "1.00"),
        (123.4, "123"),
        (None, "–"),
        (0, "0.000"),
    ],
)
def test_figures_have_three_significant_digits(value, text):
    assert significant(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.87, "87%"), (0.9961, "99.6%"), (0.99996, ">99.9%"), (1.0, "100%"), (0.0001, "<0.1%"), (0, "0%")],
)
def test_a_percentage_never_rounds_nearly_all_to_all(share, text):
    assert percent(share) == text


def test_a_board_over_folds_is_never_said_to_have_a_validation_part():
    good = Entrant(model="a", name="A", family="a", kind="network", valid=answer(2.0), test=answer(0.1))
    bad = Entrant(model="b", name="B", family="b", kind="network", valid=answer(1.0), test=answer(3.0))
    parts = Part(truth=TRUTH, folds=5), Part(truth=TRUTH)
    record = leaderboard([good, bad], "classification", "roc_auc", *parts, looks=1)
    assert record["folds"] == 5
    assert record["sentence"].startswith("A is best out of fold; on the test part B is ahead")
    alone = leaderboard([good, bad], "classification", "roc_auc", Part(truth=TRUTH), Part(truth=TRUTH), looks=1)
    assert alone["folds"] == 1
    assert alone["sentence"].startswith("A is best on the validation part; on the test part B is ahead")
