"""The parity receipt: predict.py of a finished kit, run on original values, against the answers of the app.

predict.py runs in a process of its own: an empty working folder, no environment of ours, dl_core not importable.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dl_core.bundle.folder import Bundle, sha256
from dl_core.bundle.predictor import Predictor
from dl_core.bundle.serving import guarded
from dl_core.data.dataset import Dataset
from dl_core.export.originals import Sample, UnprovableError, write_sample

Receipt = dict[str, Any]

TOLERANCE = 1e-4
"""Of probabilities; of quantities in standard deviations of the target; of forecasts as a share of their usual size."""
PICTURE_TOLERANCE = 0.05
"""Between answers to pictures that were scaled in the graph and by the trainer: at most a grey level per pixel."""
SECONDS = 180


@dataclass(frozen=True)
class Attempt:
    """What running predict.py gave: its answers, or the reason why there are none."""

    answers: pd.DataFrame | None
    reason: str
    seconds: float


def prove(bundle: Bundle, program: Path, dataset: Dataset, scratch: Path, seed: int = 0) -> Receipt:
    """Run `program`, the predict.py of an unpacked kit, on original values of `dataset` and compare. `scratch` is an
    empty folder. The receipt says what was compared, how far the answers lie apart and whether that is close enough;
    where it is not, or where the program failed, `reason` says why."""
    try:
        sample = write_sample(bundle, dataset, scratch / "sample", seed)
    except UnprovableError as error:
        receipt: Receipt = {
            "passed": False,
            "rows": 0,
            "identical": 0,
            "largest_difference": None,
            "reason": str(error),
        }
        return {**receipt, "sentence": _sentence(receipt)}
    with _started(program, sample.path, scratch / "elsewhere") as process:  # it imports TensorFlow meanwhile
        predictor = Predictor(bundle)
        predictions = predictor.predict(sample.frame, files=sample.files)
        expected = predictor.table(sample.frame, predictions)
        attempt = _ended(process)
    unit = _unit(bundle, predictions)
    receipt = {
        "passed": False,
        "rows": len(expected),
        "identical": 0,
        "largest_difference": None,
        "tolerance": TOLERANCE,
        "unit": unit[1],
        "file": sample.path.name,
        "sha256": sha256(sample.path),
        "sample": sample.about,
        "model_sha256": bundle.files["model.keras"],
        "versions": bundle.versions,
        "seconds": round(attempt.seconds, 1),
        "reason": attempt.reason,
    }
    if attempt.answers is not None:
        receipt |= _compared(expected, attempt.answers, np.repeat(unit[0], len(expected) // len(predictions)))
        receipt |= _trained(predictor, sample, predictions, unit[0])
        receipt["passed"] = not receipt["reason"]
    return {**receipt, "sentence": _sentence(receipt)}


def _sentence(receipt: Receipt) -> str:
    if not receipt["passed"]:
        return f"This network cannot be downloaded: {receipt['reason']}"
    return (
        f"The download answers like the app: {receipt['identical']:,} of {receipt['rows']:,} answers are identical, "
        f"the largest difference is {receipt['largest_difference']:.1g}."
    )


def _unit(bundle: Bundle, predictions: np.ndarray) -> tuple[np.ndarray, str]:
    """What a difference is measured in: a number for each sample, and its name."""
    ones = np.ones(len(predictions))
    state = bundle.state["task"]
    if "classes" in state:
        return ones, "probability"
    if "scale" in state:
        return ones * min(state["scale"]), "standard deviations of the target"
    usual = np.abs(predictions).mean(axis=(1, 2))
    return np.where(usual > 0, usual, 1.0), "share of the series' usual forecast"


# Runs a script as `python SCRIPT …` would, but for one thing: what is ours cannot be imported.
_ALONE = """
import runpy, sys
from pathlib import Path

class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "dl_core":
            raise ModuleNotFoundError("a kit must not need dl_core")

sys.meta_path.insert(0, Wall())
sys.argv = sys.argv[1:]
sys.path[0] = str(Path(sys.argv[0]).parent)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class _Process:
    """predict.py on its way."""

    popen: subprocess.Popen
    out: Path
    began: float


@contextmanager
def _started(program: Path, file: Path, folder: Path) -> Iterator[_Process]:
    """predict.py, started in the new and empty `folder`; ended where nobody waited for it."""
    folder.mkdir()
    out = folder / "predictions.csv"
    popen = subprocess.Popen(
        # no PYTHON* variables, no packages of the user's own
        [sys.executable, "-E", "-s", "-c", _ALONE, str(program), str(file), "--out", str(out)],
        cwd=folder,
        env={name: os.environ[name] for name in ("PATH", "HOME", "LANG", "OMP_NUM_THREADS") if name in os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield _Process(popen, out, time.monotonic())
    finally:
        if popen.poll() is None:
            popen.kill()
            popen.communicate()


def _ended(process: _Process) -> Attempt:
    try:
        output, errors = process.popen.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return Attempt(None, f"predict.py did not end within {SECONDS} seconds.", time.monotonic() - process.began)
    seconds = time.monotonic() - process.began
    if process.popen.returncode or not process.out.exists():
        last = (errors.strip() or output.strip() or "no message").splitlines()[-1]
        return Attempt(None, f"predict.py ended with code {process.popen.returncode}: {last}", seconds)
    return Attempt(pd.read_csv(process.out, keep_default_na=False, dtype=str), "", seconds)


def _compared(expected: pd.DataFrame, answers: pd.DataFrame, unit: np.ndarray) -> Receipt:
    """How the answers of the kit differ from the app's, each measured in its `unit` (rows,)."""
    if list(answers) != list(expected) or len(answers) != len(expected):
        return {
            "reason": f"predict.py gave {len(answers)} rows of {', '.join(answers)[:200]}; the app gives "
            f"{len(expected)} rows of {', '.join(expected)[:200]}."
        }
    same = np.ones(len(expected), bool)
    strangers = np.zeros(len(expected), bool)
    largest = 0.0
    for name in expected:
        if pd.api.types.is_float_dtype(expected[name]):
            app = expected[name].to_numpy()
            kit = np.array([float(text) if text else np.nan for text in answers[name]])
            both_missing = np.isnan(kit) & np.isnan(app)
            kit = kit.astype(app.dtype).astype(np.float64)  # the CSV holds every digit of the app's type, no more
            same &= (kit == app) | both_missing
            apart = np.where(both_missing, 0.0, np.abs(kit - app) / unit)
            largest = max(largest, float(np.nan_to_num(apart, nan=np.inf).max(initial=0.0)))
        else:
            differs = answers[name].to_numpy(object) != _as_written(expected[name])
            same &= ~differs
            strangers |= differs & ~_draws(expected) if name == "prediction" else differs
    reason = ""
    if largest > TOLERANCE:
        reason = f"The answers differ by up to {largest:.3g} (allowed: {TOLERANCE:g})."
    elif strangers.any():
        reason = f"{int(strangers.sum())} of {len(expected)} answers are another text than in the app."
    return {"identical": int(same.sum()), "largest_difference": largest, "reason": reason}


def _draws(expected: pd.DataFrame) -> np.ndarray:
    """Rows whose two likeliest classes are as good as equal, so that rounding may choose the other one."""
    shares = expected[[name for name in expected if name.startswith("probability_")]].to_numpy(np.float64)
    top = np.sort(shares, axis=1)
    return top[:, -1] - top[:, -2] <= 2 * TOLERANCE


def _as_written(values: pd.Series) -> np.ndarray:
    return np.array(["" if pd.isna(value) else guarded(str(value)) for value in values], dtype=object)


def _trained(predictor: Predictor, sample: Sample, predictions: np.ndarray, unit: np.ndarray) -> Receipt:
    """How far the serving graph lies from the arithmetic that training and the leaderboard used."""
    arrays = predictor.arrays(sample.frame, files=sample.files)
    apart = np.abs(predictor.raw(arrays) - predictions) / unit.reshape(-1, *[1] * (predictions.ndim - 1))
    largest = float(apart.max(initial=0.0))
    allowed = PICTURE_TOLERANCE if predictor.bundle.picture_column else TOLERANCE
    found: Receipt = {"training_difference": largest, "training_tolerance": allowed}
    if not largest <= allowed:
        found["reason"] = (
            f"The model file differs from the trained network by up to {largest:.3g} (allowed: {allowed:g})."
        )
    return found
