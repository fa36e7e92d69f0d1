"""A Python that holds only what a kit's requirements name, and what these bring along: no dl_core, nothing of ours.

Installing TensorFlow once more for every kit would cost minutes and gigabytes, so the packages that are installed here
already, in the pinned versions, are linked into a bare environment.
"""

import re
import subprocess
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement


class CleanRoom:
    """A bare virtual environment in `folder`, furnished from the file `requirements` (pinned: name==version a line).

    Raises AssertionError where a pin is not the version that is installed here, PackageNotFoundError where a package
    is not installed at all."""

    def __init__(self, folder: Path, requirements: Path):
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.furnished: set[str] = set()
        (self.packages,) = folder.glob("lib/python*/site-packages")
        for line in requirements.read_text().splitlines():
            wanted = Requirement(line.split("#")[0].strip()) if re.match(r"\s*\w", line) else None
            if wanted and (wanted.marker is None or wanted.marker.evaluate()):
                found = distribution(wanted.name)
                assert str(wanted.specifier).startswith("=="), f"{line!r} is not pinned."
                assert wanted.specifier.contains(found.version), f"{line!r}, but {found.version} is installed here."
                self._furnish(found)

    def run(self, *arguments: str, cwd: Path, timeout: float = 300) -> subprocess.CompletedProcess:
        """Run its Python, cut off from this checkout's environment."""
        return subprocess.run(
            [str(self.folder / "bin" / "python"), *arguments],
            cwd=cwd,
            env={"PATH": "/usr/bin:/bin", "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "2"},
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def _furnish(self, package: Distribution) -> None:
        if package.name in self.furnished:
            return
        self.furnished.add(package.name)
        for top in {file.parts[0] for file in package.files or []} - {"..", "__pycache__"}:
            link = self.packages / top
            if not link.is_symlink():  # packages may share a namespace, like google/
                link.symlink_to(package.locate_file(top))
        for line in package.requires or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                self._furnish(distribution(needed.name))
