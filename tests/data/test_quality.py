"""The quality report finds what was planted, with its number, and passes what is clean."""

import numpy as np
import pandas as pd
import pytest

from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.data.quality import quality

random = np.random.default_rng(0)
N = 600


def clean():
    x, z = random.normal(size=N), random.normal(size=N)
    word = random.choice(["red", "green"], N)
    return pd.DataFrame(
        {"x": x, "z": z, "word": word, "target": np.where(x + z + random.normal(size=N) > 0, "yes", "no")}
    )


def found(tmp_path, frame, severity=None, **options):
    frame.to_csv(tmp_path / "t.csv", index=False)
    dataset = Dataset(import_file(tmp_path / "t.csv", tmp_path / "d", **options))
    problems = quality(dataset, dataset.schema, dataset.meta["guess"])
    return [p.message for p in problems if severity is None or p.severity == severity]


def test_a_clean_table_passes_everything(tmp_path):
    messages = found(tmp_path, clean(), "passed")
    assert len(messages) == len(found_all(tmp_path)) >= 6


def found_all(tmp_path):
    dataset = Dataset(tmp_path / "d")
    return quality(dataset, dataset.schema, dataset.meta["guess"])


def planted(frame, what):
    rows = np.arange(N)
    if what == "missing":
        frame.loc[rows[: N // 2], "x"] = np.nan
    elif what == "no answer":
        frame.loc[rows[:30], "target"] = None
    elif what == "rare":
        frame.loc[rows[:4], "target"] = "perhaps"
    elif what == "imbalance":
        frame["target"] = np.where(rows < 20, "yes", "no")
    elif what == "constant":
        frame["same"] = 7
    elif what == "copies":
        return pd.concat([frame, frame.iloc[:30]])
    elif what == "outlier":
        frame.loc[3, "x"] = 1e6
    elif what == "leak":
        frame["answer_code"] = np.where(frame["target"] == "yes", random.uniform(5, 6, N), random.uniform(1, 2, N))
    elif what == "joint leak":
        coin = random.choice(["a", "b"], N)
        frame.insert(0, "p", coin)
        frame.insert(0, "q", np.where((frame["target"] == "yes") ^ (coin == "a"), "u", "v"))
    elif what == "persons":
        frame["person_id"] = [f"P{n:03}" for n in rows // 6]
    elif what == "repeats":
        frame["sample"] = [f"m{n // 10}_{n % 10}" for n in rows]
    return frame


@pytest.mark.parametrize(
    ("what", "severity", "message"),
    [
        ("missing", "warning", "50% of 'x' is missing"),
        ("no answer", "warning", "30 rows have no 'target'"),
        ("rare", "warning", "1 of the 3 classes of 'target' has fewer than 10 rows: 'perhaps'"),
        ("imbalance", "warning", "96.7% of the rows have the 'target' 'no'"),
        ("constant", "note", "'same'"),
        ("copies", "warning", "30 rows repeat an earlier one"),
        ("outlier", "note", "'x' (1e+06)"),
        ("leak", "warning", "'answer_code' alone tells 9"),
        ("joint leak", "warning", "'q', 'p' together decide 'target'"),
        ("persons", "warning", "600 rows share 100 values of 'person_id'"),
        ("repeats", "warning", "60 groups of about 10 rows"),
    ],
)
def test_what_is_wrong_is_found_with_its_number(tmp_path, what, severity, message):
    messages = found(tmp_path, planted(clean(), what), severity)
    assert any(message in text for text in messages), messages


def test_a_number_that_is_made_from_the_answer_is_suspected(tmp_path):
    price = random.lognormal(10, 1, N)
    frame = pd.DataFrame({"size": random.normal(size=N), "tax": price * 0.19, "price": price})
    assert any("'tax' alone tells" in text for text in found(tmp_path, frame, "warning"))


def test_one_class_and_no_answer_are_errors(tmp_path):
    (tmp_path / "a").mkdir()
    frame = clean().assign(target="yes")
    frame.to_csv(tmp_path / "t.csv", index=False)
    dataset = Dataset(import_file(tmp_path / "t.csv", tmp_path / "d"))
    guess = {"task": "classification", "targets": ["target"]}
    errors = [p.message for p in quality(dataset, dataset.schema, guess) if p.severity == "error"]
    assert errors == ["'target' has one class only ('yes'); there is nothing to tell apart."]


def test_gaps_doubles_and_still_series_are_found(tmp_path):
    day = pd.date_range("2020-01-01", periods=300).strftime("%Y-%m-%d")
    frames = [pd.DataFrame({"day": day, "shop": shop, "sales": random.normal(size=300)}) for shop in "abc"]
    frames[1] = frames[1].drop(range(50, 60))
    frames[2]["sales"] = 4.0
    messages = found(tmp_path, pd.concat([*frames, frames[0].iloc[:2]]))
    text = " ".join(messages)
    assert "10 steps are missing in 1 of 3 series" in text
    assert "2 rows have a time that their series had before" in text
    assert "1 of 3 series never change, such as 'c'" in text


def test_a_report_of_pictures_finds_copies_in_two_classes(tmp_path):
    from tests.data.test_images import ANIMALS, zipped

    path = zipped(tmp_path / "a.zip", {**ANIMALS, "mouse/copy.png": ANIMALS["cat/0.png"]})
    dataset = Dataset(import_file(path, tmp_path / "d"))
    messages = " ".join(p.message for p in quality(dataset, dataset.schema, dataset.meta["guess"]))
    assert "1 pictures are copies" in messages
    assert "1 pictures occur in two classes, such as 'cat/0.png' and 'mouse/copy.png'" in messages
