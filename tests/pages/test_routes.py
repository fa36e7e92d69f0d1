"""Uploads and downloads, asked as a browser and as an attacker would."""

import os
from pathlib import Path

import pytest
from starlette.applications import Starlette

from tests.pages import asgi
from ui import grants, routes

ORIGIN = {"origin": "http://testserver"}
HOLDER = "this-browser"
COOKIE = {"cookie": f"{grants.COOKIE}={HOLDER}"}
APP = Starlette(routes=routes.ROUTES, middleware=routes.MIDDLEWARE)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEEPBOARD_WORKSPACE", str(tmp_path))
    return tmp_path


def grant(place: Path, upload: str = "one", holder: str = HOLDER, **options) -> dict[str, str]:
    return {**ORIGIN, **COOKIE, grants.HEADER: grants.sign(place, "upload", {"upload": upload}, holder, **options)}


def put(path: str, content, headers: dict[str, str]) -> asgi.Answer:
    return asgi.request(APP, "PUT", "/api/upload", query={"path": path}, headers=headers, body=content)


def test_a_folder_arrives_with_its_relative_paths(place):
    headers = grant(place, "folder")
    for path in ("animals/cat/1.png", "animals/dog/2.png"):
        assert put(path, path.encode(), headers).status == 200
    content = place / "uploads" / "folder" / "content"
    found = {str(path.relative_to(content)): path.read_text() for path in content.rglob("*") if path.is_file()}
    assert found == {"animals/cat/1.png": "animals/cat/1.png", "animals/dog/2.png": "animals/dog/2.png"}


@pytest.mark.parametrize(
    "path",
    [
        "../evil.csv",
        "a/../../evil.csv",
        "/etc/passwd",
        "..\\evil.csv",
        "C:\\evil.csv",
        "a//b",
        "",
        "a/\x00b",
        ".",
        "a/.",
    ],
)
def test_a_path_that_could_leave_the_folder_is_refused_and_nothing_is_written(place, path):
    answer = put(path, b"x", grant(place, "hostile"))
    assert answer.status == 400
    assert "cannot be stored here" in answer.json()["error"]
    assert not [found for found in place.rglob("*") if found.is_file() and found.name != "grants.key"]


def test_a_foreign_origin_is_refused(place):
    answer = put("a.csv", b"x", {**grant(place), "origin": "http://evil.example"})
    assert answer.status == 403
    assert put("a.csv", b"x", {k: v for k, v in grant(place).items() if k != "origin"}).status == 403


def test_a_grant_is_needed_and_bound_to_browser_purpose_and_time(place):
    assert put("a.csv", b"x", ORIGIN).status == 403
    assert put("a.csv", b"x", grant(place, holder="another browser")).status == 403
    assert put("a.csv", b"x", grant(place, seconds=-60)).status == 403
    download = grants.sign(place, "download", {"upload": "one"}, HOLDER)
    assert put("a.csv", b"x", {**ORIGIN, **COOKIE, grants.HEADER: download}).status == 403
    forged = grant(place)[grants.HEADER][:-2] + "aa"
    assert put("a.csv", b"x", {**ORIGIN, **COOKIE, grants.HEADER: forged}).status == 403


def test_the_cap_counts_what_arrives_not_what_is_announced(place, monkeypatch):
    monkeypatch.setattr(routes, "UPLOAD_LIMIT_BYTES", 1000)
    assert put("big.csv", b"x" * 1001, grant(place, "big")).status == 413

    def unannounced():
        for _ in range(20):
            yield b"x" * 100

    answer = put("sly.csv", unannounced(), grant(place, "sly"))
    assert answer.status == 413
    assert not list((place / "uploads").rglob("*.csv"))
    assert not list((place / "uploads").rglob("arriving-*"))


def test_the_cap_holds_for_all_files_of_an_upload_together(place, monkeypatch):
    monkeypatch.setattr(routes, "UPLOAD_LIMIT_BYTES", 1000)
    headers = grant(place, "sum")
    assert put("a", b"x" * 600, headers).status == 200
    assert put("b", b"x" * 600, headers).status == 413


def test_bytes_that_were_not_stored_are_not_counted(place, monkeypatch):
    monkeypatch.setattr(routes, "UPLOAD_LIMIT_BYTES", 1000)
    headers = grant(place, "again")
    assert put("a", b"x" * 600, headers).status == 200
    put("b", [b"x" * 300, asgi.GONE], headers)  # the connection broke
    assert put("a", b"x" * 300, headers).status == 409
    assert not list((place / "uploads").rglob("arriving-*"))
    assert put("b", b"x" * 300, headers).status == 200


def test_a_key_that_a_crash_left_short_signs_nothing(place):
    (place / "grants.key").write_bytes(b"")
    grants._key.cache_clear()
    made = grants._key(place)
    assert len(made) == grants.KEY_BYTES and (place / "grants.key").read_bytes() == made
    assert (place / "grants.key").stat().st_mode & 0o077 == 0, "nobody else reads it"
    grants._key.cache_clear()
    assert grants._key(place) == made
    assert [path.name for path in place.iterdir()] == ["grants.key"]


def test_a_file_never_replaces_another_or_a_folder(place):
    headers = grant(place, "twice")
    assert put("a/b.csv", b"first", headers).status == 200
    assert put("a/b.csv", b"second", headers).status == 409
    assert put("a", b"x", headers).status == 409
    assert put("a/b.csv/c.csv", b"x", headers).status == 409
    assert (place / "uploads/twice/content/a/b.csv").read_bytes() == b"first"


def test_a_download_streams_one_file_of_the_workspace(place):
    kit = place / "runs" / "r" / "exports" / "t001.zip"
    kit.parent.mkdir(parents=True)
    kit.write_bytes(os.urandom(3_000_000))
    link = grants.sign(place, "download", {"path": "runs/r/exports/t001.zip", "name": "model.zip"}, HOLDER)
    answer = asgi.request(APP, "GET", f"/api/download/{link}", headers=COOKIE)
    assert answer.content == kit.read_bytes()
    assert answer.headers["content-disposition"] == 'attachment; filename="model.zip"'
    assert asgi.request(APP, "GET", f"/api/download/{link}").status == 403, "without the cookie it opens nothing"


def test_a_download_never_leaves_the_workspace(place, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret"
    outside.write_text("secret")
    (place / "inside").symlink_to(outside)
    for path in (str(outside), "inside", "../secret"):
        link = grants.sign(place, "download", {"path": path, "name": "x"}, HOLDER)
        assert asgi.request(APP, "GET", f"/api/download/{link}", headers=COOKIE).status == 404


def test_every_answer_carries_the_security_headers():
    headers = asgi.request(APP, "GET", "/nothing").headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"


def test_forgotten_uploads_go_and_fresh_ones_stay(place):
    for name, days in (("old", 8), ("new", 1)):
        folder = place / "uploads" / name
        folder.mkdir(parents=True)
        (folder / "x").write_bytes(b"x")
        then = 1_700_000_000 - days * 86400
        os.utime(folder, (then, then))
    routes.forget_old_uploads(place, now=1_700_000_000)
    assert [folder.name for folder in (place / "uploads").iterdir()] == ["new"]
