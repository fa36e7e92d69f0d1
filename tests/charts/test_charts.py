"""Every panel kind draws in both modes, in one look, and never runs what a file calls a column."""

import json

import pytest

from dl_core.charts import CHARTS, figure
from dl_core.charts.style import DARK, LIGHT, plain
from dl_core.errors import SpecError
from dl_core.report import Panel
from tests.charts.examples import examples

PANELS = examples()


def _names(panels):
    return [f"{panel.kind}: {panel.title}" for panel in panels]


def test_every_kind_has_an_example():
    assert {panel.kind for panel in PANELS} == set(CHARTS)


@pytest.mark.parametrize("panel", PANELS, ids=_names(PANELS))
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_panel_survives_storage_and_becomes_a_figure_of_the_one_template(panel, dark):
    stored = Panel.from_json(json.loads(json.dumps(panel.to_json())))
    drawn = figure(stored, dark)
    style = DARK if dark else LIGHT
    assert drawn.data, "a figure without a trace says nothing"
    assert drawn.layout.template.layout.paper_bgcolor == style.paper
    assert "Inter" in drawn.layout.template.layout.font.family
    assert drawn.layout.height > 60
    json.loads(drawn.to_json())


def test_an_unknown_kind_is_refused_by_name():
    with pytest.raises(SpecError, match="no chart called 'pie'"):
        figure(Panel(kind="pie", title="Cake"))


def test_text_from_a_file_is_never_markup():
    assert plain("<a href='https://example.org'>click</a>", 80).startswith("&lt;a href")
    assert "%{" not in plain("%{customdata}")
    hostile = "<b>%{x}</b>"
    for panel in PANELS:
        data = json.loads(
            json.dumps(panel.data).replace("H1", hostile).replace("<=50K", hostile).replace('"age"', f'"{hostile}"')
        )
        drawn = figure(Panel(kind=panel.kind, title=panel.title, data=data)).to_json()
        assert "<b>%{x}" not in drawn and "\\u003cb\\u003e%{x}" not in drawn, panel.kind


def test_the_chosen_model_is_accent_and_baselines_are_grey():
    panel = next(panel for panel in PANELS if panel.kind == "intervals")
    markers = [trace.marker.color for trace in figure(panel).data if trace.mode == "markers"]
    assert markers[0] == LIGHT.accent and markers[2] == LIGHT.baseline


def test_hover_reads_as_a_sentence():
    matrix = figure(next(panel for panel in PANELS if panel.kind == "matrix"))
    assert matrix.data[0].customdata[0][1] == "467 of 7,417 “&lt;=50K” were taken for “&gt;50K” (6.3%)."


@pytest.mark.parametrize("style", [LIGHT, DARK], ids=["light", "dark"])
def test_text_on_every_paper_is_readable(style):
    for colour in (style.text, style.muted):
        assert _contrast(colour, style.paper) >= 4.5
    for colour in (style.accent, style.baseline, *style.series):
        assert _contrast(colour, style.paper) >= 2.0, colour


def _contrast(colour, other):
    """WCAG 2.1 contrast ratio of two colours."""

    def luminance(text):
        channels = [int(text[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(colour), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_axes_of_whole_numbers_have_whole_ticks():
    layers = [1, 2, 3, 4, 5, 6, 9]
    axes = [
        {"name": "layers", "values": layers, "log": False},
        {"name": "width", "values": [32, 48, 64, 100, 128, 200, 256], "log": True},
        {"name": "few", "values": [1, 1, 3, 3, 1, 1, 3], "log": False},
    ]
    data = {"axes": axes, "score": [0.1 * each for each in layers], "score_title": "R²", "direction": "max"}
    drawn = figure(Panel(kind="parallel", title="", data=data)).data[0].dimensions
    assert list(drawn[0].ticktext) == ["1", "3", "5", "7", "9"]
    assert list(drawn[1].ticktext) == ["32", "54", "91", "152", "256"]
    assert list(drawn[2].ticktext) == ["1", "3"]


def test_names_beside_lines_have_room_and_long_ones_stand_above():
    def lines(name):
        series = [{"name": name, "x": [0, 1], "y": [0.1, 0.9], "role": "accent"}]
        return figure(Panel(kind="lines", title="", data={"series": series})).layout

    short, long = lines("RealMLP t002"), lines("Boosted trees (LightGBM)")
    assert short.annotations[0].text == "RealMLP t002" and short.margin.r >= 7 * len("RealMLP t002")
    assert not long.annotations and long.showlegend


def test_the_names_of_a_split_stay_apart_at_its_ends():
    parts = [{"name": name, "rows": rows} for name, rows in (("train", 80), ("valid", 10), ("test", 10))]
    names = figure(Panel(kind="split", title="", data={"parts": parts})).layout.annotations
    assert [(each.x, each.xanchor) for each in names] == [(0, "left"), (85, "center"), (100, "right")]


def test_a_line_that_ends_outside_the_picture_is_named_above_it():
    series = [{"name": "MLP t001", "x": [0, 1], "y": [0.9, 0.1], "role": "accent"}]
    drawn = figure(Panel(kind="lines", title="", data={"series": series, "y_range": [0.5, 1.0]})).layout
    assert not drawn.annotations and drawn.showlegend


def test_a_part_in_folds_is_drawn_in_as_many_pieces():
    parts = [{"name": "train", "rows": 80, "folds": 5}, {"name": "test", "rows": 20}]
    drawn = figure(Panel(kind="split", title="", data={"parts": parts}))
    train, test = drawn.data
    assert list(train.base) == [0, 16, 32, 48, 64] and list(train.x) == [16] * 5
    assert list(test.base) == [80] and list(test.x) == [20]
    assert [note.text for note in drawn.layout.annotations] == ["<b>Train, in 5 folds</b><br>80%", "<b>Test</b><br>20%"]
