"""DLinear: trend and remainder, each carried forward by one linear layer (Zeng et al., 2023), for each quantile."""

import keras

from dl_core.families.forecasting import Window, windows_recipe
from dl_core.layers.series import TrendSplit
from dl_core.signature import ModelSignature
from dl_core.space import Space, choice, defaults, real
from dl_core.training.recipe import Recipe

NEAR_ZERO = 1e-3  # so that training starts from the last season repeated


class DLinear:
    def space(self, signature: ModelSignature) -> Space:
        return (
            choice("kernel", (5, 13, 25, 49), 25, "Steps of the moving average that is taken for the trend."),
            real("learning_rate", 1e-3, 1e-2, 3e-3, log=True, help="Step size of the optimiser."),
            real("weight_decay", 1e-5, 1e-1, 1e-3, log=True, help="Pull of the weights towards zero."),
        )

    def portfolio(self, signature: ModelSignature) -> list[dict]:
        return [defaults(self.space(signature))]

    def recipe(self, signature: ModelSignature, params: dict) -> Recipe:
        return windows_recipe(signature, params, steps=2_000)

    def build(self, signature: ModelSignature, params: dict, seed: int) -> keras.Model:
        horizon, levels = signature.output
        # inputs
        window = Window.of(signature)
        # graph
        trend, rest = TrendSplit(params["kernel"], name="split")(window.values)
        parts = [
            keras.layers.Dense(
                horizon * levels,
                kernel_initializer=keras.initializers.RandomNormal(stddev=NEAR_ZERO, seed=seed + number),
                name=f"{name}_ahead",
            )(part)
            for number, (name, part) in enumerate((("trend", trend), ("rest", rest)))
        ]
        steps = keras.layers.Reshape((horizon, levels), name="steps")(keras.layers.Add(name="sum")(parts))
        # model
        return window.model(steps, name="dlinear")
