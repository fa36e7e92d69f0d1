"""A request to an ASGI app without a server: enough of HTTP to test routes, and nothing else."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

GONE = b"<gone>"  # as the last chunk: the client breaks off before its body has ended


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    def json(self):
        return json.loads(self.content)


def request(
    app,
    method: str,
    path: str,
    *,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    body: bytes | Iterable[bytes] = b"",
) -> Answer:
    """Bytes are announced with their length; an iterable of chunks is not."""
    sent = {"host": "testserver", **(headers or {})}
    chunks = [body] if isinstance(body, bytes) else list(body)
    if isinstance(body, bytes):
        sent["content-length"] = str(len(body))
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": quote(path).encode(), "query_string": urlencode(query or {}).encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in sent.items()],
        "server": ("testserver", 80), "client": ("127.0.0.1", 1), "root_path": "",
    }  # fmt: skip
    messages: list[dict] = []

    async def receive() -> dict:
        if chunks:
            chunk = chunks.pop(0)
            if chunk is GONE:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}
        await asyncio.Event().wait()  # the client stays until it has its answer
        return {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        messages.append(message)

    asyncio.run(app(scope, receive, send))
    start = messages[0]
    content = b"".join(message.get("body", b"") for message in messages[1:])
    return Answer(start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, content)
