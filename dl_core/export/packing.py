"""The files of a kit, in a folder: the bundle, the layers it needs, predict.py and the modules that it imports."""

import re
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from dl_core.bundle.folder import MODEL, RECORD, Bundle
from dl_core.export.sources import joined_layers
from dl_core.records import read_json, write_bytes, write_json


@dataclass(frozen=True)
class Kit:
    """`program` becomes predict.py; `modules` stand beside it; `packages` are pinned in requirements.txt."""

    program: str
    modules: tuple[str, ...]
    packages: tuple[str, ...]


_NUMBERS = ("tensorflow", "keras", "numpy")
_TEXT = ("dl_core.bundle.serving", "dl_core.export.kit.reading", "dl_core.encoders.cells", "dl_core.data.values")

TABLE = Kit("dl_core.export.kit.table", _TEXT, _NUMBERS)
SERIES = Kit("dl_core.export.kit.series", (*_TEXT, "dl_core.data.panel"), (*_NUMBERS, "pandas"))
PICTURES = Kit(
    "dl_core.export.kit.pictures", ("dl_core.bundle.serving", "dl_core.encoders.pixels"), (*_NUMBERS, "pillow")
)


def kit_for(bundle: Bundle) -> Kit:
    if bundle.sampler == "windows":
        return SERIES
    return PICTURES if bundle.picture_column else TABLE


def pack(bundle: Bundle, folder: Path, dialect: dict) -> Path:
    """Write the kit of a network's bundle into `folder`; returns predict.py. `dialect` says how the training file was
    written, so that predict.py tries that first."""
    kit = kit_for(bundle)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / RECORD, {**read_json(bundle.folder / RECORD), "dialect": dialect})
    shutil.copyfile(bundle.folder / MODEL, folder / MODEL)
    write_bytes(folder / "layers.py", joined_layers(bundle.model_path).encode())
    for module in kit.modules:
        write_bytes(folder / f"{module.rpartition('.')[2]}.py", standalone(module).encode())
    write_bytes(folder / "requirements.txt", requirements(bundle, kit).encode())
    write_bytes(folder / "predict.py", standalone(kit.program).encode())
    return folder / "predict.py"


def standalone(module: str) -> str:
    """The source of one of our modules, importing its fellows as neighbours in a folder."""
    spec = find_spec(module)
    assert spec and spec.origin
    source = Path(spec.origin).read_text(encoding="utf-8")
    source = re.sub(r"^from dl_core\.(?:\w+\.)*(\w+) import", r"from \1 import", source, flags=re.M)
    return re.sub(r"  # noqa: [A-Z0-9, ]+(?:\((.*)\))?$", lambda m: f"  # {m[1]}" if m[1] else "", source, flags=re.M)


def requirements(bundle: Bundle, kit: Kit) -> str:
    lines = [f"{package}=={bundle.versions[package]}" for package in kit.packages]
    python = ".".join(bundle.versions["python"].split(".")[:2])
    return "\n".join([f"# What predict.py needs. Written and tested with Python {python}.", *lines, ""])
