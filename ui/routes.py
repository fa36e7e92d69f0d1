"""The dashboard's own routes: uploads that stream to disk, downloads that stream from it, and headers for everything.

PUT /api/upload?path=<relative path>     one file of an upload; a folder is many of them
GET /api/download/<grant>                one file of the workspace
"""

import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dl_core.settings import UPLOAD_LIMIT_BYTES, workspace
from ui import grants

FILES_LIMIT = 200_000
FORGOTTEN_SECONDS = 7 * 86400
_BLOCK_BYTES = 4 << 20
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)


def safe_path(path: str) -> PurePosixPath | None:
    """The relative path a browser names a file of a folder by; None for one that could leave the folder or that no
    file system holds."""
    parts = path.replace("\\", "/").split("/")
    if not path or path.startswith("/") or len(path) > 1000 or len(parts) > 20:
        return None
    if any(part in ("", ".", "..") or len(part.encode()) > 200 or re.search(r"[\x00-\x1f:]", part) for part in parts):
        return None
    return PurePosixPath(*parts)


_received: dict[str, list[int]] = {}  # upload -> [bytes, files]


def _tally(upload: str, content: Path) -> list[int]:
    """Bytes and files received for an upload so far; counted on disk once after a restart."""
    if upload not in _received:
        files = [path for path in content.rglob("*") if path.is_file()] if content.exists() else []
        _received[upload] = [sum(path.stat().st_size for path in files), len(files)]
    return _received[upload]


async def upload(request: Request) -> Response:
    """Stream one file to uploads/<upload>/content/<path>. The byte cap counts what arrives, not what is announced."""
    place = workspace()
    if urlsplit(request.headers.get("origin", "")).netloc != request.headers.get("host"):
        return _refused(403, "This upload came from another web site, so it was refused.")
    holder = request.cookies.get(grants.COOKIE, "")
    grant = grants.redeem(place, "upload", request.headers.get(grants.HEADER, ""), holder)
    if grant is None:
        return _refused(403, "The permission for this upload has run out. Reload the page and drop the file again.")
    path = safe_path(request.query_params.get("path", ""))
    if path is None:
        return _refused(400, "One file has a name that cannot be stored here. Rename it and drop the files again.")

    content = place / "uploads" / grant["upload"] / "content"
    tally = _tally(grant["upload"], content)
    announced = request.headers.get("content-length", "0")
    if not announced.isdigit():
        return _refused(400, "The browser announced this file without its size. Reload the page and try again.")
    if tally[0] + int(announced) > UPLOAD_LIMIT_BYTES:
        return _too_large()
    if tally[1] >= FILES_LIMIT:
        return _refused(413, f"One upload may hold {FILES_LIMIT:,} files. Drop a ZIP file instead.")

    target = content / path
    arriving = content.parent / f"arriving-{secrets.token_hex(8)}"
    arrived, stored = 0, False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(arriving, "xb") as stream:
            block = bytearray()
            async for chunk in request.stream():
                block += chunk
                arrived += len(chunk)
                tally[0] += len(chunk)
                if tally[0] > UPLOAD_LIMIT_BYTES:
                    return _too_large()
                if len(block) >= _BLOCK_BYTES:
                    await run_in_threadpool(stream.write, bytes(block))
                    block.clear()
            await run_in_threadpool(stream.write, bytes(block))
        if target.exists():
            return _refused(409, "Two files of this upload have the same path. Rename one and drop them again.")
        arriving.rename(target)
        tally[1] += 1
        stored = True
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        return _refused(409, "A file and a folder of this upload have the same name. Rename one and drop them again.")
    except OSError as error:
        return _refused(507, f"The file could not be stored: {error.strerror}. Free some disk space and try again.")
    except ClientDisconnect:
        return _refused(400, "The upload was broken off. Drop the file again.")  # to a log, if to anyone
    finally:
        if not stored:
            tally[0] -= arrived
        arriving.unlink(missing_ok=True)
    return JSONResponse({"stored": str(path)})


async def download(request: Request) -> Response:
    place = workspace().resolve()
    holder = request.cookies.get(grants.COOKIE, "")
    grant = grants.redeem(place, "download", request.path_params["grant"], holder)
    if grant is None:
        return _refused(
            403, "This link has run out or belongs to another browser. Open the page again and click there."
        )
    path = (place / grant["path"]).resolve()
    if not path.is_relative_to(place) or not path.is_file():
        return _refused(404, "This file is no longer there. Open the page again to make it anew.")
    return FileResponse(path, filename=grant["name"], content_disposition_type="attachment")


def _refused(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence}, status_code=status)


def _too_large() -> JSONResponse:
    limit = f"{UPLOAD_LIMIT_BYTES / (1 << 30):.0f} GiB"
    return _refused(413, f"This is larger than {limit}, the most one upload may hold. Drop a smaller file or a sample.")


class Guarded:
    """Adds the security headers to every answer and gives each browser the cookie that its grants are bound to."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        known = grants.COOKIE in HTTPConnection(scope).cookies

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", _POLICY)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("X-Frame-Options", "SAMEORIGIN")
                headers.setdefault("Referrer-Policy", "same-origin")
                if not known and "text/html" in headers.get("content-type", ""):
                    value = secrets.token_urlsafe(24)
                    headers.append("Set-Cookie", f"{grants.COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict")
            await send(message)

        await self.app(scope, receive, send_guarded)


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[dict]:
    await run_in_threadpool(forget_old_uploads, workspace())
    yield {}


def forget_old_uploads(place: Path, now: float | None = None) -> None:
    """Remove uploads that nobody imported for a week."""
    for folder in (place / "uploads").glob("*"):
        if folder.is_dir() and folder.stat().st_mtime < (now or time.time()) - FORGOTTEN_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


ROUTES = [
    Route("/api/upload", upload, methods=["PUT"]),
    Route("/api/download/{grant}", download, methods=["GET"]),
]
MIDDLEWARE = [Middleware(Guarded)]
