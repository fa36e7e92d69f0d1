"""TiDE: a dense encoder and decoder with calendar covariates (Das et al., 2023), answering in quantiles."""

import keras

from dl_core.families.forecasting import Window, windows_recipe
from dl_core.layers.tabular import CounterDropout
from dl_core.signature import ModelSignature
from dl_core.space import Space, choice, defaults, integer, real
from dl_core.training.recipe import Recipe

TEMPORAL_WIDTH = 32


class TiDE:
    """The calendar is a function of the moment alone, so the encoder sees that of the first step to forecast, and the
    temporal decoder that of each step."""

    def space(self, signature: ModelSignature) -> Space:
        return (
            choice("width", (64, 128, 256, 512), 128, "Units of each hidden layer."),
            integer("layers", 1, 3, 2, help="Blocks of the encoder, and of the decoder."),
            choice("step_width", (4, 8, 16), 8, "Numbers that the decoder hands to each step of the horizon."),
            real("dropout", 0.0, 0.5, 0.1, help="Share of units silenced at each training step."),
            real("learning_rate", 5e-4, 1e-2, 3e-3, log=True, help="Step size of the optimiser."),
            real("weight_decay", 1e-5, 1e-1, 1e-3, log=True, help="Pull of the weights towards zero."),
        )

    def portfolio(self, signature: ModelSignature) -> list[dict]:
        base = defaults(self.space(signature))
        return [base, {**base, "width": 256}]

    def recipe(self, signature: ModelSignature, params: dict) -> Recipe:
        return windows_recipe(signature, params, steps=6_000)

    def build(self, signature: ModelSignature, params: dict, seed: int) -> keras.Model:
        horizon, levels = signature.output
        width = params["width"]
        # inputs
        window = Window.of(signature)
        # graph
        x = window.known()
        sizes = [(f"encoder_{n + 1}", width) for n in range(params["layers"])]
        sizes += [(f"decoder_{n + 1}", width) for n in range(params["layers"] - 1)]
        sizes += [(f"decoder_{params['layers']}", horizon * params["step_width"])]
        for number, (name, size) in enumerate(sizes):
            x = _residual(x, width, size, params["dropout"], seed + 10 * number, name)
        x = keras.layers.Reshape((horizon, params["step_width"]), name="steps")(x)
        if window.ahead is not None:
            x = keras.layers.Concatenate(name="calendar_steps")([x, window.ahead])
        x = _residual(x, TEMPORAL_WIDTH, levels, params["dropout"], seed + 90, "temporal", normalise=False)
        skip = keras.layers.Dense(horizon, kernel_initializer="zeros", name="skip")(window.values)
        skip = keras.layers.Reshape((horizon, 1), name="skip_column")(skip)
        # model
        return window.model(keras.layers.Add(name="sum")([x, skip]), name="tide")


def _residual(x, hidden: int, size: int, dropout: float, seed: int, name: str, normalise: bool = True):
    """A dense block with a linear shortcut: (…, any) -> (…, size)."""
    initializers = [keras.initializers.GlorotUniform(seed + number) for number in range(3)]
    dense = keras.layers.Dense
    y = dense(hidden, activation="relu", kernel_initializer=initializers[0], name=f"{name}_hidden")(x)
    y = dense(size, kernel_initializer=initializers[1], name=f"{name}_out")(y)
    y = CounterDropout(dropout, seed, name=f"{name}_dropout")(y)
    shortcut = dense(size, kernel_initializer=initializers[2], name=f"{name}_shortcut")(x)
    y = keras.layers.Add(name=f"{name}_sum")([y, shortcut])
    return keras.layers.LayerNormalization(name=f"{name}_norm")(y) if normalise else y
