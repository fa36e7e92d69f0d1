"""The catalogue of explanations: what fits what, and what is refused with a reason."""

import pytest

from dl_core.errors import SpecError
from dl_core.explain import EXPLANATIONS, Context, explain, fitting, record_name


def test_tables_pictures_and_series_have_explanations_of_their_own():
    assert fitting({"numeric", "category"}, "network") == ["importance", "attribution"]
    assert fitting({"image"}, "network") == ["grad_cam"]
    assert fitting({"history", "calendar"}, "network") == ["components"]


def test_a_baseline_offers_predictions_only():
    assert fitting({"numeric"}, "baseline") == ["importance"]
    assert fitting({"image"}, "baseline") == []


def test_what_needs_a_network_is_refused_without_one():
    context = Context(run=None, model="linear", predictor=None)
    with pytest.raises(SpecError, match="looks inside a network; 'linear' is a baseline"):
        explain("attribution", context)
    with pytest.raises(SpecError, match="no explanation called 'tarot'"):
        explain("tarot", context)


def test_every_card_speaks():
    for card in EXPLANATIONS.values():
        assert card.title and card.why.endswith(".")


def test_each_sample_is_kept_apart():
    assert record_name("importance", None) == "importance"
    assert record_name("attribution", 12) == "attribution-12"
