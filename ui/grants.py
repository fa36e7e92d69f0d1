"""Signed, short-lived permissions that a page hands to its browser: to upload into one folder, to download one file.

A grant is bound to the browser's cookie, so a copied link opens nothing elsewhere. The key lies in the workspace, so a
grant outlives a restart of the dashboard.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

COOKIE = "deepboard"
HEADER = "x-deepboard-grant"
KEY_BYTES = 32


def sign(workspace: Path, purpose: str, value: dict[str, Any], holder: str, seconds: float = 12 * 3600) -> str:
    """A grant for `purpose`, good for `seconds`, for the browser whose cookie is `holder`."""
    body = json.dumps({"purpose": purpose, "value": value, "until": _until(seconds)}).encode()
    return f"{_text(body)}.{_text(_seal(workspace, body, holder))}"


def redeem(workspace: Path, purpose: str, grant: str, holder: str) -> dict[str, Any] | None:
    """The value of a grant; None where it is forged, for something else, for another browser or too old."""
    try:
        body, seal = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in grant.split("."))
    except ValueError:
        return None
    if not hmac.compare_digest(seal, _seal(workspace, body, holder)):
        return None
    record = json.loads(body)
    if record["purpose"] != purpose or record["until"] < time.time():
        return None
    return record["value"]


def _until(seconds: float) -> int:
    """Rounded up, so that a page that signs again a moment later hands out the same grant."""
    step = max(1, round(seconds / 12))
    return (int(time.time() + seconds) // step + 1) * step


def _seal(workspace: Path, body: bytes, holder: str) -> bytes:
    return hmac.digest(_key(workspace), holder.encode() + b"\0" + body, hashlib.sha256)


@cache
def _key(workspace: Path) -> bytes:
    """The workspace's key. It appears whole or not at all, and whoever comes second takes what the first one made; one
    that a crash or a full disk left short is made anew."""
    path = workspace / "grants.key"
    workspace.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size < KEY_BYTES:
        path.unlink(missing_ok=True)
    if not path.exists():
        descriptor, made = tempfile.mkstemp(prefix="grants-", dir=workspace)  # readable by its owner only
        try:
            with open(descriptor, "wb") as stream:
                stream.write(secrets.token_bytes(KEY_BYTES))
            with suppress(FileExistsError):
                os.link(made, path)
        finally:
            os.unlink(made)
    return path.read_bytes()


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
