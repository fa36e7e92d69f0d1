"""Whether XLA makes a program faster: measured, since it depends on the layers, their width and the machine."""

import time
from dataclasses import dataclass, replace

import keras
import numpy as np

from dl_core.training.feeds import Feed
from dl_core.training.program import Program, TrainState
from dl_core.training.recipe import Recipe

SECONDS = 0.1  # of one core's work on either side
CLEARLY = 1.2  # as fast as the recipe's choice the other must be: a busy machine measures roughly
NEUTRAL = {"learning_rate": 1e-3, "weight_decay": 0.0, "label_smoothing": 0.0, "total_steps": 1e6}


@dataclass(frozen=True)
class Probed:
    """The faster program, whether XLA compiles it, and the samples per second that one core trained either way."""

    program: Program
    jit: bool
    xla: float
    plain: float


def convolves(model: keras.Model) -> bool:
    """Whether XLA is out of the question: on a processor it compiles convolutions for ten seconds and runs them fifty
    times slower (a residual network on 32 x 32 pixels: 20 samples a second against 1,250)."""
    return any("Conv" in type(layer).__name__ for layer in model._flatten_layers())


def faster(model: keras.Model, loss, feed: Feed, recipe: Recipe) -> Probed:
    """Compile `model` both ways, train on both for a moment, and keep what does more with a core: the recipe's choice
    unless the other is clearly faster. The updates are thrown away."""
    programs = {jit: Program(model, loss, feed, replace(recipe, jit=jit)) for jit in (True, False)}
    speed = {jit: _speed(program, TrainState.of(model), feed) for jit, program in programs.items()}
    other = speed[not recipe.jit] > CLEARLY * speed[recipe.jit]
    return Probed(programs[recipe.jit != other], recipe.jit != other, speed[True], speed[False])


def _speed(program: Program, state: TrainState, feed: Feed) -> float:
    """Samples that are trained in a second of one core."""
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
