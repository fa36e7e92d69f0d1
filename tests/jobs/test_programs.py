"""Compiled programs are kept for the next worker, in a folder that only this boot of this machine reads."""

import os

import pytest

from dl_core.jobs import programs


@pytest.fixture
def boot(tmp_path, monkeypatch):
    """A function that gives the machine a boot id."""
    path = tmp_path / "boot_id"
    monkeypatch.setattr(programs, "BOOT", path)
    return path.write_text


def folder_of(flags: dict[str, str]) -> str:
    return flags["TF_XLA_FLAGS"].split(programs.FLAG)[1].strip('"')


def test_another_boot_starts_anew(tmp_path, boot):
    boot("one")
    first = folder_of(programs.kept(tmp_path, {}))
    assert folder_of(programs.kept(tmp_path, {})) == first
    boot("two")
    second = folder_of(programs.kept(tmp_path, {}))
    assert second != first
    assert [str(path) for path in (tmp_path / "programs").iterdir()] == [second]


def test_flags_that_are_set_already_stay(tmp_path, boot):
    boot("one")
    flags = programs.kept(tmp_path, {"TF_XLA_FLAGS": "--tf_xla_auto_jit=1"})
    assert flags["TF_XLA_FLAGS"].startswith("--tf_xla_auto_jit=1 --tf_xla_persistent")


def test_a_system_without_a_boot_id_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "BOOT", tmp_path / "nowhere")
    assert programs.kept(tmp_path, {}) == {}


def test_the_oldest_programs_make_room(tmp_path, boot, monkeypatch):
    boot("one")
    folder = tmp_path / folder_of(programs.kept(tmp_path, {}))
    monkeypatch.setattr(programs, "LIMIT_BYTES", 100)
    for number in range(12):
        path = folder / f"program {number}"
        path.write_bytes(b"x" * 10)
        os.utime(path, (number, number))
    programs.kept(tmp_path, {})
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"program {number}" for number in range(7, 12))
