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
from dl_core.store import Run

Receipt = dict[str, Any]


def export(run: Run, model: str) -> tuple[Path | None, Receipt]:
    """The download of a network of the board, from its bundle: exports/<model>.zip and its receipt, see write_kit."""
    split = run.spec.split
    board = run.leaderboard() or {"rows": [], "sentence": ""}
    facts = {
        "rivals": [row for row in board["rows"] if row["model"] != model],
        "sentence": board["sentence"],
        "rows": run.dataset.n_rows,
        "seed": run.spec.seed,
        "split": f"{split.kind}; {split.test_share:.0%} test, {split.valid_share:.0%} validation",
    }
    bundle = Bundle.open(run.model_folder(model) / "bundle")
    return write_kit(bundle, run.folder / "exports" / f"{model}.zip", run.dataset, facts, run.spec.seed)


def write_kit(
    bundle: Bundle, target: Path, dataset: Dataset, facts: dict[str, Any] | None = None, seed: int = 0
) -> tuple[Path | None, Receipt]:
    """Pack the kit of a network's bundle, unpack it elsewhere, run its predict.py on original values of `dataset` and
    compare with the app. Returns the ZIP at `target` and the receipt; no ZIP where the receipt did not pass (`reason`
    and `sentence` say why). The receipt is kept beside `target` either way. `facts` complete the model card.

    Raises BundleError for a baseline's bundle."""
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
        write_bytes(place / "kit" / "model_card.md", model_card(bundle, receipt, facts or {}).encode())
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
