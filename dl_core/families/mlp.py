"""A plain multilayer perceptron: dense layers, ReLU, dropout."""

import keras

from dl_core.layers.tabular import CategoryFeatures, CounterDropout
from dl_core.signature import ModelSignature
from dl_core.space import Space, choice, defaults, real
from dl_core.training.recipe import Recipe


def batch_size(rows: int) -> int:
    """Small batches learn more per sample, large ones faster: 64 up to 1,000 rows, 256 from 8,000 on."""
    return 64 if rows <= 1024 else 128 if rows <= 8192 else 256


class MLP:
    def space(self, signature: ModelSignature) -> Space:
        return (
            choice("width", (32, 64, 128, 256), 128, "Units of each hidden layer."),
            choice("layers", (1, 2, 3), 2, "Hidden layers."),
            real("dropout", 0.0, 0.5, 0.1, help="Share of units silenced at each training step."),
            real("learning_rate", 3e-4, 1e-2, 2e-3, log=True, help="Step size of the optimiser."),
            real("weight_decay", 1e-4, 1e-1, 1e-2, log=True, help="Pull of the weights towards zero."),
        )

    def portfolio(self, signature: ModelSignature) -> list[dict]:
        small = {"width": 64, "layers": 1, "learning_rate": 3e-3}
        return [{**defaults(self.space(signature)), **changes} for changes in (small, {})]

    def recipe(self, signature: ModelSignature, params: dict) -> Recipe:
        return Recipe(
            batch_size=batch_size(signature.options["train_size"]),
            epochs=60,
            learning_rate=params["learning_rate"],
            weight_decay=params["weight_decay"],
            schedule="cosine",
            patience=0.35,
            jit=True,
        )

    def build(self, signature: ModelSignature, params: dict, seed: int) -> keras.Model:
        # inputs
        inputs = {name: keras.Input(spec.shape, dtype=spec.dtype, name=name) for name, spec in signature.inputs.items()}
        # graph
        x = join(inputs, signature, seed)
        for layer in range(params["layers"]):
            initializer = keras.initializers.HeNormal(seed + layer)
            x = keras.layers.Dense(params["width"], kernel_initializer=initializer, name=f"hidden_{layer + 1}")(x)
            x = keras.layers.ReLU(name=f"relu_{layer + 1}")(x)
            x = CounterDropout(params["dropout"], seed + layer, name=f"dropout_{layer + 1}")(x)
        initializer = keras.initializers.GlorotUniform(seed)
        output = keras.layers.Dense(signature.output[0], kernel_initializer=initializer, name="output")(x)
        # model
        return keras.Model(inputs, output, name="mlp")


def join(inputs: dict, signature: ModelSignature, seed: int):
    """Numbers (batch, F) and category features side by side."""
    features = [inputs["numeric"]] if "numeric" in inputs else []
    if "category" in inputs:
        cardinalities = signature.inputs["category"].cardinalities
        features.append(CategoryFeatures(cardinalities, seed=seed, name="categories")(inputs["category"]))
    return features[0] if len(features) == 1 else keras.layers.Concatenate(name="join")(features)
