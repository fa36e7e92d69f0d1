"""Anywhere in the space (Keras Tuner's random search): the plain comparison for anything cleverer."""

import keras_tuner

from dl_core.seeds import derive
from dl_core.tuning.oracles import History, Proposal, words


def propose(history: History) -> Proposal | None:
    oracle = keras_tuner.oracles.RandomSearchOracle(
        objective=keras_tuner.Objective("score", history.direction),
        max_trials=10**6,
        hyperparameters=words.hyperparameters(history.space),
        allow_new_entries=False,
        seed=derive(history.seed, "oracle", len(history.tried)) % 2**31,
    )
    params = words.unlike(history, oracle, oracle._random_values())
    return None if params is None else Proposal(params=params)
