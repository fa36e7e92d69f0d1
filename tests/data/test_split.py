"""Splits: nothing is in two parts, nothing that belongs together is torn apart, and the same seed says the same."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.data.split import FOLD_ROWS, FOLDS, describe_split, fold_codes, split_rows
from dl_core.errors import DataError, SpecError
from dl_core.runspec import RunSpec, SplitSpec, TaskSpec


def spec(kind, column=None, seed=0, task="classification", target="answer", **shares) -> RunSpec:
    return RunSpec(
        dataset="x",
        schema_version=1,
        task=TaskSpec(kind=task, targets=(target,), metric="any"),
        split=SplitSpec(kind=kind, column=column, **shares),
        seed=seed,
    )


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    def make(**columns) -> Dataset:
        folder = tmp_path_factory.mktemp("split")
        pd.DataFrame(columns).to_csv(folder / "table.csv", index=False)
        return Dataset(import_file(folder / "table.csv", folder / "dataset", layout="table"))

    return make


def answers(rows, classes=3, seed=0):
    """Class names, the later ones rarer."""
    shares = 0.5 ** np.arange(classes)
    return np.random.default_rng(seed).choice([f"c{n}" for n in range(classes)], rows, p=shares / shares.sum())


def assert_partition(parts, rows):
    assert sorted(np.concatenate(list(parts.values())).tolist()) == sorted(rows)
    for found in parts.values():
        assert len(found)
        assert found.dtype == np.int64
        assert (np.diff(found) > 0).all()


@pytest.mark.thorough
@given(
    rows=st.integers(5, 80),
    classes=st.integers(1, 6),
    kind=st.sampled_from(["random", "stratified"]),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_is_in_one_part_and_every_class_can_be_learned(make, rows, classes, kind, seed):
    labels = [f"c{n % classes}" for n in range(rows)]
    dataset = make(answer=labels, x=np.arange(rows) / 7)
    parts = split_rows(dataset, spec(kind, seed=seed))
    assert_partition(parts, range(rows))
    if kind == "stratified" and rows >= 3 * classes:
        assert {labels[row] for row in parts["train"]} == set(labels)


def test_the_shares_are_kept(make):
    parts = split_rows(make(answer=answers(1000), x=np.arange(1000)), spec("random"))
    assert {part: len(rows) for part, rows in parts.items()} == {"train": 640, "valid": 160, "test": 200}
    other = split_rows(make(answer=answers(1000), x=np.arange(1000)), spec("random", test_share=0.5, valid_share=0.1))
    assert {part: len(rows) for part, rows in other.items()} == {"train": 450, "valid": 50, "test": 500}


def test_the_same_seed_gives_the_same_parts_and_another_seed_others(make):
    dataset = make(answer=answers(200), x=np.arange(200))
    first, again, other = (split_rows(dataset, spec("stratified", seed=seed)) for seed in (1, 1, 2))
    assert all((first[part] == again[part]).all() for part in first)
    assert any(len(first[part]) != len(other[part]) or (first[part] != other[part]).any() for part in first)


def test_a_stratified_split_keeps_the_shares_of_the_classes(make):
    labels = answers(2000, 4)
    parts = split_rows(make(answer=labels, x=np.arange(2000)), spec("stratified"))
    for name in set(labels):
        shares = [np.mean(labels[rows] == name) for rows in parts.values()]
        assert max(shares) - min(shares) < 0.01


def test_a_stratified_split_of_numbers_keeps_their_range(make):
    values = np.random.default_rng(0).lognormal(size=1000)
    parts = split_rows(make(answer=values, x=np.arange(1000)), spec("stratified", task="regression"))
    medians = [np.median(values[rows]) for rows in parts.values()]
    assert max(medians) / min(medians) < 1.1


def test_a_class_with_one_row_trains(make):
    labels = ["a"] * 60 + ["b"] * 39 + ["once"]
    for seed in range(20):
        assert 99 in split_rows(make(answer=labels, x=np.arange(100)), spec("stratified", seed=seed))["train"]


def test_only_labelled_rows_are_used(make):
    dataset = make(answer=answers(100), x=np.arange(100))
    labelled = np.arange(100) % 4 > 0
    for kind in ("random", "stratified"):
        assert_partition(split_rows(dataset, spec(kind), labelled=labelled), np.flatnonzero(labelled))


@pytest.mark.thorough
@given(sizes=st.lists(st.integers(1, 9), min_size=3, max_size=25), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_group_is_never_torn_apart(make, sizes, seed):
    who = np.repeat([f"g{n}" for n in range(len(sizes))], sizes)
    dataset = make(answer=answers(len(who)), who=who)
    parts = split_rows(dataset, spec("group", "who", seed))
    assert_partition(parts, range(len(who)))
    groups = [set(who[rows]) for rows in parts.values()]
    assert sum(map(len, groups)) == len(set(who))


def test_groups_keep_shares_and_classes_where_they_can(make):
    who = np.repeat(np.arange(100), 10)
    labels = np.where(who % 10 == 0, "rare", "common")
    parts = split_rows(make(answer=labels, who=[f"g{n}" for n in who]), spec("group", "who"))
    assert abs(len(parts["test"]) - 200) <= 20
    assert all((labels[rows] == "rare").any() for rows in parts.values())


def test_many_groups_are_split_quickly(make):
    who = [f"g{n}" for n in range(20_000)]
    assert_partition(split_rows(make(answer=answers(20_000), who=who), spec("group", "who")), range(20_000))


def test_time_never_shows_the_future(make):
    when = np.random.default_rng(0).permutation(300) // 3
    dataset = make(answer=answers(300), when=when)
    parts = split_rows(dataset, spec("time", "when"))
    assert_partition(parts, range(300))
    assert when[parts["train"]].max() < when[parts["valid"]].min()
    assert when[parts["valid"]].max() < when[parts["test"]].min()
    assert abs(len(parts["test"]) - 60) <= 3


def test_a_column_says_which_part(make):
    words = (["Train"] * 6 + ["val"] * 2 + ["TEST"] * 2) * 10
    parts = split_rows(make(answer=answers(100), part=words), spec("column", "part"))
    assert {part: len(rows) for part, rows in parts.items()} == {"train": 60, "valid": 20, "test": 20}
    parts = split_rows(make(answer=answers(100), part=["train"] * 80 + ["test"] * 20), spec("column", "part"))
    assert {part: len(rows) for part, rows in parts.items()} == {"train": 64, "valid": 16, "test": 20}


def test_an_own_test_file_leaves_all_rows_to_train_and_valid(make):
    dataset = make(answer=answers(100), x=np.arange(100))
    parts = split_rows(dataset, spec("file"), test_rows=np.arange(7))
    assert sorted([*parts["train"], *parts["valid"]]) == list(range(100))
    assert parts["test"].tolist() == list(range(7))


@pytest.mark.parametrize(
    ("kind", "column", "sentence"),
    [
        ("group", None, "needs a column"),
        ("group", "two", "three or more groups"),
        ("group", "nope", "no column 'nope'"),
        ("time", "word", "needs a time or a number"),
        ("time", "one", "three or more different times"),
        ("column", "two", "Received 'p', 'q'"),
    ],
)
def test_splits_that_cannot_be_made_get_a_sentence(make, kind, column, sentence):
    word = ["u", "v", "w"] * 20
    dataset = make(answer=answers(60), two=["p", "q"] * 30, word=word, one=[1] * 59 + [2])
    with pytest.raises(SpecError, match=sentence):
        split_rows(dataset, spec(kind, column))


def test_two_rows_cannot_be_split(make):
    with pytest.raises(DataError, match="Only 2 rows"):
        split_rows(make(answer=["a", "b"], x=[1, 2]), spec("random"))


def test_the_drawing_holds_rows_shares_and_classes(make):
    dataset = make(answer=answers(200), when=np.arange(200) + 5)
    drawn = describe_split(dataset, spec("stratified"), split_rows(dataset, spec("stratified")))
    assert sum(drawn[part]["share"] for part in ("train", "valid", "test")) == pytest.approx(1)
    assert sum(drawn["train"]["classes"].values()) == drawn["train"]["rows"]
    timed = describe_split(dataset, spec("time", "when"), split_rows(dataset, spec("time", "when")))
    assert timed["train"]["from"] == 5.0
    assert timed["test"]["to"] == 204.0
    assert "200" not in timed["sentence"] and "40 test" in timed["sentence"]


# folds


def folded(dataset, asked):
    """(the rows that have a fold, their folds)"""
    parts = split_rows(dataset, asked)
    return np.sort(np.concatenate([parts["train"], parts["valid"]])), fold_codes(dataset, asked, parts)


@pytest.mark.thorough
@given(
    rows=st.integers(20, 90),
    classes=st.integers(1, 5),
    kind=st.sampled_from(["random", "stratified", "file"]),
    task=st.sampled_from(["classification", "regression"]),
    seed=st.integers(0, 99),
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_folds_are_of_one_size_and_show_what_the_whole_shows(make, rows, classes, kind, task, seed):
    labels = np.random.default_rng(seed).integers(0, classes, rows)
    answer = [f"c{label}" for label in labels] if task == "classification" else np.arange(rows) ** 2
    found, codes = folded(make(answer=answer, x=np.arange(rows) / 7), spec(kind, seed=seed, task=task))
    assert len(codes) == len(found)
    sizes = np.bincount(codes, minlength=FOLDS)
    assert len(sizes) == FOLDS and np.ptp(sizes) <= 1
    if task == "classification":
        for label in set(labels[found]):
            assert np.ptp(np.bincount(codes[labels[found] == label], minlength=FOLDS)) <= 1
    else:  # the five lowest and the five highest rows lie in five folds, give or take a tenth of the rows
        ranks, reach = np.arange(len(found)), FOLDS + len(found) // 10 + 1
        lowest = [ranks[codes == fold].min() for fold in range(FOLDS)]
        highest = [ranks[codes == fold].max() for fold in range(FOLDS)]
        assert max(lowest) < reach and min(highest) >= len(found) - reach


@pytest.mark.thorough
@given(
    sizes=st.lists(st.integers(1, 9), min_size=9, max_size=25).filter(lambda sizes: sum(sizes) > 25),
    nameless=st.integers(0, 6),
    seed=st.integers(0, 99),
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_fold_tears_no_group_apart_and_holds_its_share(make, sizes, nameless, seed):
    who = [*np.repeat([f"g{n}" for n in range(len(sizes))], sizes), *[None] * nameless]
    found, codes = folded(make(answer=answers(len(who)), who=who), spec("group", "who", seed))
    if codes is None:
        assert len(found) < 2 * FOLDS or len({who[row] or row for row in found}) < FOLDS
        return
    groups = {}
    for row, code in zip(found, codes, strict=True):
        groups.setdefault(who[row] or row, set()).add(code)
    assert all(len(folds) == 1 for folds in groups.values())
    assert np.ptp(np.bincount(codes, minlength=FOLDS)) <= max(sizes)


def test_rows_without_a_group_are_spread_over_the_folds(make):
    who = [f"g{n}" for n in range(20)] + [None] * 80
    found, codes = folded(make(answer=answers(100), who=who), spec("group", "who"))
    assert np.ptp(np.bincount(codes[found >= 20], minlength=FOLDS)) <= 5


def test_a_class_with_one_row_is_in_one_fold(make):
    labels = ["a"] * 60 + ["b"] * 39 + ["once"]
    found, codes = folded(make(answer=labels, x=np.arange(100)), spec("stratified"))
    assert codes[found == 99].size == 1


def test_the_same_seed_gives_the_same_folds_and_another_seed_others(make):
    dataset = make(answer=answers(200), x=np.arange(200))
    first, again, other = (folded(dataset, spec("random", seed=seed))[1] for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()


@pytest.mark.parametrize(
    ("kind", "column", "rows"),
    [("time", "when", 300), ("column", "part", 300), ("group", "few", 300), ("random", None, 11), ("group", "few", 12)],
)
def test_one_validation_part_is_kept_where_folds_would_lie_or_be_empty(make, kind, column, rows):
    dataset = make(
        answer=answers(rows),
        when=np.arange(rows),
        part=np.resize(["train", "train", "valid", "test"], rows),
        few=np.resize(["a", "b", "c", "d", "e"], rows),
    )
    assert folded(dataset, spec(kind, column))[1] is None


def test_a_table_with_many_rows_has_one_validation_part(make):
    for rows, split in ((FOLD_ROWS, "random"), (FOLD_ROWS, "file")):
        assert folded(make(answer=answers(rows), x=np.arange(rows)), spec(split))[1] is None
    fewer = make(answer=answers(FOLD_ROWS - 1), x=np.arange(FOLD_ROWS - 1))
    assert folded(fewer, spec("random"))[1] is not None


def test_folds_are_drawn_as_one_train_part(make):
    dataset, asked = make(answer=answers(200)), spec("stratified")
    parts = split_rows(dataset, asked)
    drawn = describe_split(dataset, asked, parts, fold_codes(dataset, asked, parts))
    assert "valid" not in drawn and drawn["train"]["folds"] == 5
    assert drawn["train"]["rows"] == len(parts["train"]) + len(parts["valid"])
    assert drawn["sentence"].endswith("160 train in 5 folds, 40 test.")
