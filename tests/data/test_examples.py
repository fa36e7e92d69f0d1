"""The built-in examples are ordinary uploads that the import understands without help."""

import pytest

from dl_core.data.dataset import Dataset
from dl_core.data.examples import EXAMPLES, write_example
from dl_core.data.importing import import_file
from dl_core.errors import NotFoundError

WANTED = {
    "tumours": ("classification", ["diagnosis"]),
    "trees": ("classification", ["species"]),
    "rents": ("regression", ["rent_eur"]),
    "digits": ("classification", ["label"]),
    "co2": ("forecasting", ["co2_ppm"]),
    "shops": ("forecasting", ["sales"]),
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.key)
def test_an_example_is_understood_without_help(tmp_path, example):
    dataset = Dataset(import_file(write_example(example.key, tmp_path), tmp_path / "dataset"))
    guess = dataset.meta["guess"]
    assert dataset.modality == example.modality
    assert (guess["task"], guess["targets"]) == WANTED[example.key]
    assert dataset.meta["problems"] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.key)
def test_an_example_is_the_same_each_time(example):
    assert example.make() == example.make()


def test_an_unknown_example_is_refused(tmp_path):
    with pytest.raises(NotFoundError, match="no example 'nope'.*tumours"):
        write_example("nope", tmp_path)
