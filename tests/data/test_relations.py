"""Relations: strengths that rank columns by what they tell about the target."""

import numpy as np
import pandas as pd
import pytest

from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.data.relations import relations
from dl_core.errors import SpecError


@pytest.fixture
def dataset(tmp_path):
    random = np.random.default_rng(0)
    rows = 1_500
    size = random.normal(size=rows)
    town = random.choice(["Bern", "Linz", "Graz"], rows)
    price = 100 + 20 * size + 15 * (town == "Bern") + random.normal(0, 3, rows)
    frame = pd.DataFrame(
        {
            "noise": random.normal(size=rows),
            "size": size,
            "town": town,
            "street": random.choice([f"street {number}" for number in range(200)], rows),
            "price": price.round(2),
            "dear": np.where(price > 105, "yes", "no"),
        }
    )
    path = tmp_path / "flats.csv"
    frame.to_csv(path, index=False)
    return Dataset(import_file(path, tmp_path / "dataset"))


def strengths(dataset, target, **options):
    return {relation.column: relation.strength for relation in relations(dataset, target, **options)}


def test_the_columns_that_make_the_target_come_first(dataset):
    found = strengths(dataset, "price")
    assert list(found)[:3] == ["size", "dear", "town"]
    assert found["size"] > 0.8 > found["town"] > 0.2
    assert found["noise"] < 0.1


def test_many_classes_gain_nothing_by_chance(dataset):
    """Uncorrected, 200 classes of noise in 1,500 rows would have a strength of about 0.36."""
    assert strengths(dataset, "price")["street"] < 0.2
    assert strengths(dataset, "dear")["street"] < 0.2


def test_a_class_target_is_told_by_numbers_and_by_classes(dataset):
    found = strengths(dataset, "dear")
    assert found["size"] > 0.5
    assert found["town"] > 0.1


def test_a_sample_ranks_like_the_whole(dataset):
    assert list(strengths(dataset, "price", rows=400))[:3] == list(strengths(dataset, "price"))[:3]


def test_every_pair_of_kinds_has_its_drawing(dataset):
    kinds = {relation.column: relation.panel.kind for relation in relations(dataset, "price")}
    assert kinds["size"] == "scatter"
    assert kinds["town"] == "intervals"
    by_class = {relation.column: relation.panel for relation in relations(dataset, "dear")}
    assert by_class["size"].kind == by_class["town"].kind == "distribution"
    counts = np.array([group["counts"] for group in by_class["town"].data["groups"]])
    assert counts.sum() == dataset.n_rows
    assert by_class["town"].data["counts"] == counts.sum(0).tolist()


def test_a_target_without_numbers_or_classes_is_refused(dataset):
    dataset.add_schema(dataset.schema.edited({"street": {"kind": "text"}}))
    with pytest.raises(SpecError, match="'street' holds text values"):
        relations(dataset, "street")
