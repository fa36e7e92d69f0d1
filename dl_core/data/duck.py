"""DuckDB as everybody here uses it: two threads, a memory limit, nothing downloaded, names and paths quoted."""

from pathlib import Path

import duckdb

MEMORY_LIMIT = "1GB"


def connect(scratch: Path | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory database that spills into `scratch` where a query outgrows the memory limit."""
    connection = duckdb.connect(
        config={
            "threads": 2,
            "memory_limit": MEMORY_LIMIT,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "temp_directory": str(scratch) if scratch else "",
        }
    )
    connection.execute("set enable_progress_bar = false")
    return connection


def name(text: str) -> str:
    """A column name inside a query."""
    return '"' + text.replace('"', '""') + '"'


def literal(value: object) -> str:
    """A text inside a query."""
    return "'" + str(value).replace("'", "''") + "'"


def parquet(path: Path) -> str:
    """A Parquet file as the source of a query."""
    return f"read_parquet({literal(path)})"
