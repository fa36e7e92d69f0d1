"""LSTM: a recurrent network that reads the history patch by patch and answers the whole horizon at once."""

import keras

from dl_core.families.forecasting import Window, windows_recipe
from dl_core.layers.series import Patches
from dl_core.layers.tabular import CounterDropout
from dl_core.signature import ModelSignature
from dl_core.space import Space, choice, defaults, integer, real
from dl_core.training.recipe import Recipe

LONGEST_PATCH = 48
LEAST_PATCHES = 4


def patch_length(lookback: int, season: int) -> int:
    """A season, so that the network reads day by day or year by year; about a tenth of the lookback where there is no
    season, or where one is too long."""
    if 1 < season <= min(LONGEST_PATCH, lookback // LEAST_PATCHES):
        return season
    return max(1, min(LONGEST_PATCH, lookback // 10))


class LSTM:
    def space(self, signature: ModelSignature) -> Space:
        return (
            choice("units", (32, 64, 128), 64, "Memory cells of each recurrent layer."),
            integer("layers", 1, 2, 1, help="Recurrent layers."),
            real("dropout", 0.0, 0.4, 0.1, help="Share of units silenced at each training step."),
            real("learning_rate", 1e-3, 2e-2, 6e-3, log=True, help="Step size of the optimiser."),
            real("weight_decay", 1e-5, 1e-1, 1e-3, log=True, help="Pull of the weights towards zero."),
        )

    def portfolio(self, signature: ModelSignature) -> list[dict]:
        base = defaults(self.space(signature))
        return [base, {**base, "units": 128}]

    def recipe(self, signature: ModelSignature, params: dict) -> Recipe:
        return windows_recipe(signature, params, steps=3_000)

    def build(self, signature: ModelSignature, params: dict, seed: int) -> keras.Model:
        horizon, levels = signature.output
        lookback, season = signature.options["lookback"], signature.options["season"]
        # inputs
        window = Window.of(signature)
        # graph
        patches = Patches(patch_length(lookback, season), name="patches")
        features = [patches(tensor) for tensor in (window.values, window.mask) if tensor is not None]
        x = keras.layers.Concatenate(name="known")(features) if len(features) > 1 else features[0]
        for layer in range(params["layers"]):
            x = keras.layers.LSTM(
                params["units"],
                return_sequences=layer < params["layers"] - 1,
                kernel_initializer=keras.initializers.GlorotUniform(seed + layer),
                recurrent_initializer=keras.initializers.Orthogonal(seed=seed + layer),
                name=f"lstm_{layer + 1}",
            )(x)
            x = CounterDropout(params["dropout"], seed + layer, name=f"dropout_{layer + 1}")(x)
        if window.moment is not None:
            x = keras.layers.Concatenate(name="moment")([x, window.moment])
        steps = keras.layers.Dense(horizon * levels, kernel_initializer="zeros", name="ahead")(x)
        steps = keras.layers.Reshape((horizon, levels), name="steps")(steps)
        # model
        return window.model(steps, name="lstm")
