"""TiDE: a dense encoder and decoder with calendar covariates (Das et al., 2023), answering in quantiles."""

import keras

from dl_core.families.forecasting import Window, windows_recipe
from dl_core.layers.tabular import CounterDropout
from dl_core.signature import ModelSignature
from dl_core.space import Space, choice, defaults, integer, real
from dl_core.training.recipe import Recipe

TEMPORAL_WIDTH = 32
NEAR_ZERO = 1e-2  # so that training starts from the last season repeated


class TiDE:
    """The calendar is a function of the moment alone, so the encoder sees that of the first step to forecast, and the
    temporal decoder that of each step."""

    def space(self, signature: ModelSignature) -> Space:
        return (
            choice("width", (64, 128, 256, 512), 128, "Units of each hidden layer."),
            integer("layers", 1, 3, 2, help="Blocks of the encoder, and of the decoder."),
            choice("step_width", (4, 8, 16), 8, "Numbers that the decoder hands to each step of the horizon."),
            choice("normalise", (False, True), False, "Whether blocks normalise what they hand on."),
            real("dropout", 0.0, 0.4, 0.1, help="Share of units silenced at each training step."),
            real("learning_rate", 1e-3, 1e-2, 3e-3, log=True, help="Step size of the optimiser."),
            real("weight_decay", 1e-5, 1e-1, 1e-3, log=True, help="Pull of the weights towards zero."),
        )

    def portfolio(self, signature: ModelSignature) -> list[dict]:
        base = defaults(self.space(signature))
        return [base, {**base, "width": 256}]

    def recipe(self, signature: ModelSignature, params: dict) -> Recipe:
        return windows_recipe(signature, params, steps=4_000)

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
            x = _residual(x, width, size, seed + 10 * number, name, dropout=params["dropout"])
            if params["normalise"]:
                x = keras.layers.LayerNormalization(name=f"{name}_norm")(x)
        x = keras.layers.Reshape((horizon, params["step_width"]), name="steps")(x)
        if window.ahead is not None:
            x = keras.layers.Concatenate(name="calendar_steps")([x, window.ahead])
        x = _residual(x, TEMPORAL_WIDTH, levels, seed + 90, "temporal", scale=NEAR_ZERO)
        skip = keras.layers.Dense(horizon, kernel_initializer="zeros", name="skip")(window.values)
        skip = keras.layers.Reshape((horizon, 1), name="skip_column")(skip)
        # model
        return window.model(keras.layers.Add(name="sum")([x, skip]), name="tide")


def _residual(x, hidden: int, size: int, seed: int, name: str, scale: float = 1.0, dropout: float | None = None):
    """A dense block with a linear shortcut: (…, any) -> (…, size). `scale` shrinks its answers at the start."""

    def dense(units: int, number: int, scale: float, part: str, activation: str | None = None):
        initializer = keras.initializers.VarianceScaling(scale**2, "fan_avg", "uniform", seed=seed + number)
        return keras.layers.Dense(units, activation, kernel_initializer=initializer, name=f"{name}_{part}")

    y = dense(size, 1, scale, "out")(dense(hidden, 0, 1.0, "hidden", "relu")(x))
    if dropout is not None:
        y = CounterDropout(dropout, seed, name=f"{name}_dropout")(y)
    return keras.layers.Add(name=f"{name}_sum")([y, dense(size, 2, scale, "shortcut")(x)])
