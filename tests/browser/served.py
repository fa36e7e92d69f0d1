"""A dashboard in a process of its own, and the Chromium that looks at it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

from dl_core.settings import cap_threads

ROOT = Path(__file__).parent.parent.parent
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """The first Chromium on the PATH that answers; None where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path and subprocess.run([path, "--version"], capture_output=True).returncode == 0:
            return path
    return None


class Dashboard:
    """`streamlit run app.py` on a free port and one workspace. Leaving it ends the server; runs go on, as they do for
    people, until `tests.processes.end` is called on the workspace."""

    def __init__(self, workspace: Path, patience: float = 60):
        self.workspace = Path(workspace)
        self.patience = patience
        self.log = self.workspace / "dashboard.log"
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen | None = None
        self.seconds_to_health = float("nan")

    def __enter__(self) -> "Dashboard":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def start(self) -> None:
        self.workspace.mkdir(parents=True, exist_ok=True)
        environment = cap_threads({**os.environ, "DEEPBOARD_WORKSPACE": str(self.workspace)})
        began = time.perf_counter()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        while not self._healthy():
            if self.process.poll() is not None or time.perf_counter() - began > self.patience:
                self.stop()
                raise RuntimeError(f"The dashboard did not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.02)
        self.seconds_to_health = time.perf_counter() - began

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def loaded_libraries(self) -> str:
        """The shared libraries that the server's process has mapped (Linux)."""
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/maps").read_text()

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
