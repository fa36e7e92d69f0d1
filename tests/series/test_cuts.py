"""Cut-offs of train, valid and test never show the future."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dl_core.errors import DataError
from dl_core.samples.cuts import LEAST_HISTORY, cut_series


@given(
    lengths=st.lists(st.integers(1, 400), min_size=1, max_size=12),
    horizon=st.integers(1, 30),
    season=st.sampled_from([1, 4, 12, 24]),
    follows=st.booleans(),
)
def test_no_target_of_an_earlier_part_reaches_into_a_later_one(lengths, horizon, season, follows):
    lengths = np.array(lengths)
    try:
        cuts = cut_series(lengths, horizon, season, test_follows=follows)
    except DataError:
        assume(False)
    for series, length in enumerate(lengths):
        train, valid, test = (steps[numbers == series] for numbers, steps in (cuts.train, cuts.valid, cuts.test))
        first_valid, first_test = cuts.until_valid[series], cuts.until_test[series]
        assert (train + horizon <= first_valid).all() and (train >= LEAST_HISTORY).all()
        assert (valid >= first_valid).all() and (valid + horizon <= first_test).all()
        assert (test >= first_test).all() and (test + horizon <= length + (horizon if follows else 0)).all()
        assert len(set(valid)) == len(valid)
        assert bool(len(train)) == bool(len(valid)), "a series that is not validated does not train either"
        assert bool(len(test)) != cuts.left_out[series]
        whole = cuts.whole[1][cuts.whole[0] == series]
        assert {*train, *valid, *test} <= set(whole), "what is learned from at last misses nothing"
        assert len(whole) == 0 or (np.diff(whole) == 1).all() and whole[-1] == test[-1]
    assert len(cuts.train[0]) and len(cuts.valid[0]) and len(cuts.test[0])
    assert cuts.history >= cuts.lookback >= min(LEAST_HISTORY, season)


def test_a_long_series_has_three_validation_origins_or_more_a_horizon_apart():
    cuts = cut_series(np.array([1000]), horizon=20, season=1)
    assert cuts.origins >= 3 and cuts.stride == 20
    assert np.diff(cuts.valid[1]).tolist() == [20] * (len(cuts.valid[1]) - 1)
    assert len(cuts.test[1]) == 8, "one window alone says little about a single series"


def test_a_short_series_has_three_origins_that_overlap():
    cuts = cut_series(np.array([120]), horizon=24, season=12, test_follows=True)
    assert len(cuts.valid[1]) == 3 and 0 < cuts.stride < 24
    assert cuts.test[1].tolist() == [120]


def test_many_series_are_tested_on_their_last_horizon():
    cuts = cut_series(np.full(400, 700), horizon=48, season=24)
    assert (cuts.test[1] == 652).all() and len(cuts.test[1]) == 400


def test_very_many_series_are_validated_on_a_sample_of_all():
    cuts = cut_series(np.full(5000, 100), horizon=6, season=1)
    assert len(cuts.valid[0]) == 6000 and len(cuts.test[0]) == 5000
    assert np.diff(np.unique(cuts.valid[0])).max() == 1 and len(np.unique(cuts.valid[1])) == 3


def test_what_is_too_short_is_left_out_or_only_tested():
    cuts = cut_series(np.array([5, 25, 200, 200]), horizon=10, season=1, test_share=0.1)
    assert cuts.left_out.tolist() == [True, False, False, False]
    assert cuts.until_valid[1] == 0 and 1 in cuts.test[0] and 1 not in cuts.train[0]


def test_a_series_shorter_than_its_horizon_is_refused_with_the_horizon_that_fits():
    with pytest.raises(DataError, match="has 30 steps; a horizon of 24 needs at least 76.*horizon of 8 or less"):
        cut_series(np.array([30]), horizon=24, season=12)
    cut_series(np.array([30]), horizon=8, season=1)
    with pytest.raises(DataError, match="Bring a longer history"):
        cut_series(np.array([3]), horizon=1, season=1)


def test_the_lookback_is_whole_seasons_and_leaves_windows_to_learn_from():
    cuts = cut_series(np.array([144]), horizon=12, season=12)
    assert cuts.lookback % 12 == 0 and len(cuts.train[1]) > 20
    assert cut_series(np.full(50, 960), horizon=48, season=24).lookback == 240
