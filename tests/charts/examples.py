"""One panel of every kind, with data like the reports make."""

import base64

import numpy as np

from dl_core.report import Panel
from dl_core.seeds import generator

DAY = 86_400.0


def _picture(shade: int) -> str:
    # a 2 x 2 grey bitmap: header, one row after the other, each padded to four bytes
    pixels = bytes([shade] * 6 + [0, 0]) * 2
    header = b"BM" + (54 + len(pixels)).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
    info = (40).to_bytes(4, "little") + (2).to_bytes(4, "little") * 2 + b"\x01\0\x18\0" + bytes(24)
    return "data:image/bmp;base64," + base64.b64encode(header + info + pixels).decode()


def examples() -> list[Panel]:
    draw = generator(0, "examples")
    steps = np.arange(60)
    curve = (0.6 * np.exp(-steps / 15) + 0.3).tolist()
    season = np.sin(np.arange(120) / 24 * 2 * np.pi) * 10 + 50
    ahead = np.sin(np.arange(120, 144) / 24 * 2 * np.pi) * 10 + 50
    unit = np.linspace(0, 1, 40)
    series = {
        "name": "H1",
        "history": {"x": (np.arange(120) * 3600.0).tolist(), "y": season.tolist()},
        "x": (np.arange(120, 144) * 3600.0).tolist(),
        "median": ahead.tolist(),
        "actual": (ahead + draw.normal(0, 2, 24)).tolist(),
        "bands": [
            {"level": 50, "low": (ahead - 2).tolist(), "high": (ahead + 2).tolist()},
            {"level": 80, "low": (ahead - 4).tolist(), "high": (ahead + 4).tolist()},
        ],
    }
    values = draw.normal(0, 1, 400)
    counts, edges = np.histogram(values, 24)
    return [
        Panel(
            kind="bars",
            title="What the model relies on",
            data={
                "labels": ["capital-gain", "relationship", "age", "education-num", "fnlwgt"],
                "values": [0.081, 0.044, 0.021, 0.019, -0.001],
                "intervals": [[0.075, 0.087], [0.040, 0.048], [0.018, 0.024], [0.016, 0.022], [-0.002, 0.001]],
                "x_title": "ROC AUC lost when the column is shuffled",
            },
        ),
        Panel(
            kind="lines",
            title="Learning curves",
            data={
                "x_title": "seconds",
                "y_title": "validation loss",
                "series": [
                    {"name": "RealMLP", "x": steps.tolist(), "y": curve, "role": "accent"},
                    {"name": "t001", "x": steps.tolist(), "y": [value + 0.1 for value in curve], "role": "quiet"},
                    {"name": "Boosted trees", "x": [0, 59], "y": [0.42, 0.42], "role": "baseline"},
                ],
            },
        ),
        Panel(
            kind="matrix",
            title="Confusion matrix",
            data={"labels": ["<=50K", ">50K"], "counts": [[6950, 467], [820, 1532]]},
        ),
        Panel(
            kind="curve",
            title="ROC",
            data={
                "x_title": "False alarms",
                "y_title": "Found",
                "diagonal": True,
                "diagonal_name": "guessing",
                "series": [{"name": ">50K", "x": unit.tolist(), "y": (unit**0.2).tolist(), "role": "accent"}],
            },
        ),
        Panel(
            kind="scatter",
            title="Actual against predicted",
            data={
                "x": (values + draw.normal(0, 0.3, 400)).tolist(),
                "y": values.tolist(),
                "x_title": "Predicted",
                "y_title": "Actual",
                "line": "diagonal",
            },
        ),
        Panel(
            kind="histogram",
            title="Residuals",
            data={
                "edges": edges.tolist(),
                "counts": counts.tolist(),
                "x_title": "Actual minus predicted",
                "zero": True,
            },
        ),
        Panel(
            kind="distribution",
            title="Education",
            data={
                "labels": ["HS-grad", "Some-college", "Bachelors", "Masters"],
                "counts": [100, 70, 60, 20],
                "groups": [{"name": "<=50K", "counts": [84, 57, 35, 9]}, {"name": ">50K", "counts": [16, 13, 25, 11]}],
            },
        ),
        Panel(
            kind="distribution",
            title="Sales over time",
            data={"edges": [number * DAY for number in range(8)], "counts": [3, 4, 8, 6, 5, 2, 1], "x_kind": "time"},
        ),
        Panel(
            kind="split",
            title="The split",
            data={
                "parts": [
                    {"name": "train", "rows": 640, "start": None, "end": None},
                    {"name": "valid", "rows": 160, "start": None, "end": None},
                    {"name": "test", "rows": 200, "start": None, "end": None},
                ]
            },
        ),
        Panel(
            kind="split",
            title="The split over time",
            data={
                "x_kind": "time",
                "parts": [
                    {"name": "train", "rows": 640, "start": 0.0, "end": 640 * DAY},
                    {"name": "valid", "rows": 160, "start": 640 * DAY, "end": 800 * DAY},
                    {"name": "test", "rows": 200, "start": 800 * DAY, "end": 1000 * DAY},
                ],
            },
        ),
        Panel(kind="fan", title="Forecast", data={"x_kind": "time", "y_title": "load", "series": [series]}),
        Panel(
            kind="fan",
            title="Forecasts",
            data={"x_kind": "time", "y_title": "load", "series": [series, {**series, "name": "H2", "actual": None}]},
        ),
        Panel(
            kind="heatmap",
            title="Error by series and step",
            data={
                "x": list(range(1, 9)),
                "y": ["H1", "H2", "H3"],
                "z": draw.random((3, 8)).tolist(),
                "x_title": "step",
            },
        ),
        Panel(
            kind="images",
            title="Where it looks",
            data={"images": [{"source": _picture(shade), "caption": f"cat {shade}"} for shade in (40, 120, 200)]},
        ),
        Panel(
            kind="intervals",
            title="Scores",
            data={
                "x_title": "ROC AUC on the test part",
                "rows": [
                    {"name": "RealMLP", "value": 0.916, "low": 0.911, "high": 0.921, "role": "accent"},
                    {"name": "MLP", "value": 0.913, "low": 0.908, "high": 0.918},
                    {"name": "Linear model", "value": 0.905, "low": 0.900, "high": 0.910, "role": "baseline"},
                ],
                "reference": {"value": 0.905, "name": "best baseline"},
            },
        ),
        Panel(
            kind="parallel",
            title="What the tuner tried",
            data={
                "axes": [
                    {"name": "learning_rate", "values": [0.001, 0.01, 0.03], "log": True},
                    {"name": "activation", "values": ["relu", "selu", "relu"]},
                    {"name": "width", "values": [64, 128, 256]},
                ],
                "score": [0.90, 0.91, 0.905],
                "score_title": "ROC AUC",
                "direction": "max",
            },
        ),
        Panel(
            kind="table",
            title="Per class",
            data={
                "columns": ["Class", "Precision", "Recall"],
                "rows": [["<=50K", 0.894, 0.937], [">50K", 0.766, 0.651]],
            },
        ),
    ]
