"""A family's space and its trials in Keras Tuner's words."""

from typing import Any

import keras_tuner
from keras_tuner.engine.oracle import Oracle
from keras_tuner.engine.trial import Trial

from dl_core.space import Space
from dl_core.tuning.oracles import History

COLLISIONS = 20  # random draws without anything new before a space counts as exhausted


def hyperparameters(space: Space) -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    for param in space:
        sampling = "log" if param.log else "linear"
        if param.kind == "choice":
            hp.Choice(param.name, list(param.choices), default=param.default)
        elif param.kind == "int":
            hp.Int(param.name, param.low, param.high, default=param.default, sampling=sampling)
        else:
            hp.Float(param.name, param.low, param.high, default=param.default, sampling=sampling)
    return hp


def trial(space: Space, record: dict[str, Any], score: float | None) -> Trial:
    """A record as a trial that is completed with `score`, or still running where that is None."""
    values = hyperparameters(space)
    values.values = {param.name: record["params"].get(param.name, param.default) for param in space}
    told = Trial(values, trial_id=record["trial"], status="RUNNING" if score is None else "COMPLETED")
    told.score = score
    return told


def unlike(history: History, oracle: Oracle, params: dict[str, Any]) -> dict[str, Any] | None:
    """`params`, or random ones where they were tried before; None where nothing new is found."""
    already = [record["params"] for record in history.tried]
    for _ in range(COLLISIONS):
        if params not in already:
            return params
        params = oracle._random_values()
    return None
