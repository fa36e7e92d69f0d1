"""The set-up script on machines where something is missing, played with a PATH that holds nothing else."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = ("sh", "cat", "cksum", "cp", "dirname", "id", "rm")  # what any machine has
NO_VENV = 'case "$*" in *ensurepip*) exit 1 ;; esac'
TOO_OLD = "exit 1"
RECORDING = 'echo "$*" >>{log}'


class Machine:
    """A checkout in `folder` and a PATH of its own."""

    def __init__(self, folder: Path):
        self.folder, self.path = folder / "checkout", folder / "bin"
        self.path.mkdir()
        for tool in TOOLS:
            self.path.joinpath(tool).symlink_to(shutil.which(tool) or tool)
        shutil.copytree(ROOT / "tools", self.folder / "tools")
        for name in ("requirements.txt", "requirements-dev.txt", "requirements.lock"):
            shutil.copy(ROOT / name, self.folder / name)

    def has(self, name: str, script: str) -> None:
        """Put a program on the PATH, or at a path inside the checkout."""
        program = self.folder / name if "/" in name else self.path / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.unlink(missing_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def setup(self, what: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["sh", "tools/setup.sh", what],
            cwd=self.folder,
            env={"PATH": str(self.path)},
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture
def machine(tmp_path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("pythons", "advice"),
    [
        ({}, "apt-get install python3 python3-venv"),
        ({"python3": TOO_OLD}, "apt-get install python3 python3-venv"),
        ({"python3": NO_VENV}, "apt-get install python3-venv"),
        ({"python3": TOO_OLD, "python3.12": NO_VENV}, "python3.12 cannot make virtual environments"),
    ],
)
def test_a_missing_python_is_one_sentence(machine, pythons, advice):
    for name, script in pythons.items():
        machine.has(name, script)
    result = machine.setup("run")
    assert result.returncode != 0
    assert len(result.stderr.splitlines()) == 1
    assert advice in result.stderr


def test_packages_are_installed_as_pinned_and_only_when_something_changed(machine, tmp_path):
    log = tmp_path / "log"
    machine.has(".venv/bin/python", RECORDING.format(log=log))

    def installs() -> list[str]:
        log.write_text("")
        assert machine.setup("run").returncode == 0
        return [line for line in log.read_text().splitlines() if "pip install" in line]

    (call,) = installs()
    assert "--constraint requirements.lock -r requirements.txt" in call
    assert installs() == []
    with open(machine.folder / "requirements.lock", "a") as lock:
        lock.write("# changed\n")
    assert len(installs()) == 1


def test_a_failed_installation_is_tried_again(machine):
    machine.has(".venv/bin/python", 'case "$*" in *"pip install"*) exit 1 ;; esac')
    assert machine.setup("run").returncode != 0
    assert "pip's last lines" in machine.setup("run").stderr


def test_a_working_chromium_is_enough(machine):
    machine.has("chromium", "exit 0")
    assert machine.setup("chromium").returncode == 0


@pytest.mark.parametrize("stub", ["exit 1", None])
def test_a_missing_chromium_is_one_sentence_where_nothing_can_be_installed(machine, stub):
    if stub:
        machine.has("chromium-browser", stub)
    machine.has("id", "echo 1000")
    result = machine.setup("chromium")
    assert result.returncode != 0
    assert len(result.stderr.splitlines()) == 1
    assert "apt-get install chromium" in result.stderr


def test_root_gets_chromium_installed(machine, tmp_path):
    machine.has("id", "echo 0")
    machine.has("apt-get", f'[ "$1" = install ] && : >{tmp_path}/chromium-came; exit 0')
    machine.has("chromium", f"[ -e {tmp_path}/chromium-came ]")
    assert machine.setup("chromium").returncode == 0


def test_what_the_tests_need_holds_what_the_dashboard_needs(machine, tmp_path):
    log = tmp_path / "log"
    machine.has(".venv/bin/python", RECORDING.format(log=log))
    assert machine.setup("dev").returncode == 0
    log.unlink()
    assert machine.setup("run").returncode == 0
    assert "pip" not in log.read_text()
