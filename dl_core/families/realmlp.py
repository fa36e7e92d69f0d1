"""RealMLP: a dense network with tuned defaults (Holzmüller, Grinsztajn and Steinwart, 2024)."""

import keras

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


class RealMLP:
    def space(self, signature: ModelSignature) -> Space:
        regression = signature.options["task"] == "regression"
        return (
            choice("width", (128, 256, 384), 256, "Units of each hidden layer."),
            choice("layers", (2, 3, 4), 3, "Hidden layers."),
            choice("activation", ("selu", "mish"), "mish" if regression else "selu", "Shape of each unit's answer."),
            real("sigma", 0.03, 10.0, 0.1, log=True, help="How finely numbers are told apart."),
            real("dropout", 0.0, 0.5, 0.15, help="Share of units silenced at each training step."),
            real("learning_rate", 0.02, 0.4, 0.2 if regression else 0.04, log=True, help="Step size."),
            real("weight_decay", 1e-3, 5e-2, 2e-2, log=True, help="Pull of the weights towards zero."),
        )

    def portfolio(self, signature: ModelSignature) -> list[dict]:
        base = defaults(self.space(signature))
        return [base, {**base, "sigma": 1.0, "activation": "mish"}]

    def recipe(self, signature: ModelSignature, params: dict) -> Recipe:
        return Recipe(
            batch_size=batch_size(signature.options["train_size"]),
            epochs=256 if signature.options["train_size"] <= 20_000 else 64,
            learning_rate=params["learning_rate"],
            weight_decay=params["weight_decay"],
            schedule="coslog4",
            beta_2=0.95,
            patience=0.5,
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
