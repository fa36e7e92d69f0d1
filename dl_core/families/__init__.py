"""The catalogue of architecture families: light, so that pages can list what they never import.

A family is one file with a class that answers four questions, and one line here:

    space(signature) -> Space                      what may be searched
    portfolio(signature) -> list[dict]             parameter sets known to work, cheapest first
    recipe(signature, params) -> Recipe            how to train it
    build(signature, params, seed) -> keras.Model  inputs named as signature.inputs, one raw output
"""

from dataclasses import dataclass

from dl_core.registry import Registry
from dl_core.signature import IMAGE, TABLE, WINDOW


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a person reads about a family. `inputs` names the tensors it can eat; it fits where each of a dataset's
    tensors is among them. `tasks` are task kinds. `share` is how much of the search time a trial of it deserves beside
    trials of the other families."""

    path: str
    title: str
    why: str
    inputs: frozenset[str]
    tasks: frozenset[str]
    share: float = 1.0


FAMILIES: dict[str, Card] = {
    "mlp": Card(
        path="dl_core.families.mlp:MLP",
        title="MLP",
        why="Plain dense layers: trained in seconds, and hard to beat on small, smooth problems.",
        inputs=TABLE,
        tasks=frozenset({"classification", "regression"}),
    ),
    "realmlp": Card(
        path="dl_core.families.realmlp:RealMLP",
        title="RealMLP",
        why="A dense network with periodic number embeddings and tuned defaults (Holzmüller et al., 2024): the "
        "strongest single network on tables of this size.",
        inputs=TABLE,
        tasks=frozenset({"classification", "regression"}),
        share=3.0,
    ),
    "resnet": Card(
        path="dl_core.families.resnet:ResNet",
        title="Small ResNet",
        why="Convolutions with shortcuts (He et al., 2016), sized for a processor: the most accurate per minute.",
        inputs=IMAGE,
        tasks=frozenset({"classification"}),
        share=3.0,
    ),
    "cct": Card(
        path="dl_core.families.cct:CCT",
        title="Compact transformer",
        why="A convolutional tokenizer before a small transformer (Hassani et al., 2021): the Vision Transformer that "
        "works without millions of pictures.",
        inputs=IMAGE,
        tasks=frozenset({"classification"}),
    ),
    "dlinear": Card(
        path="dl_core.families.dlinear:DLinear",
        title="DLinear",
        why="Trend and remainder, each carried forward by one linear layer (Zeng et al., 2023): fast and hard to fool.",
        inputs=WINDOW,
        tasks=frozenset({"forecasting"}),
    ),
    "lstm": Card(
        path="dl_core.families.lstm:LSTM",
        title="LSTM",
        why="A recurrent network (Hochreiter and Schmidhuber, 1997) that reads the history season by season.",
        inputs=WINDOW,
        tasks=frozenset({"forecasting"}),
    ),
    "tide": Card(
        path="dl_core.families.tide:TiDE",
        title="TiDE",
        why="A dense encoder and decoder with calendar covariates (Das et al., 2023): strongest here on many series.",
        inputs=WINDOW,
        tasks=frozenset({"forecasting"}),
        share=3.0,
    ),
}

_REGISTRY = Registry("family", {name: card.path for name, card in FAMILIES.items()})


def load(name: str):
    """A family, ready to ask. Imports Keras."""
    return _REGISTRY.load(name)()


def fitting(task: str, inputs: set[str] | None = None) -> list[str]:
    """Names of the families for this task kind that can eat all of `inputs` (all tensors, where not given)."""
    return [
        name for name, card in FAMILIES.items() if task in card.tasks and (inputs is None or set(inputs) <= card.inputs)
    ]
