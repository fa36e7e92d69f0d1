"""The files inside an upload: a ZIP, a TAR, a folder or a single file, without trusting a name, a link or a size."""

import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from dl_core.errors import ReadError
from dl_core.problems import Problem
from dl_core.settings import UPLOAD_LIMIT_BYTES

MEMBER_LIMIT = 200_000
TOTAL_LIMIT_BYTES = 2 * UPLOAD_LIMIT_BYTES
RATIO, RATIO_FLOOR_BYTES = 100, 256 << 20
"""An archive may unpack to the floor, or to so many times its own size where that is more."""
CHUNK = 1 << 18
JUNK = ("__macosx", "thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class Member:
    """A file inside an upload. `path` has forward slashes and stays inside; `chunks()` yields the content piece by
    piece, counted; it raises DamagedMemberError where the archive is damaged there."""

    path: str
    chunks: Callable[[], Iterator[bytes]]


class DamagedMemberError(Exception):
    """One file of an archive cannot be unpacked; the others may be fine."""


@dataclass
class Archive:
    """Iterates over the members of `path` in their order; `problems()` tells afterwards what was left out. The content
    of a member must be taken before the next one is asked for. Raises ReadError for bombs, passwords and damage."""

    path: Path
    unsafe: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    counted: int = 0

    def __iter__(self) -> Iterator[Member]:
        seen: set[str] = set()
        for number, (name, is_link, open_member) in enumerate(self._entries()):
            if number >= MEMBER_LIMIT:
                raise ReadError(
                    f"The upload holds more than {MEMBER_LIMIT:,} files and was refused. Split it into smaller ones."
                )
            path = inside(name)
            if path is None:
                self.unsafe.append(name)
            elif is_junk(path):
                continue
            elif is_link:
                self.links.append(path)
            elif path.casefold() in seen:
                self.doubled.append(path)
            else:
                seen.add(path.casefold())
                yield Member(path, partial(self._content, open_member, path))

    def problems(self) -> list[Problem]:
        found = []
        for names, what in (
            (self.unsafe, "with a path that leads out of the upload"),
            (self.links, "that are links"),
            (self.doubled, "with a name that was there before (upper and lower case count as the same)"),
            (self.damaged, "that are damaged inside the archive"),
        ):
            if names:
                listed = ", ".join(repr(name[:80]) for name in names[:3]) + (", …" if len(names) > 3 else "")
                found.append(
                    Problem(
                        "warning",
                        f"{len(names):,} files {what} were left out: {listed}.",
                        fix="Pack the archive again without them.",
                    )
                )
        return found

    def _content(self, open_member: Callable[[], IO[bytes]], path: str) -> Iterator[bytes]:
        """The content; the bytes that come out are counted, whatever the archive declares."""
        limit = TOTAL_LIMIT_BYTES
        if self.path.is_file():
            limit = min(limit, max(RATIO_FLOOR_BYTES, RATIO * self.path.stat().st_size))
        try:
            with open_member() as stream:
                while chunk := stream.read(CHUNK):
                    self.counted += len(chunk)
                    if self.counted > limit:
                        raise ReadError(
                            f"The archive unpacks to more than {limit >> 20:,} MB, like a ZIP bomb, and was refused. "
                            "Split the upload into smaller ones."
                        )
                    yield chunk
        except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, OSError) as error:
            self.damaged.append(path)
            raise DamagedMemberError(path) from error

    def _entries(self) -> Iterator[tuple[str, bool, Callable[[], IO[bytes]]]]:
        if self.path.is_dir():
            yield from self._in_folder()
        elif zipfile.is_zipfile(self.path):
            yield from self._in_zip()
        elif tarfile.is_tarfile(self.path):
            yield from self._in_tar()
        else:
            yield self.path.name, False, partial(_opened, self.path)

    def _in_folder(self) -> Iterator[tuple[str, bool, Callable[[], IO[bytes]]]]:
        for base, folders, files in os.walk(self.path, followlinks=False):
            folders.sort()
            for name in sorted(files):
                file = Path(base) / name
                is_link = file.is_symlink()
                if is_link or file.is_file():
                    yield file.relative_to(self.path).as_posix(), is_link, partial(_opened, file)

    def _in_zip(self) -> Iterator[tuple[str, bool, Callable[[], IO[bytes]]]]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                for info in archive.infolist():
                    if info.is_dir():
                        continue
                    if info.flag_bits & 1:
                        raise ReadError(f"{self.path.name} is protected by a password. Pack it again without one.")
                    yield info.filename, stat.S_ISLNK(info.external_attr >> 16), partial(archive.open, info)
        except zipfile.BadZipFile as error:
            raise ReadError(f"{self.path.name} is a damaged ZIP file. Pack it again and upload it again.") from error

    def _in_tar(self) -> Iterator[tuple[str, bool, Callable[[], IO[bytes]]]]:
        try:
            with tarfile.open(self.path, "r|*") as archive:
                for info in archive:
                    if info.isdir():
                        continue
                    yield info.name, not info.isreg(), partial(_regular, archive, info)
        except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
            raise ReadError(f"{self.path.name} is cut off or damaged. Pack it again and upload it again.") from error


def _opened(path: Path) -> IO[bytes]:
    return open(path, "rb")


def _regular(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = archive.extractfile(info)
    if stream is None:
        raise tarfile.ReadError(f"{info.name} is no regular file")
    return stream


def inside(name: str) -> str | None:
    """The name with forward slashes; None where it is absolute, climbs out or cannot be a file name."""
    path = name.replace("\\", "/")
    if path.startswith("/") or re.match(r"[A-Za-z]:", path) or "\0" in path or len(path) > 1024:
        return None
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return None if not parts or ".." in parts else "/".join(parts)


def is_junk(path: str) -> bool:
    return any(part.lower() in JUNK or part.startswith(".") for part in path.split("/"))
