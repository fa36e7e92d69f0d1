"""The general path: Keras's own `fit`, for networks with a training step of their own.

It has a compiled program's face, so that deadline, Stop, checkpoints and validation are the trainer's as ever; a call
costs some tens of milliseconds more. Dropout does not fade along the schedule here.
"""

import threading
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from dl_core.training.feeds import Feed
from dl_core.training.program import SCHEDULES, Program, TrainState
from dl_core.training.recipe import Recipe


def has_own_step(model: keras.Model) -> bool:
    return type(model).train_step is not keras.Model.train_step


class FitProgram(Program):
    """See Program; `advance` is one call of `fit`."""

    def __init__(self, model: keras.Model, loss: Callable, feed: Feed, recipe: Recipe):
        super().__init__(model, loss, feed, recipe)
        self._recipe = recipe
        self._compiled_for: tuple[float, float] | None = None
        self._turn = threading.Lock()  # the state passes through the model, which trials side by side share

    def advance(
        self, state: TrainState, feed: Feed, order: np.ndarray, first: int, count: int, hyper: dict[str, float]
    ) -> tuple[TrainState, float]:
        if count == 0:
            return state, 0.0
        with self._turn:
            return self._fit(state, feed, order, first, count, hyper)

    def _fit(
        self, state: TrainState, feed: Feed, order: np.ndarray, first: int, count: int, hyper: dict[str, float]
    ) -> tuple[TrainState, float]:
        self._compile(hyper["weight_decay"], hyper["label_smoothing"])
        optimizer = self.model.optimizer
        state.assign_to(self.model)
        for variables, values in zip(self._moments(), (state.momentum, state.velocity), strict=True):
            ends = np.cumsum([variable.shape.num_elements() for variable in variables])[:-1]
            for variable, value in zip(variables, np.split(np.asarray(values), ends), strict=True):
                variable.assign(value.reshape(variable.shape))
        optimizer.iterations.assign(state.step)
        picked = np.asarray(order[first * self.batch_size : (first + count) * self.batch_size], np.int32)
        batches = tf.data.Dataset.from_tensor_slices(picked).batch(self.batch_size, drop_remainder=True)
        history = self.model.fit(
            batches.map(tf.autograph.experimental.do_not_convert(lambda indices: feed.gather(feed.tensors, indices))),
            callbacks=[_Rate(SCHEDULES[self._recipe.schedule], hyper, state.step)],
            shuffle=False,
            verbose=0,
        )
        after = TrainState.of(self.model)
        after.momentum, after.velocity = (
            np.concatenate([variable.numpy().ravel() for variable in group]) for group in self._moments()
        )
        after.step = state.step + count
        return after, float(history.history["loss"][-1])

    def _moments(self) -> tuple[list, list]:
        return self.model.optimizer._momentums, self.model.optimizer._velocities

    def _compile(self, weight_decay: float, label_smoothing: float) -> None:
        """Both are constants of the compiled step."""
        if self._compiled_for == (weight_decay, label_smoothing):
            return
        optimizer = keras.optimizers.AdamW(
            weight_decay=weight_decay,
            beta_2=self._recipe.beta_2,
            epsilon=1e-8,
            global_clipnorm=self._recipe.clip_norm,
        )
        weights = self.model.trainable_variables
        optimizer.exclude_from_weight_decay([weight for weight in weights if len(weight.shape) <= 1])
        optimizer.build(weights)
        self.model.compile(optimizer=optimizer, loss=_Loss(self._loss, label_smoothing))
        self._compiled_for = (weight_decay, label_smoothing)


class _Loss(keras.losses.Loss):
    """One of ours, per sample, in Keras's words; Keras weighs it and takes the mean."""

    def __init__(self, loss: Callable, label_smoothing: float):
        super().__init__()
        self._loss, self._label_smoothing = loss, label_smoothing

    def call(self, target, output):
        return self._loss(target, output, self._label_smoothing)


class _Rate(keras.callbacks.Callback):
    """The learning rate of every step by the schedule of the whole training."""

    def __init__(self, schedule: Callable, hyper: dict[str, float], step: int):
        super().__init__()
        self._schedule, self._hyper, self._step = schedule, hyper, step

    def on_train_batch_begin(self, batch, logs=None):
        share = min((self._step + batch) / self._hyper["total_steps"], 1.0)
        self.model.optimizer.learning_rate = self._hyper["learning_rate"] * float(self._schedule(tf.constant(share)))
