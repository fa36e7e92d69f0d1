"""The columns of a dataset as a table to look at and to edit; an edit becomes a new version of the schema."""

from typing import Any

import pandas as pd
import streamlit as st

from dl_core.data.dataset import Dataset
from dl_core.data.schema import KINDS, ROLES, Schema
from dl_core.errors import SpecError
from dl_core.report import Panel
from ui import show, words

SERIES_ROLES = ("time", "series", "static", "known-ahead")
# what a column may become without being read again: its values stay as they are stored
POSSIBLE = {
    "number": ("numeric", "category", "boolean", "id"),
    "text": ("category", "boolean", "text", "id"),
    "time": ("datetime",),
    "image": ("image",),
}


def editor(dataset: Dataset) -> None:
    """The table, and a line to save what was changed in it."""
    schema, profile = dataset.schema, dataset.profile
    key = f"columns_{dataset.id}_{schema.version}"
    kinds = [kind for kind in KINDS if any(kind in POSSIBLE[column.storage] for column in schema.columns)]
    roles = [role for role in ROLES if dataset.modality == "series" or role not in SERIES_ROLES[1:]]
    st.data_editor(
        frame(schema, profile),
        key=key,
        hide_index=True,
        disabled=["Column", "Distribution", "Missing", "Distinct", "Typical", "Why"],
        alt="Columns with their kinds and roles",
        column_config={
            "Column": st.column_config.TextColumn("Column", pinned=True),
            "Kind": st.column_config.SelectboxColumn(
                "Kind", options=kinds, required=True, help="What the values are. Change it here.", width="small"
            ),
            "Role": st.column_config.SelectboxColumn(
                "Role", options=roles, required=True, help="What the column is for. Change it here.", width="small"
            ),
            "Distribution": st.column_config.BarChartColumn(
                "Distribution", help="How often values occur; of words, the most frequent.",
                y_min=0, width="medium",
            ),
            "Missing": st.column_config.ProgressColumn(
                "Missing", min_value=0, max_value=1, format="percent", help="Share of rows without a value.",
                width="medium",
            ),
            "Distinct": st.column_config.NumberColumn("Distinct", format="localized", help="Different values."),
            "Typical": st.column_config.TextColumn("Typical values", width="medium"),
            "Why": st.column_config.TextColumn("Why this kind", width="large"),
        },
    )  # fmt: skip
    edits = (st.session_state.get(key) or {}).get("edited_rows") or {}
    changes = changes_of(schema, edits)
    if not changes:
        st.html(
            f'<p class="db-muted db-small">Version {schema.version} of the columns. Double-click a kind or a role to '
            "change it; a change makes a new version, and runs keep the version they were started with.</p>"
        )
        closer(dataset)
        return
    problem = first_misfit(schema, changes)
    if problem:
        show.callout("error", str(problem))
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            f"Save {words.plural(len(changes), 'change')} as version {schema.version + 1}", key="save_columns"
        ):
            dataset.add_schema(schema.edited(changes))
            st.rerun()
        st.html(f'<span class="db-muted">{words.listing(list(changes))} will be different.</span>', width="content")


def closer(dataset: Dataset) -> None:
    """The distribution of one column, the target first."""
    counted = dataset.profile.get("columns", {})
    drawable = [name for name, about in counted.items() if about.get("histogram") or about.get("top")]
    if not drawable:
        return
    targets = [*(column.name for column in dataset.schema.having("target")), *_guessed(dataset)]
    first = next((drawable.index(name) for name in targets if name in drawable), len(drawable) - 1)
    name = st.selectbox("Look closer at", drawable, index=first, key=f"closer_{dataset.id}", width=320)
    show.panel(distribution_panel(name, counted[name], dataset.n_rows), f"closer_{dataset.id}_{name}")


def _guessed(dataset: Dataset) -> list[str]:
    return list((dataset.meta.get("guess") or {}).get("targets") or [])


def distribution_panel(name: str, about: dict[str, Any], rows: int) -> Panel:
    """The whole column as counted at the import: a histogram, or the most frequent values."""
    said = [f"{words.count(about['distinct'])} different values"]
    if about["missing"]:
        said.append(f"{words.share(about['missing'] / max(1, rows))} missing")
    if about.get("histogram"):
        histogram = about["histogram"]
        data = {"edges": histogram["edges"], "counts": histogram["counts"], "x_title": name}
        if about["storage"] == "time":
            data["x_kind"] = "time"
        outside = histogram.get("below", 0) + histogram.get("above", 0)
        if outside:
            said.append(f"{words.plural(outside, 'row')} lie outside the picture")
    else:
        top = about["top"][:12]
        data = {"labels": [str(value) for value, _ in top], "counts": [number for _, number in top], "x_title": "rows"}
        if about["distinct"] > len(top):
            said.append(f"the {len(top)} most frequent are drawn")
    return Panel(kind="distribution", title="", data=data, note=f"{', '.join(said)}.")


def frame(schema: Schema, profile: dict[str, Any]) -> pd.DataFrame:
    """One row per column, in file order."""
    counted = profile.get("columns", {})
    rows = max(1, profile.get("rows", 1))
    return pd.DataFrame(
        [
            {
                "Column": column.name,
                "Kind": column.kind,
                "Role": column.role,
                "Distribution": distribution(counted.get(column.name, {})),
                "Missing": counted.get(column.name, {}).get("missing", 0) / rows,
                "Distinct": counted.get(column.name, {}).get("distinct"),
                "Typical": typical(counted.get(column.name, {})),
                "Why": column.reason,
            }
            for column in schema.columns
        ]
    )


def distribution(about: dict[str, Any]) -> list[int]:
    if about.get("histogram"):
        return list(about["histogram"]["counts"])
    return [number for _, number in about.get("top", [])]


def typical(about: dict[str, Any]) -> str:
    """'17 to 90, usually 38' or the most frequent texts."""
    if about.get("storage") == "time" and about.get("min") is not None:
        low, high = (pd.Timestamp(about[end], unit="s") for end in ("min", "max"))
        return f"{low:%-d %b %Y} to {high:%-d %b %Y}"
    if about.get("min") is not None:
        middle = about.get("quantiles", {}).get("0.5")
        usual = f", usually about {words.plain(middle)}" if middle is not None else ""
        return f"{words.plain(about['min'])} to {words.plain(about['max'])}{usual}"
    return words.listing([str(value) for value, _ in about.get("top", [])])


def changes_of(schema: Schema, edited_rows: dict[int, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The editor's edits as `Schema.edited` takes them, without those that change nothing."""
    changes: dict[str, dict[str, Any]] = {}
    for place, edit in edited_rows.items():
        column = schema.columns[int(place)]
        wanted = {field.lower(): value for field, value in edit.items() if field in ("Kind", "Role")}
        different = {field: value for field, value in wanted.items() if value and value != getattr(column, field)}
        if different:
            changes[column.name] = different
    return changes


def first_misfit(schema: Schema, changes: dict[str, dict[str, Any]]) -> SpecError | None:
    """The first change that the stored values do not allow."""
    said = {"number": "numbers", "text": "text", "time": "dates", "image": "pictures"}
    for name, change in changes.items():
        column = schema[name]
        kind = change.get("kind")
        if kind and kind not in POSSIBLE[column.storage]:
            possible = words.listing(list(POSSIBLE[column.storage]), limit=9)
            return SpecError(
                f"{name!r} holds {said[column.storage]}, so it cannot become {kind!r}. It can be {possible}; for "
                "anything else, change the file and bring it again."
            )
    roles = {column.name: changes.get(column.name, {}).get("role", column.role) for column in schema.columns}
    for role in ("time", "weight", "split"):
        holders = [name for name, own in roles.items() if own == role]
        if len(holders) > 1:
            return SpecError(
                f"{words.listing([repr(name) for name in holders])} all have the role {role!r}, which one column can "
                "have. Give the others another role."
            )
    return None
