"""Grad-CAM (Selvaraju et al., 2017): which parts of a picture speak for the network's answer.

The last feature map of a picture network is the layer called "features" (batch, rows, columns, channels). Each channel
is weighed by how much it moves the answer, and what remains above zero is drawn over the picture.
"""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from dl_core.encoders.image import square_place
from dl_core.encoders.pixels import read_picture
from dl_core.explain import Context
from dl_core.report import Panel

LAYER = "features"
SHOWN = 256  # pixels of the longer side
DIMMED = 0.5  # brightness of what is cold
TINTED = 0.6  # share of the colour in what is hot
# dark red, orange, pale yellow: readable on light and dark pictures, without telling red from green
RAMP = np.array([[150, 20, 60], [240, 110, 30], [255, 245, 140]], np.float64)


def explain(context: Context) -> list[Panel]:
    frame = context.row()
    preprocessor = context.predictor.bundle.preprocessor
    (one,) = (one for one in preprocessor.encoded if one.column.kind == "image")
    name = frame[one.column.name].iloc[0]
    file = _file(context, name)
    pixels = one.encoder.transform(one.state, [file])["image"]
    state = context.prepared.state["task"]
    answer = context.task.decode(state, np.asarray(context.network({"image": pixels}, training=False)))[0]
    picture = _shown(read_picture(file, at_least=SHOWN))
    predicted = int(answer.argmax())
    truth = int(context.prepared.truth("test")[context.sample]) if context.frame is None else predicted
    classes = state["classes"]
    images = [{"source": _data_uri(picture), "caption": classes[truth] if context.frame is None else Path(name).name}]
    for number in dict.fromkeys((predicted, truth)):
        heat = heat_maps(context.network, pixels, np.array([number]))[0]
        drawn = overlay(picture, _over_picture(heat, one.state, picture.size))
        images.append({"source": _data_uri(drawn), "caption": f"{classes[number]}: {answer[number]:.0%}"})
    note = f"The model answers {answer[predicted]:.0%} “{classes[predicted]}”"
    note += "." if predicted == truth else f"; the label says “{classes[truth]}” ({answer[truth]:.0%})."
    return [
        Panel(
            kind="images",
            title=f"Where the model looks for “{classes[predicted]}”",
            note=f"{note} The brighter, the more that part speaks for the class named above it.",
            help="Grad-CAM: the parts of the last feature map that raise the score of a class, drawn over the picture.",
            data={"images": images, "columns": 3},
        )
    ]


def heat_maps(network, pictures: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """For each encoded picture (n, size, size, channels), what speaks for a class (n,) against the mean of the others:
    float32 (n, rows, columns) from 0 to 1, all zero where nothing does. `network` is a Keras model with a layer called
    "features" and logits as output."""
    import keras
    import tensorflow as tf

    tap = network.get_layer(LAYER).output
    body, head = keras.Model(network.inputs, tap), keras.Model(tap, network.output)
    features = tf.convert_to_tensor(body([pictures], training=False))
    count = network.output.shape[-1]
    contrast = (tf.one_hot(classes, count) * count - 1.0) / max(count - 1, 1)
    with tf.GradientTape() as tape:
        tape.watch(features)
        score = tf.reduce_sum(head(features, training=False) * contrast)
    weights = tf.reduce_mean(tape.gradient(score, features), axis=(1, 2), keepdims=True)
    heat = tf.nn.relu(tf.reduce_sum(features * weights, axis=-1)).numpy()
    return heat / np.maximum(heat.max(axis=(1, 2), keepdims=True), 1e-12)


def overlay(picture: Image.Image, heat: np.ndarray) -> Image.Image:
    """Heat (height, width) from 0 to 1 drawn over an RGB picture of that size: dimmed where cold, coloured where
    hot."""
    heat = np.clip(heat, 0.0, 1.0)
    steps = np.linspace(0.0, 1.0, len(RAMP))
    colour = np.stack([np.interp(heat, steps, RAMP[:, channel]) for channel in range(3)], axis=-1)
    light, share = (DIMMED + (1.0 - DIMMED) * heat)[..., None], (TINTED * heat)[..., None]
    mixed = np.asarray(picture, np.float64) * light * (1.0 - share) + colour * share
    return Image.fromarray(np.round(mixed).astype(np.uint8))


def _file(context: Context, name: str) -> Path:
    """The file of a picture of the test part, or of one that a person brought."""
    if context.frame is None:
        return context.run.tested.file(name)
    try:
        return context.dataset.file(name)
    except KeyError:
        return Path(name)


def _over_picture(heat: np.ndarray, state: dict, size: tuple[int, int]) -> np.ndarray:
    """Heat over the square that the network saw -> heat over the picture itself, shape (height, width)."""
    side = state["size"]
    square = Image.fromarray(heat.astype(np.float32)).resize((side, side), Image.Resampling.BICUBIC)
    top, left, height, width = square_place(state, *size)
    inside = square.crop((left, top, left + width, top + height))
    return np.asarray(inside.resize(size, Image.Resampling.BICUBIC))


def _shown(picture: Image.Image) -> Image.Image:
    """About SHOWN pixels on the longer side; small pictures keep their pixels visible."""
    longest = max(picture.size)
    if longest <= SHOWN // 2:
        return picture.resize([side * (SHOWN // longest) for side in picture.size], Image.Resampling.NEAREST)
    picture.thumbnail((SHOWN, SHOWN))
    return picture


def _data_uri(picture: Image.Image) -> str:
    content = io.BytesIO()
    picture.save(content, "PNG")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
