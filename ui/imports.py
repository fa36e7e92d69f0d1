"""Bringing data in: uploads and examples become datasets in the background while the page shows how far they are.

An import lives in the server, not in the tab: leaving the page does not stop it. An upload that could not be read stays
on disk until it is read with other choices or thrown away.
"""

import logging
import shutil
import time
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import streamlit as st

from dl_core.errors import DeepboardError
from dl_core.records import read_json, write_json
from dl_core.settings import workspace
from ui import cached, glance, navigation, show, state, words
from ui.dropzone import Upload

TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods", ".parquet", ".json", ".jsonl", ".ndjson")
EXCEL = (".xlsx", ".xlsm", ".xls", ".ods")
LAYOUTS = {
    "": "Work it out",
    "table": "A table: every row stands for itself",
    "long": "A time series: one row per time (and series)",
    "wide columns": "Many series side by side, one column each",
    "wide rows": "Many series below each other, one row each",
}


@dataclass
class Import:
    """One import: at work, waiting for a choice ('choose'), failed or done. `folder` is its place under uploads/;
    `path` is what the reader gets, None for an example that is still to be written."""

    id: str
    name: str
    folder: Path
    path: Path | None = None
    example: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    kind: str = "dataset"  # or 'test': the own test file of a run, shown where it was dropped
    status: str = "working"
    doing: str = "Reading"
    share: float = 0.0
    error: str = ""
    dataset: str | None = None
    begun: float = field(default_factory=time.time)


@st.cache_resource(show_spinner=False)
def _known(actor: str, place: str) -> dict[str, Import]:
    """Imports of this server by id; the uploads that an earlier server left behind wait to be chosen again."""
    known = {}
    for record_path in sorted(Path(place).glob("uploads/*/arrived.json")):
        record = read_json(record_path)
        found = arranged(record_path.parent / "content")
        if found:
            path, options, name = found
            known[record["id"]] = Import(
                record["id"], name, record_path.parent, path, options=options, status="choose", begun=record["at"]
            )
    return known


def known() -> dict[str, Import]:
    return _known(state.actor(), str(workspace()))


def arranged(content: Path) -> tuple[Path, dict[str, Any], str] | None:
    """What the reader gets of an upload: (path, options, name). A table dropped beside pictures names them; None for an
    empty upload. Raises DeepboardError for several tables at once."""
    entries = sorted(entry for entry in content.glob("*") if not entry.name.startswith("."))
    if not entries:
        return None
    if len(entries) == 1:
        return entries[0], {}, entries[0].stem if entries[0].is_file() else entries[0].name
    tables = [entry for entry in entries if entry.is_file() and _is_table(entry)]
    others = [entry for entry in entries if entry not in tables]
    if len(tables) > 1:
        raise DeepboardError(
            f"You dropped {len(tables)} tables at once ({words.listing([table.name for table in tables])}). One "
            "dataset comes from one table: drop them one after the other."
        )
    if len(tables) == 1 and len(others) == 1 and (others[0].is_dir() or others[0].suffix.lower() == ".zip"):
        return tables[0], {"images": others[0]}, tables[0].stem
    return content, {}, tables[0].stem if tables else f"{len(entries)} pictures"


def _is_table(path: Path) -> bool:
    name = path.name.lower().removesuffix(".gz")
    return name.endswith(TABLES)


def take(upload: Upload | None) -> None:
    """Start importing what has just arrived."""
    if upload is None:
        return
    folder = upload.content.parent
    item = Import(upload.id, "Your upload", folder)
    try:
        found = arranged(upload.content)
        if found is None:
            raise DeepboardError("Nothing arrived. Drop the file again.")
        item.path, item.options, item.name = found
        write_json(folder / "arrived.json", {"id": upload.id, "name": item.name, "at": time.time()})
        known()[item.id] = item
        if item.path.suffix.lower() in EXCEL and len(sheets(item.path)) > 1:
            item.status = "choose"
        else:
            start(item)
    except DeepboardError as error:
        item.status, item.error = "failed", str(error)
        known()[item.id] = item
    st.rerun()


def begin_example(key: str, title: str) -> None:
    """Write an example to disk and import it like any upload."""
    folder = workspace() / "uploads" / f"example-{key}-{time.time_ns():x}"
    item = Import(folder.name, title, folder, example=key, doing="Writing the example")
    known()[item.id] = item
    start(item)


def begin_copy(path: Path, name: str, options: dict[str, Any]) -> None:
    """Read the kept original of a dataset once more, with other choices."""
    folder = workspace() / "uploads" / f"again-{time.time_ns():x}"
    folder.mkdir(parents=True)
    item = Import(folder.name, name, folder, path, options=options)
    known()[item.id] = item
    start(item)


def start(item: Import) -> None:
    item.status, item.error, item.share = "working", "", 0.0
    Thread(target=_work, args=(item, cached.store(), state.actor()), name=f"import {item.name}", daemon=True).start()


_one_at_a_time = Lock()


def _work(item: Import, store: Any, actor: str) -> None:
    """In a thread of its own, without the script's context: nothing here touches the page."""
    from dl_core.data.importing import import_file

    def progress(text: str, share: float) -> None:
        item.doing, item.share = text, share

    item.doing = "Waiting for the import before it"
    try:
        with _one_at_a_time:
            item.doing = "Reading"
            if item.example:
                from dl_core.data.examples import write_example

                item.folder.mkdir(parents=True, exist_ok=True)
                item.path = Path(write_example(item.example, item.folder))
            assert item.path is not None, "an upload has a path from its arrival on"
            folder = import_file(item.path, store.incoming(), name=item.name, progress=progress, **item.options)
            item.dataset = store.add_dataset(folder, actor=actor).id
        item.status = "done"
        shutil.rmtree(item.folder, ignore_errors=True)
    except DeepboardError as error:
        item.status, item.error = "failed", str(error)
    except Exception as error:  # the edge of this thread: whatever it was, the page has to say it
        logging.getLogger("deepboard").exception("The import of %s failed", item.name)
        item.status = "failed"
        item.error = (
            f"Something in Deepboard itself went wrong while reading “{item.name}” ({type(error).__name__}). "
            "The terminal where Deepboard runs has the details."
        )


def open_what_arrived() -> None:
    """Leave for the dataset whose import this session watched to its end. The page is drawn once without anything that
    ticks, and left from there (see navigation.go)."""
    dataset = st.session_state.get("imported")
    if not dataset:
        return
    name = cached.store().dataset(dataset, actor=state.actor()).meta["name"]
    st.title("Your data is here")
    show.lead(f"Opening {name}.")
    later = st.components.v2.component(
        "deepboard_later",
        html="<span></span>\n",
        js="export default function ({ setTriggerValue }) {\n  setTimeout(() => setTriggerValue('now', true), 450)\n}",
    )
    if later(key=f"later_{dataset}", on_now_change=lambda: None).now:
        st.session_state.pop("imported")
        cached.forget_disk()
        navigation.go("data", dataset=dataset)
    st.stop()


def show_all() -> bool:
    """Draw what is being imported, waits for a choice or could not be read; whether something is being imported."""
    for id in [id for id, item in known().items() if item.status == "done" and item.kind == "dataset"]:
        known().pop(id)
    items = [item for item in known().values() if item.kind == "dataset"]
    working = [item.id for item in items if item.status == "working"]
    if working:
        _watch(tuple(working))
    for item in items:
        if item.status in ("choose", "failed"):
            _ask(item)
    return bool(working)


@st.fragment(run_every=0.4)
def _watch(ids: tuple[str, ...]) -> None:
    items = [known()[id] for id in ids if id in known()]
    finished = [item for item in items if item.status == "done"]
    if finished:
        st.session_state["imported"] = finished[-1].dataset  # the page opens it: a part of a page cannot leave it
    if finished or any(item.status == "failed" for item in items) or len(items) < len(ids):
        st.rerun(scope="app")
    for item in items:
        st.html(_at_work_html(item))


def _at_work_html(item: Import) -> str:
    return (
        f'<div class="db-import" role="status"><div class="db-row"><b>{escape(item.name)}</b>'
        f'<span class="db-muted">{escape(item.doing)}</span>'
        f'<span class="db-push db-muted">{words.duration(time.time() - item.begun)}</span></div>'
        f"{show.bar(item.share) if item.share else show.bar_busy()}</div>"
    )


def _ask(item: Import) -> None:
    """What could not be read, or leaves a choice open: say so, offer the choices, lose nothing."""
    with st.container(border=True, key=f"ask-{item.id}"):
        if item.error:
            show.callout("error", item.error, name=item.name)
        else:
            ask = "How should it be read?" if _open(item) else "It has not been read yet."
            st.markdown(f"**{show.escape_markdown(item.name)}** is here. {ask}")
        chosen = choices(item.path, item.id) if item.path is not None else {}
        waits = item.status == "choose"
        with st.container(horizontal=True):
            read = "Read it" if waits else "Read it again"
            if (waits or _open(item)) and st.button(
                read, type="primary" if waits else "secondary", key=f"read_{item.id}"
            ):
                kept = {name: value for name, value in item.options.items() if name == "images"}
                item.options = {**kept, **chosen}
                start(item)
                st.rerun()
            if st.button("Throw it away", key=f"drop_{item.id}", type="tertiary"):
                known().pop(item.id, None)
                shutil.rmtree(item.folder, ignore_errors=True)
                st.rerun()


def _open(item: Import) -> bool:
    """Whether another choice could help: not for pictures, nor for what is no table whatever is chosen."""
    return item.path is not None and glance.seen(item.path) is not None


def choices(path: Path, key: str) -> dict[str, Any]:
    """How a table is to be read: sheet, header row and layout, above its first rows. Only what differs from 'work it
    out' is returned."""
    seen = glance.seen(path)
    if seen is None:
        return {}
    chosen: dict[str, Any] = {}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if seen.sheets:
            usual = seen.sheets.index(seen.sheet or seen.sheets[0])
            chosen["sheet"] = st.selectbox("Sheet", seen.sheets, index=usual, key=f"sheet_{key}", width=220)
            if chosen["sheet"] != seen.sheet:
                seen = glance.seen(path, chosen["sheet"]) or seen
        if seen.rows:
            chosen["header_row"] = st.number_input(
                "Names are in row",
                min_value=0,
                max_value=1000,
                value=None,
                step=1,
                placeholder="work it out",
                help="The row that holds the column names. 0 if there are none.",
                key=f"header_row_{key}",
                width=190,
            )
        chosen["layout"] = st.selectbox(
            "What the rows are", list(LAYOUTS), format_func=LAYOUTS.__getitem__, key=f"layout_{key}", width=360
        )
    if seen.rows:
        glance.draw(seen.rows, chosen["header_row"])
    return {name: value for name, value in chosen.items() if value not in (None, "")}


def sheets(path: Path) -> list[str]:
    """The sheets of a spreadsheet; none where the file cannot be opened as one."""
    from dl_core.data.readers.excel import sheet_names

    try:
        return sheet_names(path)
    except DeepboardError:
        return []


def test_file(dataset: Any) -> str | None:
    """A drop zone for the user's own test file, read by the columns of `dataset`; its id once it is there."""
    from ui.dropzone import drop_zone

    key = f"test_{dataset.id}"
    item = known().get(st.session_state.get(key, ""))
    if item is None:
        upload = drop_zone(
            key, "Drop your test file here", "It needs the same columns, the target included.", slim=True
        )
        if upload:
            found = arranged(upload.content)
            if found:
                path, options, name = found
                needed = {column.name: {"role": "feature"} for column in dataset.schema.having("target")}
                options = {**options, "schema": dataset.schema.edited(needed)}  # else a target may be missing
                item = Import(upload.id, f"{name} (test)", upload.content.parent, path, options=options, kind="test")
                known()[item.id] = item
                st.session_state[key] = item.id
                start(item)
            st.rerun()
        return None
    if item.status == "done":
        known().pop(item.id)
        return item.dataset
    if item.status == "failed":
        show.callout("error", item.error, name=item.name)
        if st.button("Choose another file", key=f"again_{item.id}"):
            known().pop(item.id)
            shutil.rmtree(item.folder, ignore_errors=True)
            st.rerun()
    else:
        _watch_test(item.id)
    return None


@st.fragment(run_every=0.4)
def _watch_test(id: str) -> None:
    item = known().get(id)
    if item is None or item.status != "working":
        st.rerun(scope="app")
    st.html(_at_work_html(item))
