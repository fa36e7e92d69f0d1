"""The download: a ZIP that predicts anywhere, offered only after it has proven that it answers like the app."""

import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

from dl_core.bundle.folder import Bundle
from dl_core.data.dataset import Dataset
from dl_core.errors import BundleError
from dl_core.export.card import model_card
from dl_core.export.packing import pack
from dl_core.export.receipt import prove
from dl_core.records import write_bytes, write_json

Receipt = dict[str, Any]


def export(bundle: Path | Bundle, target: Path, *, dataset: Dataset, seed: int = 0) -> tuple[Path | None, Receipt]:
    """Pack the kit of a network's bundle, unpack it elsewhere, run its predict.py on original values of `dataset` and
    compare with the app. Returns the ZIP at `target` and the receipt; no ZIP where the receipt did not pass (`reason`
    and `sentence` say why). The receipt is kept beside `target` either way, as <name>.receipt.json.

    Raises BundleError for a baseline's bundle."""
    bundle = bundle if isinstance(bundle, Bundle) else Bundle.open(bundle)
    if bundle.kind != "network":
        raise BundleError("A baseline cannot be downloaded; it predicts in the app. Choose a network.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="deepboard-") as scratch:
        place = Path(scratch)
        pack(bundle, place / "kit", dataset.meta["dialect"])
        packed = _zipped(place / "kit", place / "kit.zip")
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(place / "unpacked")
        receipt = prove(bundle, place / "unpacked" / "predict.py", dataset, place, seed)
        write_json(target.with_suffix(".receipt.json"), receipt)
        if not receipt["passed"]:
            target.unlink(missing_ok=True)
            return None, receipt
        write_json(place / "kit" / "receipt.json", receipt)
        write_bytes(place / "kit" / "model_card.md", model_card(bundle, receipt, dataset.n_rows).encode())
        fresh = target.with_name(f".{target.name}.{uuid4().hex[:8]}")
        try:
            os.replace(_zipped(place / "kit", fresh), target)
        finally:
            fresh.unlink(missing_ok=True)
    return target, receipt


def _zipped(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    return path
