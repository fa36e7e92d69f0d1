"""The peer: the same networks as people train them with Keras and Keras Tuner alone, `compile`, `fit`, RandomSearch.

python -m bench.stock TABLE.csv TIMES

Says in seconds how long each of TIMES searches took from the file to their first trained model.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import tensorflow as tf

from bench.workbench import Workbench
from dl_core import families
from dl_core.layers import losses
from dl_core.layers.tabular import CounterDropout
from dl_core.seeds import derive
from dl_core.space import Space
from dl_core.training.program import SCHEDULES
from dl_core.training.recipe import Recipe
from dl_core.training.trainer import PREDICT_BATCH
from dl_core.tuning.oracles.words import hyperparameters

Arrays = tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]  # named inputs, target, weight


@dataclass(frozen=True)
class Fit:
    """How `compile` and `fit` are called, at first as they are where nothing is said: `data` is "arrays" or "tf.data"
    (cached, shuffled, prefetched, validation in batches as large as ours)."""

    data: str = "arrays"
    steps: int = 1  # per execution
    jit: bool | str = "auto"

    def __str__(self) -> str:
        return f"{self.data}, {self.steps} a call{', XLA' if self.jit is True else ''}"


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """The recipe's schedule, as Keras wants it."""

    def __init__(self, recipe: Recipe, steps: int):
        self.rate, self.shape, self.steps = recipe.learning_rate, SCHEDULES[recipe.schedule], steps

    def __call__(self, step):
        return self.rate * self.shape(tf.minimum(tf.cast(step, tf.float32) / self.steps, 1.0))


def whole(bench, part: str) -> Arrays:
    """A part of the data as arrays, windows cut out."""
    feed = bench.feed(part)
    return tf.nest.map_structure(lambda tensor: tensor.numpy(), feed.gather(feed.tensors, tf.range(feed.size)))


def network(model: keras.Model) -> keras.Model:
    """The same network and weights with the dropout of Keras, which is the quicker one inside `fit`."""

    def copied(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, CounterDropout):
            return keras.layers.Dropout(layer.rate, seed=layer.seed % 2**31, name=layer.name)
        return type(layer).from_config(layer.get_config())

    clone = keras.models.clone_model(model, clone_function=copied)
    for mine, theirs in zip(clone.trainable_variables, model.trainable_variables, strict=True):
        mine.assign(theirs)
    return clone


def compiled(model: keras.Model, recipe: Recipe, loss: Callable, target: np.ndarray, steps: int, how: Fit):
    """`model`, ready to fit for `steps` updates with the recipe."""
    optimizer = keras.optimizers.AdamW(
        Schedule(recipe, steps), recipe.weight_decay, beta_2=recipe.beta_2, global_clipnorm=recipe.clip_norm
    )
    optimizer.exclude_from_weight_decay([v for v in model.trainable_variables if len(v.shape) <= 1])

    def of_samples(truth, output):
        return loss(tf.cast(truth, target.dtype), output, recipe.label_smoothing)

    model.compile(optimizer, of_samples, steps_per_execution=how.steps, jit_compile=how.jit)
    return model


def fed(arrays: Arrays, batch_size: int, how: Fit, repeated: bool = False) -> dict[str, Any]:
    """The arguments of `fit` that bring the data. Only full batches, as ours: `repeated` tf.data never ends."""
    inputs, target, weight = arrays
    full = len(target) // batch_size * batch_size
    if how.data == "arrays":
        inputs = {name: array[:full] for name, array in inputs.items()}
        return {"x": inputs, "y": target[:full], "sample_weight": weight[:full], "batch_size": batch_size}
    data = tf.data.Dataset.from_tensor_slices(arrays).cache().shuffle(len(target)).batch(batch_size, True)
    if not repeated:
        return {"x": data.prefetch(tf.data.AUTOTUNE)}
    calls = max(1, full // batch_size // how.steps)  # so that no call is cut short by the end of an epoch
    return {"x": data.repeat().prefetch(tf.data.AUTOTUNE), "steps_per_epoch": calls * how.steps}


class Hypermodel(keras_tuner.HyperModel):
    """A family on a workbench, as a person would hand it to Keras Tuner."""

    def __init__(self, workbench: Workbench, family: str, how: Fit):
        super().__init__()
        self.work, self.family, self.how = workbench, family, how
        self.train, self.valid = whole(workbench.bench, "train"), whole(workbench.bench, "valid")

    def recipe(self, params: dict) -> Recipe:
        recipe = families.load(self.family).recipe(self.work.bench.prepared.signature, params)
        size = len(self.train[1])
        epochs = min(recipe.epochs, self.work.context.spec.budget.epochs or recipe.epochs)
        return replace(recipe, batch_size=min(recipe.batch_size, size), epochs=epochs)

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        bench, recipe = self.work.bench, self.recipe(hp.values)
        model = network(bench.network(self.work.order(self.family, hp.values)))
        steps = recipe.epochs * (len(self.train[1]) // recipe.batch_size)
        return compiled(model, recipe, getattr(losses, bench.task.loss), self.train[1], steps, self.how)

    def fit(self, hp: keras_tuner.HyperParameters, model: keras.Model, **options: Any):
        recipe = self.recipe(hp.values)
        data = fed(self.train, recipe.batch_size, self.how)
        valid: Any = self.valid
        if self.how.data == "tf.data":
            valid = tf.data.Dataset.from_tensor_slices(valid).batch(PREDICT_BATCH).cache()
        return model.fit(**data, **{"epochs": recipe.epochs, "validation_data": valid, **options, "verbose": 0})


class RandomSearch(keras_tuner.RandomSearch):
    """Keras Tuner's, without its import of TensorBoard, which TensorFlow no longer brings."""

    def _configure_tensorboard_dir(self, callbacks, trial, execution=0) -> None:
        pass


@dataclass(frozen=True)
class Searched:
    """What RandomSearch did: the parameter sets it trained, the score of each (at the epoch of least validation loss,
    in the run's metric), the seconds that took, and the sets that it would have gone on with."""

    params: list[dict[str, Any]]
    scores: list[float]
    seconds: float
    further: list[dict[str, Any]]


def search(hypermodel: Hypermodel, space: Space, trials: int, further: int, folder: Path) -> Searched:
    """RandomSearch in `space`."""
    tuner = RandomSearch(
        hypermodel,
        objective="val_loss",
        max_trials=trials,
        seed=derive(0, hypermodel.family) % 2**31,
        hyperparameters=hyperparameters(space),
        directory=folder,
        project_name=hypermodel.family,
    )
    began = time.perf_counter()
    tuner.search(verbose=0)
    seconds = time.perf_counter() - began
    goal = hypermodel.work.bench.goal()
    trained = list(tuner.oracle.trials.values())
    scores = [goal.score(tuner.load_model(t).predict(hypermodel.valid[0], PREDICT_BATCH, verbose=0)) for t in trained]
    tuner.oracle.max_trials = trials + further
    drawn = [tuner.oracle.create_trial(f"another {number}") for number in range(further)]
    sets = ([dict(trial.hyperparameters.values) for trial in some] for some in (trained, drawn))
    return Searched(next(sets), scores, seconds, next(sets))


def fit_seconds(hypermodel: Hypermodel, params: dict[str, Any], how: Fit, epochs: int) -> float:
    """Seconds of one trial of at most so many epochs, building included."""
    hypermodel.how = how
    hp = keras_tuner.HyperParameters()
    hp.values = params
    began = time.perf_counter()
    hypermodel.fit(hp, hypermodel.build(hp), epochs=min(epochs, hypermodel.recipe(params).epochs))
    return time.perf_counter() - began


def first_trial(table: Path, epochs: int = 10) -> None:
    """What a short script does to have its first network on a table: read, scale, RandomSearch, one trial."""
    import pandas as pd

    frame = pd.read_csv(table)
    target = (frame.pop("answer") == "yes").to_numpy(np.float32)
    wide = pd.get_dummies(frame).to_numpy(np.float32)
    wide = (wide - wide.mean(axis=0)) / wide.std(axis=0)

    def build(hp: keras_tuner.HyperParameters) -> keras.Model:
        hidden = [keras.layers.Dense(hp.Int("width", 32, 256, 32), "relu") for _ in range(hp.Int("layers", 1, 3))]
        model = keras.Sequential([*hidden, keras.layers.Dense(1, "sigmoid")])
        model.compile(keras.optimizers.Adam(hp.Float("rate", 1e-4, 1e-2, sampling="log")), "binary_crossentropy")
        return model

    with tempfile.TemporaryDirectory() as folder:
        tuner = RandomSearch(build, "val_loss", max_trials=1, seed=0, directory=folder)
        tuner.search(wide, target, validation_split=0.2, epochs=epochs, batch_size=128, verbose=0)


def main() -> None:
    for _ in range(int(sys.argv[2])):
        began = time.perf_counter()
        first_trial(Path(sys.argv[1]))
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
