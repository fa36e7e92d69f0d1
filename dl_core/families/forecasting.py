"""What the forecasting families share: their recipe and the way in and out of scaled windows."""

import math
from dataclasses import dataclass
from typing import Any

import keras

from dl_core.layers.series import SeasonalRepeat, WindowScale, WindowUnscale
from dl_core.signature import ModelSignature
from dl_core.training.recipe import Recipe
from dl_core.training.window_feed import LARGEST_EPOCH


def windows_recipe(signature: ModelSignature, params: dict, steps: int) -> Recipe:
    """About `steps` updates however few windows there are: batches of 128, smaller where the windows would not fill
    eight of them."""
    windows = min(signature.options["train_size"], LARGEST_EPOCH)
    batch_size = max(8, min(128, windows // 8))
    return Recipe(
        batch_size=batch_size,
        epochs=math.ceil(steps / max(1, windows // batch_size)),
        learning_rate=params["learning_rate"],
        weight_decay=params["weight_decay"],
        schedule="cosine",
        clip_norm=1.0,
        patience=0.4,
    )


@dataclass(frozen=True)
class Window:
    """The tensors that a forecasting network starts from: the scaled `values` (batch, lookback) without gaps, the `mask`
    of the known ones where the series have gaps, the `calendar` (batch, lookback + horizon, numbers) where there is one,
    and the last season repeated, `repeat` (batch, horizon), which the network corrects."""

    inputs: dict[str, Any]
    values: Any
    mask: Any | None
    calendar: Any | None
    repeat: Any
    scale: tuple[Any, Any]

    @classmethod
    def of(cls, signature: ModelSignature) -> "Window":
        options = signature.options
        inputs = {name: keras.Input(spec.shape, dtype=spec.dtype, name=name) for name, spec in signature.inputs.items()}
        scale = WindowScale(options["lookback"], options["season"], name="scale")
        values, mask, mean, deviation = scale(inputs["history"])
        repeat = SeasonalRepeat(options["season"], options["horizon"], name="last_season")(values)
        return cls(
            inputs, values, mask if options["gaps"] else None, inputs.get("calendar"), repeat, (mean, deviation)
        )

    def model(self, correction: Any, name: str) -> keras.Model:
        """The network whose scaled quantiles are the repeated season plus `correction` (batch, horizon, 9)."""
        horizon, levels = correction.shape[1:]
        repeat = keras.layers.Reshape((horizon, 1), name="season_column")(self.repeat)
        answer = keras.layers.Add(name="corrected")([correction, repeat])
        output = WindowUnscale(name="quantiles")([answer, *self.scale])
        return keras.Model(self.inputs, output, name=name)
