"""Bundles come back from people, so nothing in them is believed: which members a ZIP may hold and how large they may
get, and which classes a model file may name."""

import json
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from dl_core.bundle.folder import MODEL, RECORD, Bundle
from dl_core.errors import BundleError

LARGEST_RECORD = 64 << 20
LARGEST_MODEL = 2 << 30
LARGEST_NUMBER = 100_000_000
"""Beyond this, a number in a model's configuration asks for more memory than any model of ours."""
NOT_SIZES = ("seed", "shared_object_id")

PLAIN_MODULES = ("keras.initializers", "keras.regularizers", "keras.constraints")
OPERATIONS = ("keras.src.ops.core", "keras.src.ops.math", "keras.src.ops.nn", "keras.src.ops.numpy")
LAYERS = frozenset(
    (
        "InputLayer", "Dense", "EinsumDense", "Embedding", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU",
        "Softmax", "Identity", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise",
        "GaussianDropout", "Conv1D", "Conv2D", "Conv1DTranspose", "Conv2DTranspose", "DepthwiseConv1D",
        "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D", "BatchNormalization", "LayerNormalization",
        "GroupNormalization", "RMSNormalization", "UnitNormalization", "AveragePooling1D", "AveragePooling2D",
        "MaxPooling1D", "MaxPooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D",
        "GlobalMaxPooling1D", "GlobalMaxPooling2D", "Add", "Subtract", "Multiply", "Average", "Maximum",
        "Minimum", "Concatenate", "Dot", "Flatten", "Reshape", "Permute", "RepeatVector", "Cropping1D",
        "Cropping2D", "UpSampling1D", "UpSampling2D", "ZeroPadding1D", "ZeroPadding2D", "Rescaling", "Resizing",
        "LSTM", "LSTMCell", "GRU", "GRUCell", "SimpleRNN", "SimpleRNNCell", "RNN", "StackedRNNCells",
        "Bidirectional", "TimeDistributed", "Attention", "AdditiveAttention", "MultiHeadAttention",
        "GroupedQueryAttention",
    )
)  # fmt: skip
"""Layers of Keras that compute and do nothing else: no code of their own, no files, no look-up tables from disk."""

DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
"""What zipfile raises for what is cut off, changed, packed in an unknown way or protected by a password."""

VALUES = frozenset(
    {"__keras_tensor__", "__tensor__", "__numpy__", "__slice__", "__tuple__", "__ellipsis__", "__bytes__"}
)


@contextmanager
def unpacked(path: Path) -> Iterator[Bundle]:
    """The bundle inside a downloaded ZIP, in a folder that lasts as long as the context. Only its own two files are
    taken out, under fixed names; the rest of the kit is left alone. Raises BundleError."""
    with tempfile.TemporaryDirectory(prefix="deepboard-") as folder:
        try:
            with zipfile.ZipFile(path) as archive:
                for name, largest in ((RECORD, LARGEST_RECORD), (MODEL, LARGEST_MODEL)):
                    _take(archive, name, Path(folder) / name, largest)
        except DAMAGE as error:
            raise BundleError(
                f"{path.name} is not a ZIP file, or it is damaged ({error}). Expected the ZIP that Deepboard wrote, or "
                "the bundle's folder."
            ) from error
        yield Bundle.open(Path(folder))


def _take(archive: zipfile.ZipFile, name: str, target: Path, largest: int) -> None:
    members = [member for member in archive.infolist() if member.filename == name]
    if len(members) != 1:
        raise BundleError(
            f"The ZIP holds {len(members)} files called {name}; expected one. Use the ZIP as Deepboard wrote it."
        )
    written = 0
    with archive.open(members[0]) as source, open(target, "wb") as sink:
        while block := source.read(1 << 20):
            written += len(block)
            if written > largest:
                raise BundleError(f"{name} is larger than {largest >> 20:,} MiB, which no bundle of Deepboard is.")
            sink.write(block)


def check_model(path: Path) -> None:
    """Look at a .keras file before it is loaded. Raises BundleError where it names a class that is neither ours nor a
    plain layer of Keras, or where it would grow beyond reason."""
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {member.filename: member.file_size for member in archive.infolist()}
            if set(sizes) != {"metadata.json", "config.json", "model.weights.h5"} or len(archive.infolist()) != 3:
                raise BundleError(
                    f"{path.name} holds files that no model of Deepboard has: {', '.join(sorted(sizes))}."
                )
            if sizes["config.json"] > LARGEST_RECORD or sizes["model.weights.h5"] > LARGEST_MODEL:
                raise BundleError(f"{path.name} unpacks to more than a model of Deepboard can need.")
            config = json.loads(archive.read("config.json"))
    except (*DAMAGE, ValueError, RecursionError) as error:
        raise BundleError(f"{path.name} is damaged ({error}). Export the model again.") from error
    ours = _own_layers()
    for item in _objects(config):
        if not _allowed(item, ours):
            raise BundleError(
                f"{path.name} holds a {item['class_name']!r}, which is no layer that Deepboard writes. "
                "Such a file can run foreign code and is not loaded."
            )


def _allowed(item: dict[str, Any], ours: set[str]) -> bool:
    name, module = item["class_name"], item.get("module")
    registered = item.get("registered_name") or ""
    if not isinstance(name, str) or not isinstance(registered, str):
        return False
    if registered.startswith("deepboard>"):
        return registered in ours and registered == f"deepboard>{name}"
    if module is None:
        return name in VALUES
    if registered not in ("", name):
        return False
    if module == "keras.layers":
        return name in LAYERS
    if (module, name) in (("keras", "DTypePolicy"), ("keras.src.models.functional", "Functional")):
        return True
    return name.isidentifier() and module in PLAIN_MODULES + OPERATIONS


def _own_layers() -> set[str]:
    """The registered names of everything in dl_core/layers."""
    import keras

    from dl_core import layers

    for module in iter_modules(layers.__path__):
        import_module(f"dl_core.layers.{module.name}")
    return {name for name in keras.saving.get_custom_objects() if name.startswith("deepboard>")}


def _objects(config: Any) -> Iterator[dict[str, Any]]:
    """Every dict with a class name, however deep; numbers beyond reason are refused on the way."""
    stack = [config]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if "class_name" in item:
                yield item
            stack.extend(value for key, value in item.items() if key not in NOT_SIZES)
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, int) and abs(item) > LARGEST_NUMBER:
            raise BundleError(f"The model's configuration asks for {item:,} of something. Export the model again.")
