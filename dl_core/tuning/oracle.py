"""What to try next: a Keras Tuner oracle as a pure function of the trials so far.

The oracle is rebuilt from the trial records for every proposal. It costs a millisecond and leaves nothing that a kill
could damage: no oracle.json, no lock, no half-written trial.
"""

from collections.abc import Sequence
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial

from dl_core.seeds import derive
from dl_core.space import Space

RANDOM_FIRST = 3  # proposals drawn at random before the Gaussian process takes over
CURIOSITY = 1.0  # standard deviations of optimism; Keras Tuner's 2.6 spends short searches in the corners
COLLISIONS = 20  # random draws without anything new before a space counts as exhausted
MOST_TRIED = 60  # the Gaussian process is cubic in the trials it has seen


def hyperparameters(space: Space) -> keras_tuner.HyperParameters:
    """A family's space in Keras Tuner's words."""
    hp = keras_tuner.HyperParameters()
    for param in space:
        sampling = "log" if param.log else "linear"
        if param.kind == "choice":
            hp.Choice(param.name, list(param.choices), default=param.default)
        elif param.kind == "int":
            hp.Int(param.name, int(param.low), int(param.high), default=param.default, sampling=sampling)
        else:
            hp.Float(param.name, param.low, param.high, default=param.default, sampling=sampling)
    return hp


def propose(space: Space, tried: Sequence[dict[str, Any]], direction: str, seed: int) -> dict[str, Any] | None:
    """The next parameter set, or None where the space is exhausted.

    `tried` are trial records with "trial", "params", "status" and "score"; `direction` is "max" or "min", given
    outright because Keras Tuner guesses it wrongly for several metrics.
    """
    finished = [record for record in tried if record["score"] is not None]
    oracle = keras_tuner.oracles.BayesianOptimizationOracle(
        objective=keras_tuner.Objective("score", direction),
        max_trials=10**6,
        num_initial_points=sum(record["source"] == "portfolio" for record in finished) + RANDOM_FIRST,
        hyperparameters=hyperparameters(space),
        allow_new_entries=False,
        beta=CURIOSITY,
        seed=derive(seed, "oracle", len(tried)) % 2**31,
    )
    for record in finished[-MOST_TRIED:]:
        values = hyperparameters(space)
        values.values = {param.name: record["params"].get(param.name, param.default) for param in space}
        trial = Trial(values, trial_id=record["trial"], status="COMPLETED")
        trial.score = record["score"]
        oracle.trials[record["trial"]] = trial
    already = [record["params"] for record in tried]
    params = oracle.populate_space("next")["values"]
    for _ in range(COLLISIONS):
        if params not in already:
            return params
        params = oracle._random_values()
    return None
