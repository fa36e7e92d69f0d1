"""What the benchmark of the engine says about figures; measuring them is no test."""

import xml.etree.ElementTree as ET

from bench import engine, launches
from bench.page import Line, Section, bars


def _record(ours: list[float], stock: list[float], *, sign: int = 1, data: str = "classes", seconds=(10.0, 100.0)):
    def side(scores, took):
        return {"seconds": took, "trials": len(scores), "scores": scores}

    return {
        **{"data": data, "family": "mlp", "sign": sign, "small": True, "only": {"width": [32, 64]}},
        **{"ours": side(ours, seconds[0]), "stock": side(stock, seconds[1]), "tuned": side(stock, seconds[1] / 2)},
    }


def test_a_section_holds_only_where_all_its_lines_do():
    good, bad = Line("a", "1", "1", True), Line("b", "2", "1", False)
    assert Section("t", "how", "body", (good,)).met
    assert not Section("t", "how", "body", (good, bad)).met
    assert "| b | 2 | 1 | **not met** |" in Section("t", "how", "body", (good, bad)).content


def test_a_bar_is_as_long_as_its_figure():
    root = ET.fromstring(bars("Trials & more", [("a <b>", 100.0, 10.0)]))
    rects = [
        float(rect.get("width")) for rect in root.iter() if rect.tag.endswith("rect") and rect.get("height") == "14"
    ]
    assert rects[0] == 10 * rects[1]


def test_the_gain_of_several_searches_weighs_the_slow_ones():
    quick, slow = _record([1, 1], [1, 1], seconds=(1.0, 20.0)), _record([1, 1], [1, 1], seconds=(100.0, 100.0))
    assert engine._gain([quick], "stock") == 20.0
    assert engine._gain([quick], "tuned") == 10.0
    assert 1.0 < engine._gain([quick, slow], "stock") < 1.3


def test_scores_are_worse_only_beyond_chance():
    stock = [0.80, 0.85, 0.90, 0.95]
    assert engine._equal(_record([0.81, 0.84, 0.91, 0.94], stock)).met
    assert not engine._equal(_record([0.70, 0.75, 0.80, 0.851], stock)).met
    assert engine._equal(_record([0.70, 0.75, 0.80, 0.851], stock, sign=-1)).met


def test_short_budgets_are_allowed_more():
    assert launches.allowed(20) == 37
    assert launches.allowed(60) == 73
    assert launches.allowed(300) == 325
