"""The catalogue: what lists and queues need, in one SQLite file that many threads and processes share."""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from dl_core.errors import DeepboardError
from dl_core.store.locks import wait_lock

# An upgrade appends a script; the number of scripts is the version.
MIGRATIONS = (
    """
    create table datasets (
        id text primary key, name text not null, source text, modality text not null, rows integer not null,
        bytes integer not null, fingerprint text, created real not null, owner text not null
    );
    create table runs (
        id text primary key, name text not null, dataset text not null, test_dataset text, task text not null,
        metric text not null, targets text not null, status text not null,
        seconds real not null, created real not null, started real, ended real, error text, winner text, score real,
        stop real not null default 0, cancel real not null default 0, owner text not null
    );
    create index runs_by_dataset on runs (dataset, created);
    create table jobs (
        place integer primary key autoincrement, id text not null unique, kind text not null, lane text not null,
        payload text not null, run text, status text not null, created real not null, claimed real, ended real,
        attempts integer not null default 0, deaths integer not null default 0, pid integer, pid_started integer,
        error text, owner text not null
    );
    create index jobs_by_status on jobs (status, lane, place);
    create index jobs_by_run on jobs (run, status);
    """,
)

ID_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is mistaken for something else, no leading dash
BUSY_SECONDS = 30.0


def new_id() -> str:
    """Ten random letters (49 bits): nothing about when or by whom, safe in links, file names and shells."""
    return "".join(secrets.choice(ID_LETTERS) for _ in range(10))


class Catalogue:
    """One SQLite file in WAL mode. Connections are pooled: each serves one thread at a time, and since one stays open,
    a short call neither opens the file nor checkpoints it. Raises DeepboardError for a file of a newer Deepboard."""

    def __init__(self, path: Path):
        self.path = path
        self._idle: list[sqlite3.Connection] = []
        self._lock = Lock()
        if self._version() != len(MIGRATIONS):
            self._migrate()

    def query(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        with self._connection() as connection:
            cursor = connection.execute(sql, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]  # dict(row) takes three times as long

    def first(self, sql: str, *values: Any) -> dict[str, Any] | None:
        with self._connection() as connection:
            row = connection.execute(sql, values).fetchone()
        return None if row is None else dict(row)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything in the block or nothing, with nobody writing in between."""
        with self._connection() as connection:
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute("commit")

    def close(self) -> None:
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        connection = connection or self._connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("pragma synchronous=normal")
        return connection

    def _version(self) -> int:
        if self.first("select 1 from sqlite_master where name = 'schema_version'") is None:
            return 0
        row = self.first("select max(version) as version from schema_version")
        return row["version"] if row else 0

    def _migrate(self) -> None:
        lock = wait_lock(
            self.path.with_suffix(".lock"), timeout=BUSY_SECONDS
        )  # switching to WAL does not wait by itself
        if lock is None:
            raise DeepboardError(f"The catalogue {self.path} is being upgraded by another process. Try again later.")
        try:
            version = self._version()
            if version > len(MIGRATIONS):
                raise DeepboardError(
                    f"The workspace {self.path.parent} was written by a newer Deepboard (catalogue version {version}, "
                    f"known up to {len(MIGRATIONS)}). Upgrade Deepboard, or choose another workspace."
                )
            with self._connection() as connection:
                connection.execute("pragma journal_mode=wal")
            for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
                with self.transaction() as connection:
                    connection.execute("create table if not exists schema_version (version integer primary key)")
                    for statement in script.split(";"):
                        connection.execute(statement)
                    connection.execute("insert into schema_version values (?)", (number,))
        finally:
            os.close(lock)
