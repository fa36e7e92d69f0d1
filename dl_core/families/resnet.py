"""A small residual network with the activation first (He et al., 2016), and what every picture family needs."""

from collections.abc import Iterator

import keras

from dl_core.layers.image import RandomView
from dl_core.layers.tabular import CounterDropout
from dl_core.seeds import derive
from dl_core.signature import ModelSignature
from dl_core.space import Space, choice, defaults, integer, real
from dl_core.training.recipe import Recipe

# How differently a picture is seen each time, see RandomView.
VIEWS = {
    "none": {},
    "shift": {"mirror": 0.0, "shift": 0.125},
    "mirror": {"mirror": 0.5, "shift": 0.125},
    "strong": {"mirror": 0.5, "shift": 0.125, "zoom": 0.15, "cover": 0.3},
}
LARGE = 48  # pixels; larger pictures are halved by the first convolution
BATCH_MOMENTUM = 0.9  # short trainings: the averages must follow


class ResNet:
    def space(self, signature: ModelSignature) -> Space:
        return (
            choice("width", (16, 24, 32), 16, "Channels of the first stage; each later stage doubles them."),
            integer("blocks", 1, 2, 1, help="Residual blocks of each stage."),
            views(signature),
            real("dropout", 0.0, 0.4, 0.0, help="Share of features silenced before the answer."),
            real("label_smoothing", 0.0, 0.2, 0.1, help="Share of the target spread over the other classes."),
            real("learning_rate", 2e-3, 4e-2, 1e-2, log=True, help="Step size of the optimiser."),
            real("weight_decay", 1e-2, 3e-1, 5e-2, log=True, help="Pull of the weights towards zero."),
        )

    def portfolio(self, signature: ModelSignature) -> list[dict]:
        base = defaults(self.space(signature))
        return [base, {**base, "width": 24}]

    def recipe(self, signature: ModelSignature, params: dict) -> Recipe:
        return Recipe(
            batch_size=batch_size(signature),
            epochs=most_epochs(signature),
            learning_rate=params["learning_rate"],
            weight_decay=params["weight_decay"],
            label_smoothing=params["label_smoothing"],
            schedule="cosine",
            patience=0.5,
        )

    def build(self, signature: ModelSignature, params: dict, seed: int) -> keras.Model:
        seeds = numbered_seeds(seed)
        # inputs
        picture = keras.Input(signature.inputs["image"].shape, dtype="uint8", name="image")
        # graph
        x = seen(picture, params["views"], next(seeds))
        large = x.shape[1] > LARGE
        x = convolution(params["width"], 3, 2 if large else 1, next(seeds), name="stem")(x)
        for stage in range(4 if large else 3):
            for number in range(params["blocks"]):
                name = f"stage_{stage + 1}_block_{number + 1}"
                x = _block(x, params["width"] * 2**stage, 2 if stage and not number else 1, seeds, name)
        x = keras.layers.ReLU(name="features")(normalisation("last_norm")(x))
        x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
        x = CounterDropout(params["dropout"], next(seeds), name="dropout")(x)
        initializer = keras.initializers.GlorotUniform(next(seeds))
        logits = keras.layers.Dense(signature.output[0], kernel_initializer=initializer, name="output")(x)
        # model
        return keras.Model({"image": picture}, logits, name="resnet")


def _block(x, width: int, stride: int, seeds: Iterator[int], name: str):
    """Normalise, activate, convolve, twice; added to the shortcut, which is convolved where shapes differ."""
    active = keras.layers.ReLU(name=f"{name}_relu_1")(normalisation(f"{name}_norm_1")(x))
    shortcut = x
    if stride != 1 or x.shape[-1] != width:
        shortcut = convolution(width, 1, stride, next(seeds), name=f"{name}_shortcut")(active)
    y = convolution(width, 3, stride, next(seeds), name=f"{name}_conv_1")(active)
    y = keras.layers.ReLU(name=f"{name}_relu_2")(normalisation(f"{name}_norm_2")(y))
    y = convolution(width, 3, 1, next(seeds), name=f"{name}_conv_2")(y)
    return keras.layers.Add(name=f"{name}_add")([shortcut, y])


# what every picture family needs


def views(signature: ModelSignature):
    """The open parameter of random views. Pictures without colours are often signs, and a mirrored sign is another
    one: they are only moved by default."""
    grey = signature.inputs["image"].shape[-1] == 1
    help = "How differently a picture is seen each time: moved, mirrored too, or scaled and partly covered too."
    return choice("views", tuple(VIEWS), "shift" if grey else "mirror", help)


def seen(picture, kind: str, seed: int):
    """uint8 pixels to float pixels around zero, through random views in training."""
    x = keras.layers.Rescaling(1.0 / 64.0, -2.0, name="rescale")(picture)
    return RandomView(**VIEWS[kind], seed=seed, name="views")(x) if VIEWS[kind] else x


def convolution(width: int, kernel: int, stride: int, seed: int, name: str) -> keras.layers.Layer:
    """Without a bias, since a normalisation follows."""
    initializer = keras.initializers.HeNormal(seed)
    return keras.layers.Conv2D(width, kernel, stride, "same", use_bias=False, kernel_initializer=initializer, name=name)


def normalisation(name: str) -> keras.layers.Layer:
    return keras.layers.BatchNormalization(momentum=BATCH_MOMENTUM, epsilon=1e-5, name=name)


def batch_size(signature: ModelSignature) -> int:
    """Small batches learn more per picture; large ones hardly train faster on a processor."""
    pictures = signature.options["train_size"]
    return 16 if pictures <= 300 else 32 if pictures <= 1500 else 64


def most_epochs(signature: ModelSignature) -> int:
    """Fewer for more pictures, so that a patient budget ends; a short one ends sooner anyway."""
    return int(min(120, max(30, 600_000 // signature.options["train_size"])))


def numbered_seeds(seed: int) -> Iterator[int]:
    """A seed for each thing that is drawn at random, in the order of asking."""
    number = 0
    while True:
        yield derive(seed, number)
        number += 1
