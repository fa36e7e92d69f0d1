"""The drop zone: a file, several, or a folder, streamed to disk while a bar shows how far it is."""

import secrets
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dl_core.settings import UPLOAD_LIMIT_BYTES, workspace
from ui import grants, state

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Upload:
    """What has arrived in uploads/<id>/content/."""

    id: str
    files: int
    bytes: int

    @property
    def content(self) -> Path:
        return workspace() / "uploads" / self.id / "content"


def drop_zone(key: str, title: str, hint: str, *, slim: bool = False, folders: bool = True) -> Upload | None:
    """Draw the zone; returns the upload in the one script run after everything has arrived."""
    drawn = st.components.v2.component(
        "deepboard_drop_zone",
        html='<div class="zone"></div>\n',
        css=(_HERE / "dropzone.css").read_text(encoding="utf-8"),
        js=(_HERE / "dropzone.js").read_text(encoding="utf-8"),
    )
    upload = st.session_state.setdefault(f"{key}_upload", secrets.token_hex(8))
    result = drawn(
        key=f"{key}_{upload}",
        data={
            "upload": upload,
            "grant": grants.sign(workspace(), "upload", {"upload": upload}, state.browser()),
            "header": grants.HEADER,
            "limit": UPLOAD_LIMIT_BYTES,
            "title": title,
            "hint": hint,
            "slim": slim,
            "folders": folders,
        },
        on_arrived_change=lambda: None,
    )
    if not result.arrived:
        return None
    st.session_state[f"{key}_upload"] = secrets.token_hex(8)  # the next drop is an upload of its own
    return Upload(id=upload, files=int(result.arrived["files"]), bytes=int(result.arrived["bytes"]))
