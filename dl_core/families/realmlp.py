"""RealMLP: a dense network with tuned defaults (Holzmüller, Grinsztajn and Steinwart, 2024)."""

import keras
import numpy as np

from dl_core.families.mlp import batch_size
from dl_core.layers.tabular import (
    CategoryFeatures,
    CounterDropout,
    FeatureScale,
    ParametricActivation,
    PeriodicEmbedding,
    ScaledDense,
)
from dl_core.signature import ModelSignature
from dl_core.space import Space, choice, defaults, real
from dl_core.training.recipe import Recipe


def epochs(signature: ModelSignature) -> int:
    """Many passes over few rows, few over many: the same order of steps. The schedule's cycles make snapshots at a
    fifteenth, a fifth, half and the end of them."""
    rows = signature.options["train_size"]
    return 128 if rows <= 4000 else 64 if rows <= 20_000 else 16


class RealMLP:
    def space(self, signature: ModelSignature) -> Space:
        regression = signature.options["task"] == "regression"
        return (
            choice("width", (128, 256, 384), 256, "Units of each hidden layer."),
            choice("layers", (2, 3, 4), 3, "Hidden layers."),
            choice("activation", ("selu", "mish"), "mish", "Shape of each unit's answer."),
            choice("epochs", (8, 16, 32, 64, 128, 256), epochs(signature), "Passes over the train part."),
            real("sigma", 0.03, 10.0, 3.0, log=True, help="How finely numbers are told apart."),
            real("dropout", 0.0, 0.5, 0.15, help="Share of units silenced at each training step."),
            real("learning_rate", 0.02, 0.4, 0.1 if regression else 0.04, log=True, help="Step size."),
            real("weight_decay", 1e-3, 5e-2, 2e-2, log=True, help="Pull of the weights towards zero."),
        )

    def portfolio(self, signature: ModelSignature) -> list[dict]:
        """Ours, measured on tables of 1,000 to 30,000 rows, and the paper's defaults."""
        ours = defaults(self.space(signature))
        regression = signature.options["task"] == "regression"
        paper = {"sigma": 0.1, "learning_rate": 0.2} if regression else {"sigma": 0.1, "activation": "selu"}
        return [ours, {**ours, **paper}]

    def recipe(self, signature: ModelSignature, params: dict) -> Recipe:
        return Recipe(
            batch_size=batch_size(signature.options["train_size"]),
            epochs=params["epochs"],
            learning_rate=params["learning_rate"],
            weight_decay=params["weight_decay"],
            schedule="coslog4",
            beta_2=0.95,
            jit=True,
        )

    def build(self, signature: ModelSignature, params: dict, seed: int) -> keras.Model:
        # inputs
        inputs = {name: keras.Input(spec.shape, dtype=spec.dtype, name=name) for name, spec in signature.inputs.items()}
        # graph
        features = []
        if "numeric" in inputs:
            embed = PeriodicEmbedding(sigma=params["sigma"], seed=seed, name="periodic")
            features.append(embed(inputs["numeric"]))
        if "category" in inputs:
            cardinalities = signature.inputs["category"].cardinalities
            features.append(CategoryFeatures(cardinalities, seed=seed, name="categories")(inputs["category"]))
        x = features[0] if len(features) == 1 else keras.layers.Concatenate(name="join")(features)
        x = FeatureScale(name="scale")(x)
        for layer in range(params["layers"]):
            x = ScaledDense(params["width"], seed + 10 * layer, name=f"hidden_{layer + 1}")(x)
            x = ParametricActivation(params["activation"], name=f"activation_{layer + 1}")(x)
            x = CounterDropout(params["dropout"], seed + layer, name=f"dropout_{layer + 1}")(x)
        output = ScaledDense(signature.output[0], seed + 99, zero=True, name="output")(x)
        # model
        return keras.Model(inputs, output, name="realmlp")

    def initialise(self, model: keras.Model, inputs: dict, seed: int) -> None:
        """Scale the weights so that every unit varies by one on these samples, and put its bias where they lie."""
        generator = np.random.default_rng(seed)
        for layer in model.layers:
            if isinstance(layer, ScaledDense) and not layer.zero:
                x = keras.Model(model.inputs, layer.input)(inputs)
                before = np.asarray(x) @ layer.kernel.numpy() * layer.gain
                kernel = layer.kernel.numpy() / (before.std(axis=0) + 1e-6)
                layer.kernel.assign(kernel)
                layer.bias.assign(-_mixed(np.asarray(x) @ kernel * layer.gain, generator) / layer.FACTOR)


def _mixed(answers: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """For every unit, a random mean of its answers (samples, units) to five of the samples."""
    samples, units = answers.shape
    chosen = generator.integers(0, samples, (5, units))
    weights = generator.exponential(size=(5, units))
    return (answers[chosen, np.arange(units)] * weights / weights.sum(axis=0)).sum(axis=0)
