"""Whether XLA makes a program faster: measured, since it depends on the layers, their width and the machine."""

import time
from dataclasses import dataclass

import keras
import numpy as np

from dl_core.training.feeds import Feed
from dl_core.training.program import Program, TrainState

SECONDS = 0.1  # of one core's work on either side
CLEARLY = 1.2  # as fast as the recipe's choice the other must be: a busy machine measures roughly
NEUTRAL = {"learning_rate": 1e-3, "weight_decay": 0.0, "label_smoothing": 0.0, "total_steps": 1e6}


@dataclass(frozen=True)
class Probed:
    """The faster program, and the samples per second that one core trained with XLA and without."""

    program: Program
    xla: float
    plain: float


def convolves(model: keras.Model) -> bool:
    """Whether XLA is out of the question: on a processor it compiles convolutions for ten seconds and runs them fifty
    times slower (a residual network on 32 x 32 pixels: 20 samples a second against 1,250)."""
    return any("Conv" in type(layer).__name__ for layer in model._flatten_layers())


def faster(program: Program, other: Program, feed: Feed, speed: float) -> Probed:
    """Which of two programs that differ in XLA does more with a core: the recipe's choice `program`, whose `speed` is
    known, unless the other one is clearly faster."""
    speeds = {program.jit: speed, other.jit: speed_of(other, feed)}
    best = other if speeds[other.jit] > CLEARLY * speed else program
    return Probed(best, speeds[True], speeds[False])


def speed_of(program: Program, feed: Feed) -> float:
    """Samples that are trained in a second of one core. The updates are thrown away."""
    state = TrainState.of(program.model)
    batches = max(1, feed.size // program.batch_size)
    order = np.resize(feed.rows, batches * program.batch_size)
    program.advance(state, feed, order, 0, 1, NEUTRAL)
    count = 1
    while True:
        before = time.process_time()
        program.advance(state, feed, order, 0, count, NEUTRAL)
        worked = time.process_time() - before
        if worked >= SECONDS or count == batches:
            return count * program.batch_size / max(worked, 1e-6)
        count = min(4 * count, batches)
