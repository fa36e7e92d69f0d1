"""What the forecasting families share: their recipe and the way in and out of scaled windows."""

import math
from dataclasses import dataclass
from typing import Any

import keras

from dl_core.layers.series import CalendarAhead, SeasonalRepeat, WindowScale, WindowUnscale
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
        jit=True,
    )


@dataclass(frozen=True, kw_only=True)
class Window:
    """The tensors that a forecasting network starts from.

    `values` (batch, lookback) are scaled and without gaps; `mask` (batch, lookback) tells the known ones where the
    series have gaps, else it is None. `moment` (batch, k) and `ahead` (batch, horizon, k) are the calendar numbers of
    the first and of every step to forecast, None without a calendar. `repeat` (batch, horizon) is the last season over
    and over, which the network corrects.
    """

    inputs: dict[str, Any]
    values: Any
    mask: Any | None
    moment: Any | None
    ahead: Any | None
    repeat: Any
    scale: tuple[Any, Any]

    @classmethod
    def of(cls, signature: ModelSignature) -> "Window":
        season, horizon = signature.options["season"], signature.options["horizon"]
        inputs = {name: keras.Input(spec.shape, dtype=spec.dtype, name=name) for name, spec in signature.inputs.items()}
        scaled = WindowScale(signature.options["lookback"], season, name="scale")(inputs["history"])
        values, mask, mean, deviation = scaled
        moment = ahead = None
        if "calendar" in inputs:
            moment, ahead = CalendarAhead(horizon, name="calendar_ahead")(inputs["calendar"])
        return cls(
            inputs=inputs,
            values=values,
            mask=mask if signature.options.get("gaps") else None,
            moment=moment,
            ahead=ahead,
            repeat=SeasonalRepeat(season, horizon, name="last_season")(values),
            scale=(mean, deviation),
        )

    def known(self) -> Any:
        """Everything of the window side by side: (batch, features)."""
        parts = [tensor for tensor in (self.values, self.mask, self.moment) if tensor is not None]
        return keras.layers.Concatenate(name="known")(parts) if len(parts) > 1 else parts[0]

    def model(self, correction: Any, name: str) -> keras.Model:
        """The network whose scaled quantiles are the repeated season plus `correction` (batch, horizon, 9)."""
        horizon, levels = correction.shape[1:]
        repeat = keras.layers.Reshape((horizon, 1), name="season_column")(self.repeat)
        answer = keras.layers.Add(name="corrected")([correction, repeat])
        output = WindowUnscale(name="quantiles")([answer, *self.scale])
        return keras.Model(self.inputs, output, name=name)
