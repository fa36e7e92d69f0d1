"""Permutation importance (Breiman, 2001): how much worse the score gets when one column of the table is shuffled.

Columns are shuffled as the file holds them, so that everything an encoder makes of a column moves together. The
validation part is used: importance chooses nothing, and the test part stays untouched. Where there is none but the
folds that the networks have learned from, it is the test part.
"""

import time

import numpy as np
import pandas as pd

from dl_core.explain import Context, test_rows
from dl_core.report import Panel, significant
from dl_core.seeds import generator

MOST_ROWS = 2000
MOST_ROUNDS = 5
MOST_BARS = 20


def explain(context: Context) -> list[Panel]:
    prepared, spec = context.prepared, context.run.spec
    part = "test" if prepared.folds > 1 else "valid"
    chosen = generator(spec.seed, "importance").permutation(prepared.size(part))[:MOST_ROWS]
    if part == "test":
        tested = test_rows(context.run, chosen.tolist())
        frame = tested[[name for name in context.predictor.columns if name in tested]]
    else:
        rows = np.asarray(prepared.rows("valid"))[chosen].tolist()
        frame = context.dataset.table(list(context.predictor.columns), rows=rows)
    truth = np.asarray(prepared.truth(part))[chosen]

    def score(table: pd.DataFrame) -> float:
        return context.metric.compute(truth, context.predictor.predict(table))

    losses = shuffled_losses(score, frame, context.metric.sign, seed=spec.seed, seconds=context.seconds)
    on = f"{len(chosen):,} {'test' if part == 'test' else 'validation'} rows"
    learned = context.run.model(context.model).get("refit") is not None
    return [panel(losses, context.metric.title, on, learned)]


def shuffled_losses(score, frame: pd.DataFrame, sign: int, *, seed: int, seconds: float) -> dict[str, np.ndarray]:
    """What shuffling each column costs, several times over: column -> (rounds,). `score(frame)` is better when
    `sign` times it is larger. Rounds end when the time is over, never before the first."""
    end = time.monotonic() + seconds
    whole = score(frame)
    losses: dict[str, list[float]] = {name: [] for name in frame}
    longest = 0.0
    for number in range(MOST_ROUNDS):
        began = time.monotonic()
        if number and began + longest > end:
            break
        for name in frame:
            order = generator(seed, "shuffle", number, name).permutation(len(frame))
            shuffled = frame.assign(**{name: frame[name].to_numpy()[order]})
            losses[name].append(sign * (whole - score(shuffled)))
        longest = max(longest, time.monotonic() - began)
    return {name: np.array(values) for name, values in losses.items()}


def panel(losses: dict[str, np.ndarray], metric: str, on: str, learned: bool = False) -> Panel:
    """`on` says which rows the `metric` was lost on; `learned`, whether the network has learned from them since it was
    scored."""
    means = {name: float(values.mean()) for name, values in losses.items()}
    names = sorted(means, key=lambda name: -means[name])
    shown = names[:MOST_BARS]
    lost = significant(means[names[0]])
    note = f"Shuffling “{names[0]}” costs {lost} {metric} on {on}, more than any other column."
    idle = [name for name in names if losses[name].min() <= 0]
    if means[names[0]] <= 0:
        note = f"Shuffling any single column changes next to nothing on {on}."
    elif idle:
        note += f" {len(idle)} of {len(names)} columns make no measurable difference when shuffled alone."
    return Panel(
        kind="bars",
        title="What the model relies on",
        note=note,
        help=f"How much {metric} is lost on {on} when a column is shuffled; the line shows how the "
        f"{max(map(len, losses.values()))} rounds differ. Columns that say the same share their importance."
        + " The network has learned from these rows since it was scored." * learned,
        data={
            "labels": shown,
            "values": [means[name] for name in shown],
            "intervals": [[float(losses[name].min()), float(losses[name].max())] for name in shown],
            "roles": ["baseline" if name in idle else "accent" for name in shown],
            "x_title": f"{metric} lost when the column is shuffled",
            "hover": [f"Without “{name}”, {significant(abs(means[name]))} {metric} is "
                      + ("lost." if means[name] >= 0 else "won.") for name in shown],
        },
    )  # fmt: skip
