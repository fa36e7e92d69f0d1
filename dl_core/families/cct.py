"""A compact convolutional transformer (Hassani et al., 2021): convolutions make tokens, a small transformer relates
them, a learned average reads them."""

import keras

from dl_core.families.resnet import (
    LARGE,
    batch_size,
    convolution,
    most_epochs,
    normalisation,
    numbered_seeds,
    seen,
    views,
)
from dl_core.layers.image import PositionEmbedding, SelfAttention, SequencePooling, StochasticDepth
from dl_core.layers.tabular import CounterDropout
from dl_core.signature import ModelSignature
from dl_core.space import Space, choice, defaults, integer, real
from dl_core.training.recipe import Recipe

TOKENIZER_WIDTH = 32
HEAD_WIDTH = 32
DEPTH_DROP = 0.1  # of the last block; earlier ones less, in steps


class CCT:
    def space(self, signature: ModelSignature) -> Space:
        return (
            choice("width", (64, 96, 128), 96, "Numbers in each token."),
            integer("layers", 1, 3, 2, help="Transformer blocks."),
            choice("expansion", (1, 2), 1, "Width of a block's dense part, as a multiple of the tokens'."),
            views(signature),
            real("dropout", 0.0, 0.4, 0.0, help="Share of features silenced before the answer."),
            real("label_smoothing", 0.0, 0.2, 0.1, help="Share of the target spread over the other classes."),
            real("learning_rate", 5e-4, 1e-2, 3e-3, log=True, help="Step size of the optimiser."),
            real("weight_decay", 1e-2, 3e-1, 5e-2, log=True, help="Pull of the weights towards zero."),
        )

    def portfolio(self, signature: ModelSignature) -> list[dict]:
        base = defaults(self.space(signature))
        return [{**base, "width": 64}, base]

    def recipe(self, signature: ModelSignature, params: dict) -> Recipe:
        return Recipe(
            batch_size=batch_size(signature),
            epochs=most_epochs(signature),
            learning_rate=params["learning_rate"],
            weight_decay=params["weight_decay"],
            label_smoothing=params["label_smoothing"],
            schedule="cosine",
            clip_norm=1.0,
            patience=0.5,
        )

    def build(self, signature: ModelSignature, params: dict, seed: int) -> keras.Model:
        seeds = numbered_seeds(seed)
        width = params["width"]
        # inputs
        picture = keras.Input(signature.inputs["image"].shape, dtype="uint8", name="image")
        # graph
        x = seen(picture, params["views"], next(seeds))
        first_stride = 2 if x.shape[1] > LARGE else 1
        for number, (channels, stride) in enumerate(((TOKENIZER_WIDTH, first_stride), (width, 1)), start=1):
            x = convolution(channels, 3, stride, next(seeds), name=f"tokenizer_{number}_conv")(x)
            x = keras.layers.ReLU(name=f"tokenizer_{number}_relu")(normalisation(f"tokenizer_{number}_norm")(x))
            x = keras.layers.MaxPooling2D(3, 2, "same", name=f"tokenizer_{number}_pool")(x)
        rows, columns = x.shape[1:3]
        x = keras.layers.Reshape((rows * columns, width), name="tokens")(x)
        x = PositionEmbedding(next(seeds), name="positions")(x)
        for number in range(1, params["layers"] + 1):
            rate = DEPTH_DROP * number / params["layers"]
            x = _block(x, width, params["expansion"], rate, seeds, f"block_{number}")
        x = _layer_norm("last_norm")(x)
        x = keras.layers.Reshape((rows, columns, width), name="features")(x)
        x = keras.layers.Reshape((rows * columns, width), name="sequence")(x)
        x = SequencePooling(next(seeds), name="pool")(x)
        x = CounterDropout(params["dropout"], next(seeds), name="dropout")(x)
        logits = _dense(signature.output[0], next(seeds), "output")(x)
        # model
        return keras.Model({"image": picture}, logits, name="cct")


def _block(x, width: int, expansion: int, rate: float, seeds, name: str):
    """Attention, then a dense part, each normalised first, added to what came in and sometimes left out."""
    y = _layer_norm(f"{name}_norm_1")(x)
    y = SelfAttention(width // HEAD_WIDTH, next(seeds), name=f"{name}_attention")(y)
    y = StochasticDepth(rate, next(seeds), name=f"{name}_drop_1")(y)
    x = keras.layers.Add(name=f"{name}_add_1")([x, y])
    y = _layer_norm(f"{name}_norm_2")(x)
    y = _dense(expansion * width, next(seeds), f"{name}_dense_1")(y)
    y = keras.layers.Activation("gelu", name=f"{name}_gelu")(y)
    y = _dense(width, next(seeds), f"{name}_dense_2")(y)
    y = StochasticDepth(rate, next(seeds), name=f"{name}_drop_2")(y)
    return keras.layers.Add(name=f"{name}_add_2")([x, y])


def _layer_norm(name: str) -> keras.layers.Layer:
    return keras.layers.LayerNormalization(epsilon=1e-5, name=name)


def _dense(width: int, seed: int, name: str) -> keras.layers.Layer:
    return keras.layers.Dense(width, kernel_initializer=keras.initializers.GlorotUniform(seed), name=name)
