"""How numbers, sizes and times are written."""

import math

import pytest

from ui import diagram, scores, show, words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.91342, "0.913"),
        (48_734.2, "48,734"),
        (12.345, "12.3"),
        (0, "0"),
        (None, "–"),
        (math.nan, "–"),
        (3e-9, "3.00e-09"),
    ],
)
def test_numbers_have_three_significant_digits(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("value", "interval", "text"),
    [
        (0.9134, (0.9094, 0.9174), "0.913 ± 0.004"),
        (0.9293, (0.9183, 0.9403), "0.929 ± 0.011"),
        (48_734.0, (48_234.0, 49_234.0), "48,734 ± 500"),
        (0.5, None, "0.500"),
        (0.5, (0.5, 0.5), "0.500"),
    ],
)
def test_a_score_has_the_decimals_its_interval_warrants(value, interval, text):
    assert words.score(value, interval) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(8, "8 s"), (60, "1 min"), (125, "2 min 05 s"), (4800, "1 h 20 min"), (7200, "2 h"), (-3, "0 s")],
)
def test_durations(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("n", "text"), [(0, "0 B"), (999, "999 B"), (45_200, "45.2 kB"), (2.5e6, "2.5 MB"), (4e9, "4.0 GB")]
)
def test_sizes(n, text):
    assert words.size(n) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [(0.2, "20 %"), (0.068, "6.8 %"), (0.00001, "< 0.1 %"), (0.9999, "> 99.9 %"), (0, "0 %"), (1, "100 %")],
)
def test_shares_never_round_a_little_to_nothing(part, text):
    assert words.share(part) == text


def test_labels_of_a_selector_differ():
    assert words.apart({"a": "run", "b": "run", "c": "other"}) == {"a": "run", "b": "run (2)", "c": "other"}


def test_listing_says_how_many_more():
    assert words.listing(["a", "b"]) == "a and b"
    assert words.listing(list("abcde")) == "a, b, c and 2 more"


def test_csv_cells_are_no_formulas():
    import pandas as pd

    content = show.safe_csv(pd.DataFrame({"text": ["=1+1", "plain", "@x"], "number": [-1.5, 2, 3]})).decode("utf-8-sig")
    assert content.splitlines() == ["text,number", "'=1+1,-1.5", "plain,2.0", "'@x,3.0"]


def test_csv_column_names_are_no_formulas_and_negative_numbers_stay_numbers():
    import pandas as pd

    content = show.safe_csv(pd.DataFrame({"=cmd()": ["-5", "-x"]})).decode("utf-8-sig")
    assert content.splitlines() == ["'=cmd()", "-5", "'-x"]


@pytest.mark.parametrize(("tier", "said"), [(1, "MLP, the best network, draws with it"), (2, "no network beat it")])
def test_a_simple_winner_says_whether_a_network_draws_with_it(tier, said):
    from tests.pages.worlds import board

    rows = board()["rows"]
    rows = [{**rows[2], "tier": 1}, {**rows[0], "tier": tier}]
    assert said in scores.gain({**board(), "rows": rows, "winner": "trees"})


def test_markdown_shows_data_as_written():
    assert show.escape_markdown("[x](javascript:1) *b*") == r"\[x\]\(javascript\:1\) \*b\*"


def chain(length: int) -> list[dict]:
    return [
        {"name": f"l{i}", "kind": "Dense", "shape": [None, 8], "parameters": 10, "from": [f"l{i - 1}"] if i else []}
        for i in range(length)
    ]


def test_a_small_network_has_a_box_for_every_layer():
    assert [box.title for box in diagram.boxes(chain(3))] == ["Dense"] * 3


def test_a_long_chain_shares_boxes_and_keeps_every_parameter():
    found = diagram.boxes(chain(80))
    assert len(found) <= 20
    assert sum(len(box.layers) for box in found) == 80
    assert sum(layer["parameters"] for box in found for layer in box.layers) == 800
    assert f"{10 * len(found[-1].layers)} parameters" in found[-1].detail


def test_branches_meet_below_their_sources():
    layers = [
        {"name": "a", "kind": "InputLayer", "shape": [None, 3], "parameters": 0, "from": []},
        {"name": "b", "kind": "InputLayer", "shape": [None, 2], "parameters": 0, "from": []},
        {"name": "c", "kind": "Dense", "shape": [None, 4], "parameters": 16, "from": ["a"]},
        {"name": "d", "kind": "Concatenate", "shape": [None, 6], "parameters": 0, "from": ["c", "b"]},
    ]
    assert [box.depth for box in diagram.boxes(layers)] == [0, 0, 1, 2]
    assert diagram.svg(layers).count("<rect") == 4


def test_layer_names_from_a_file_cannot_become_markup():
    layers = [{"name": "<script>", "kind": "<b>", "shape": None, "parameters": 0, "from": []}]
    assert "<script>" not in diagram.svg(layers)
