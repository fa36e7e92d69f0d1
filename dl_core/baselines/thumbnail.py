"""Logistic regression on tiny thumbnails: what colours and coarse shapes tell without a deep network."""

import time
from typing import Any

import numpy as np

from dl_core.baselines.linear import decode, logistic
from dl_core.prepared import Prepared
from dl_core.seeds import generator
from dl_core.tasks.base import Task

SIDE = 8
STRENGTHS = (0.03, 0.003, 0.3)  # the likeliest first
MOST_PICTURES = 10_000  # more teach a linear model nothing new
AT_ONCE = 512


class Thumbnail:
    def fit(self, prepared: Prepared, task: Task, seconds: float) -> dict[str, Any]:
        """Choose the regularisation on the validation part, as many strengths as the time allows; the train part alone
        is fitted."""
        end = time.monotonic() + seconds
        pictures, truth = prepared.inputs("train")["image"], np.asarray(prepared.truth("train"))
        weight = prepared.weight("train")
        if len(truth) > MOST_PICTURES:
            some = np.sort(generator(0, "thumbnail").choice(len(truth), MOST_PICTURES, replace=False))
            pictures, truth = pictures[some], truth[some]
            weight = None if weight is None else weight[some]
        train, valid = thumbnails(pictures), thumbnails(prepared.inputs("valid")["image"])
        centre, scale = train.mean(axis=0), train.std(axis=0) + 1.0  # in grey levels
        state = {"task": task.kind, "target": prepared.state["task"], "centre": centre.tolist()}
        best, lowest = None, np.inf
        for strength in STRENGTHS:
            if best is not None and time.monotonic() > end:
                break
            coefficients, intercept = logistic(
                (train - centre) / scale, truth, weight, len(prepared.state["task"]["classes"]), strength, rounds=100
            )
            coefficients = coefficients / scale[:, None]
            answers = decode(state, (valid - centre) @ coefficients + intercept)
            chosen = answers[np.arange(len(answers)), prepared.truth("valid")]
            loss = float(-np.log(np.maximum(chosen, 1e-12)).mean())
            if loss < lowest:
                best, lowest = (coefficients, intercept), loss
        if best is None:
            raise ValueError("the regression gave no finite answers")
        return {**state, "coefficients": best[0].tolist(), "intercept": best[1].tolist()}

    def predict(self, state: dict[str, Any], inputs: dict[str, np.ndarray]) -> np.ndarray:
        small = thumbnails(inputs["image"]) - np.array(state["centre"])
        return decode(state, small @ np.array(state["coefficients"]) + np.array(state["intercept"]))


def thumbnails(pictures: np.ndarray) -> np.ndarray:
    """uint8 (samples, height, width, channels) -> area means, float64 (samples, 8 * 8 * channels), in grey levels."""
    rows, columns = _areas(pictures.shape[1]), _areas(pictures.shape[2])
    parts = [np.empty((0, SIDE * SIDE * pictures.shape[3]))]
    for start in range(0, len(pictures), AT_ONCE):
        some = np.asarray(pictures[start : start + AT_ONCE], np.float32)
        small = np.einsum("ih,nhwc,jw->nijc", rows, some, columns, optimize=True)
        parts.append(small.reshape(len(small), -1).astype(np.float64))
    return np.concatenate(parts)


def _areas(length: int) -> np.ndarray:
    """Share of each of `length` pixels in each of 8 equal stretches: (8, length), rows add up to 1."""
    edges = np.arange(SIDE + 1) * length / SIDE
    pixels = np.arange(length)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return (np.maximum(overlap, 0.0) * SIDE / length).astype(np.float32)
