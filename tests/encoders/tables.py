"""Generated tables with everything that hurts: gaps, unseen values, empty strings, huge numbers, constants, unicode."""

import pandas as pd
from hypothesis import strategies as st

from dl_core.data.schema import Column, Schema

NUMBERS = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-1000, 1000).map(float),
    st.sampled_from([0.0, -0.0, 1e300, -1e300, 5e-324, 1e16 + 2]),
)
TEXTS = st.one_of(
    st.none(),
    st.sampled_from(["", "a", "b", "A", "é", "e\u0301", "日本", "🙂", "\ue000unseen", "[UNK]", "0", "true"]),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=6),
)
MICROSECONDS = st.floats(-1e11, 1e11).map(lambda seconds: round(seconds, 6))  # no format that is read has more digits
TIMES = st.one_of(st.none(), st.integers(-(10**10), 10**10).map(float), MICROSECONDS, st.just(1e300))
KINDS = {"numeric": ("number", NUMBERS), "category": ("text", TEXTS), "datetime": ("time", TIMES)}


@st.composite
def tables(draw):
    """A schema, a train frame and a frame that it must also survive."""
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=6))
    columns = [Column(name=f"{kind} {n}", kind=kind, storage=KINDS[kind][0]) for n, kind in enumerate(kinds)]
    return Schema(version=1, columns=tuple(columns)), draw(_rows(columns)), draw(_rows(columns))


@st.composite
def _rows(draw, columns):
    rows = draw(st.integers(1, 12))
    frame = {}
    for column in columns:
        values = draw(st.lists(KINDS[column.kind][1], min_size=rows, max_size=rows))
        if draw(st.booleans()):
            values = [values[0]] * rows
        frame[column.name] = pd.Series(values, dtype=object if column.storage == "text" else "float64")
    return pd.DataFrame(frame)
