"""The model card: what the model is, what it was trained on, how good it is and where its limits are. Markdown."""

from dataclasses import replace
from typing import Any

from dl_core.bundle.folder import Bundle
from dl_core.evaluation import spoken
from dl_core.metrics import METRICS

State = dict[str, Any]


def model_card(bundle: Bundle, receipt: State, rows: int) -> str:
    """`rows` is the size of the dataset. The bundle's `meta` may hold name, why, params, parameters, dataset, split,
    folds, valid, test, interval, refit and board (the rows of the leaderboard); what is absent is left out."""
    sections = (_model, _data, _quality, _settings, _limits, _proof, _versions)
    bundle = replace(bundle, meta={**bundle.meta, "rows": rows})
    title = bundle.meta.get("name") or "Model"
    targets = ", ".join(f"`{name}`" for name in bundle.task.targets)
    head = f"# {title}: {bundle.task.kind} of {targets}\n"
    return "\n".join([head, *(text for section in sections if (text := section(bundle, receipt)))])


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([f"## {title}", "", *lines, ""]) if lines else ""


def _model(bundle: Bundle, receipt: State) -> str:
    meta = bundle.meta
    lines = [meta["why"]] if meta.get("why") else []
    if meta.get("parameters"):
        folds = meta.get("folds", 1)
        if folds == 1 or meta.get("refit"):  # what is trained again is one network
            lines.append(f"It has {meta['parameters']:,} parameters.")
        else:
            lines.append(f"It is {folds} networks that answer together, with {meta['parameters']:,} parameters in all.")
    asks = {"rows": "a table row", "windows": "the latest history of a series"}[bundle.sampler]
    asks = "a picture" if bundle.picture_column else asks
    lines.append(f"It reads raw values of {asks}; all preprocessing is inside `model.keras`.")
    return _section("Model", lines)


def _data(bundle: Bundle, receipt: State) -> str:
    meta = bundle.meta
    lines = []
    if meta.get("dataset"):
        rows = f", {meta['rows']:,} rows" if meta.get("rows") else ""
        lines.append(f"- Dataset: {_plain(meta['dataset'])}{rows}")
    if meta.get("split"):
        split = meta["split"]
        folds = meta.get("folds", 1)
        rest = f"the rest in {folds} folds" if folds > 1 else f"{split['valid_share']:.0%} of the rest validation"
        shares = f"{split['test_share']:.0%} test, {rest}"
        lines.append(f"- Split: {split['kind']}, {shares}; the test part never chose anything")
    if bundle.sampler == "rows":
        columns = ", ".join(f"`{column.name}` ({column.kind})" for column in bundle.preprocessor.columns)
        lines.append(f"- Columns it reads: {columns}")
        classes = bundle.state["task"].get("classes")
        if classes:
            lines.append(f"- Classes: {', '.join(f'`{label}`' for label in classes)}")
    else:
        state = bundle.state["preprocessor"]
        lines.append(
            f"- Series of `{state['target']}` at frequency `{state['frequency']}`; it sees {state['lookback']} steps "
            f"and forecasts {state['horizon']}"
        )
    return _section("Data", lines)


def _quality(bundle: Bundle, receipt: State) -> str:
    meta, metric = bundle.meta, METRICS.load(bundle.task.metric)
    if meta.get("valid") is None:
        return ""
    better = "higher" if metric.direction == "max" else "lower"
    lines = [f"{metric.title} ({better} is better; in brackets the 95 % interval of the test score):", ""]
    folds = meta.get("folds", 1)
    lines += [f"| | {spoken.name(folds)} | test |", "|---|---|---|"]
    rows = [{**meta, "name": f"**{meta.get('name', 'this model')}**"}, *_rivals(meta)]
    lines += [f"| {_plain(row['name'])} | {_number(row.get('valid'))} | {_with_interval(row)} |" for row in rows]
    notes = [spoken.meaning(folds) if folds > 1 else "", spoken.refitted(meta.get("refit"))]
    lines += [line for note in notes if note for line in ("", note)]
    return _section("Quality", lines)


def _rivals(meta: State) -> list[State]:
    return [row for row in meta.get("board", []) if row["model"] != meta.get("model")]


def _with_interval(row: State) -> str:
    interval = row.get("interval")
    return _number(row.get("test")) + (f" [{_number(interval[0])}, {_number(interval[1])}]" if interval else "")


def _settings(bundle: Bundle, receipt: State) -> str:
    meta = bundle.meta
    params = meta.get("params") or {}
    return _section("Settings", [f"- {name}: {_number(value)}" for name, value in params.items()])


def _limits(bundle: Bundle, receipt: State) -> str:
    lines = ["- It knows what its training data showed; check it again when the data change."]
    if bundle.task.kind == "regression":
        state = bundle.state["task"]
        for name, low, high in zip(bundle.task.targets, state["low"], state["high"], strict=True):
            lines.append(f"- Answers for `{name}` stay between {_number(low)} and {_number(high)}, as in training.")
    if bundle.sampler == "rows" and not bundle.picture_column:
        lines.append("- A category it never saw counts as “unseen”; numbers far outside the training range are damped.")
        if left_out := bundle.preprocessor.left_out:
            lines.append(f"- Columns it does not read: {', '.join(f'`{name}`' for name in left_out)}.")
    return _section("Limits", lines)


def _proof(bundle: Bundle, receipt: State) -> str:
    line = (
        f"`predict.py` was run from this kit on {receipt['rows']} answers ({receipt['sample']}): "
        f"{receipt['identical']} were identical to the app's, the largest difference was "
        f"{receipt['largest_difference']:.2g} (allowed {receipt['tolerance']:g}; unit: {receipt['unit']}). "
        "See `receipt.json`."
    )
    return _section("Proof", [line])


def _versions(bundle: Bundle, receipt: State) -> str:
    return _section("Versions", [", ".join(f"{name} {version}" for name, version in bundle.versions.items())])


def _number(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _plain(text: Any) -> str:
    """Text that cannot break out of its place in the card."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")
