"""Training and inference of one architecture as compiled programs.

Everything that differs between two trials of the same shape (weights, learning rate, weight decay, dropout, number of
steps, data) is an argument, so a program is traced once and serves them all.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dl_core.training.feeds import Feed
from dl_core.training.recipe import Recipe


def coslog4(t: tf.Tensor) -> tf.Tensor:
    """Four cosine cycles of growing length over t in 0…1 (Holzmüller et al., 2024)."""
    return 0.5 * (1.0 - tf.cos(2.0 * math.pi * tf.math.log(1.0 + 15.0 * t) / math.log(2.0)))


def cosine(t: tf.Tensor) -> tf.Tensor:
    """Two per cent of warm-up, then half a cosine."""
    return 0.5 * (1.0 + tf.cos(math.pi * t)) * tf.minimum(1.0, t / 0.02 + 0.01)


def flat_cosine(t: tf.Tensor) -> tf.Tensor:
    """Flat for the first half, then half a cosine."""
    return tf.where(t < 0.5, 1.0, 0.5 * (1.0 + tf.cos(math.pi * (2.0 * t - 1.0))))


DROPOUT = "dropout_share"  # the variable of a dropout layer that follows the schedule
SCHEDULES: dict[str, Callable] = {"coslog4": coslog4, "cosine": cosine, "flat_cosine": flat_cosine}


@dataclass
class TrainState:
    """All that training changes. `weights` and `others` are lists of arrays in the order of the model's variables;
    `momentum` and `velocity` are the moments of all weights, one after the other (parameters,), or nothing where
    training is over. `step` counts updates."""

    weights: list[Any]
    others: list[Any]  # moving averages, dropout counters
    momentum: Any = ()
    velocity: Any = ()
    step: int = 0

    @classmethod
    def of(cls, model: keras.Model) -> "TrainState":
        weights = [variable.numpy() for variable in model.trainable_variables]
        zeros = np.zeros(sum(weight.size for weight in weights), np.float32)
        return cls(weights, [variable.numpy() for variable in model.non_trainable_variables], zeros, zeros)

    def to_arrays(self) -> dict[str, np.ndarray]:
        named: dict[str, Any] = {"step": self.step, "momentum": self.momentum, "velocity": self.velocity}
        for group in ("weights", "others"):
            named |= {f"{group}_{i}": value for i, value in enumerate(getattr(self, group))}
        return {name: np.asarray(value) for name, value in named.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> "TrainState":
        def group(name: str) -> list[np.ndarray]:
            count = sum(key.rsplit("_", 1)[0] == name for key in arrays)
            return [arrays[f"{name}_{i}"] for i in range(count)]

        moments = {name: arrays.get(name, ()) for name in ("momentum", "velocity")}
        return cls(group("weights"), group("others"), **moments, step=int(arrays["step"]))

    def assign_to(self, model: keras.Model) -> None:
        """Put the weights back into a model of the same architecture."""
        for variable, value in zip(model.trainable_variables, self.weights, strict=True):
            variable.assign(value)
        for variable, value in zip(model.non_trainable_variables, self.others, strict=True):
            variable.assign(value)


class Program:
    """The compiled segment and the compiled prediction of one architecture with one batch size."""

    def __init__(self, model: keras.Model, loss: Callable, feed: Feed, recipe: Recipe, gather: Callable | None = None):
        self.model = model
        self.batch_size = min(recipe.batch_size, feed.size)
        self.jit = recipe.jit
        self._loss = loss
        self._gather = gather or feed.gather
        self._schedule = SCHEDULES[recipe.schedule]
        self._beta_2 = recipe.beta_2
        self._clip_norm = recipe.clip_norm
        self._decayed = [len(variable.shape) > 1 for variable in model.trainable_variables]
        self._dropouts = [i for i, v in enumerate(model.non_trainable_variables) if v.name == DROPOUT]
        self._segment = tf.function(self._segment_graph, jit_compile=recipe.jit, autograph=False)
        # a forward pass costs little beside training, so it is not worth the seconds that XLA takes to compile it
        self._forward = tf.function(self._forward_graph, autograph=False)

    def advance(
        self, state: TrainState, feed: Feed, order: np.ndarray, first: int, count: int, hyper: dict[str, float]
    ) -> tuple[TrainState, float]:
        """Train `count` batches, the first of which is batch `first` of `order` (samples of one epoch). `hyper` holds
        learning_rate, weight_decay, label_smoothing and total_steps. Returns the new state and the mean loss."""
        ahead = np.roll(order, -first * self.batch_size)  # XLA compiles anew for every other start of a slice
        weights, others, momentum, velocity, _, loss = self._segment(
            state.weights,
            state.others,
            state.momentum,
            state.velocity,
            tf.constant(state.step, tf.int32),
            tf.constant(ahead, tf.int32),
            tf.constant(count, tf.int32),
            {name: tf.constant(value, tf.float32) for name, value in hyper.items()},
            feed.tensors,
        )
        loss = float(loss) / max(count, 1)  # waits until the segment is done
        return TrainState(weights, others, momentum, velocity, state.step + count), loss

    def predict(self, weights: list, others: list, feed: Feed, batch_size: int) -> tuple[np.ndarray, float]:
        """Raw outputs for every sample of `feed` (n, …) and the mean weighted loss on them."""
        batch_size = min(batch_size, feed.size)
        outputs, losses = [], []
        for start in range(0, feed.size, batch_size):
            indices = feed.rows[np.minimum(np.arange(start, start + batch_size), feed.size - 1)]
            output, loss = self._forward(weights, others, tf.constant(indices), feed.tensors)
            keep = min(batch_size, feed.size - start)
            outputs.append(output.numpy()[:keep])
            losses.append(loss.numpy()[:keep])
        return np.concatenate(outputs), float(np.mean(np.concatenate(losses)))

    def _forward_graph(self, weights, others, indices, tensors):
        inputs, target, weight = self._gather(tensors, indices)
        output, _ = self.model.stateless_call(weights, others, inputs, training=False)
        return output, self._loss(target, output) * weight

    def _segment_graph(self, weights, others, momentum, velocity, step, order, count, hyper, tensors):
        def update(i, total_loss, weights, others, momentum, velocity, step):
            indices = tf.slice(order, [i * self.batch_size], [self.batch_size])
            inputs, target, weight = self._gather(tensors, indices)
            fade = flat_cosine(tf.cast(step, tf.float32) / hyper["total_steps"])
            relaxed = [value * fade if i in self._dropouts else value for i, value in enumerate(others)]
            with tf.GradientTape() as tape:
                tape.watch(weights)
                output, changed = self.model.stateless_call(weights, relaxed, inputs, training=True)
                loss = tf.reduce_mean(self._loss(target, output, hyper["label_smoothing"]) * weight)
            slopes = tape.gradient(loss, weights, unconnected_gradients="zero")
            slope = tf.concat([tf.reshape(tf.convert_to_tensor(each), [-1]) for each in slopes], axis=0)
            if self._clip_norm is not None:
                slope = tf.clip_by_norm(slope, self._clip_norm)
            weights, momentum, velocity = self._adamw(weights, slope, momentum, velocity, step, hyper)
            others = [
                before if i in self._dropouts else now
                for i, (before, now) in enumerate(zip(others, changed, strict=True))
            ]
            return i + 1, total_loss + loss, weights, others, momentum, velocity, step + 1

        state = (tf.constant(0), tf.constant(0.0), list(weights), list(others), momentum, velocity, step)
        _, loss, *rest = tf.while_loop(lambda i, *_: i < count, update, state)
        return *rest, loss

    def _adamw(self, weights, slope, momentum, velocity, step, hyper):
        """Adam with decoupled weight decay on matrices (Loshchilov and Hutter, 2019), schedule included. The moments of
        all weights are one vector, which takes a fraction of the operations to trace and to compile."""
        done = tf.cast(step, tf.float32)
        share = tf.minimum(done / hyper["total_steps"], 1.0)
        rate = hyper["learning_rate"] * self._schedule(share)
        decay = hyper["weight_decay"] * flat_cosine(share)
        bias_1 = 1.0 - tf.pow(0.9, done + 1.0)
        bias_2 = 1.0 - tf.pow(self._beta_2, done + 1.0)
        momentum = 0.9 * momentum + 0.1 * slope
        velocity = self._beta_2 * velocity + (1.0 - self._beta_2) * tf.square(slope)
        change = rate * (momentum / bias_1) / (tf.sqrt(velocity / bias_2) + 1e-8)
        changes = tf.split(change, [weight.shape.num_elements() for weight in weights])
        updated = []
        for weight, each, decayed in zip(weights, changes, self._decayed, strict=True):
            shrunk = weight * (1.0 - rate * decay) if decayed else weight
            updated.append(shrunk - tf.reshape(each, weight.shape))
        return updated, momentum, velocity
