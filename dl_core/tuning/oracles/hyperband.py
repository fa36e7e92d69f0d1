"""Many parameter sets for a few epochs, the best of them for more (Keras Tuner's Hyperband: Li et al., 2018).

A promoted parameter set is trained anew: a schedule that anneals to its end cannot be made longer afterwards.
"""

from typing import Any

import keras_tuner

from dl_core.seeds import derive
from dl_core.tuning.oracles import History, Proposal, words

SMALLEST_EPOCHS = 2


class Hyperband(keras_tuner.oracles.HyperbandOracle):
    """Keras Tuner's oracle, standing where the records of its trials say that it stood."""

    _begun = 0

    def _start_new_bracket(self) -> None:
        super()._start_new_bracket()
        self._brackets[-1]["number"] = self._begun
        self._begun += 1

    def recall(self, history: History) -> None:
        for record in history.tried:
            if (place := record.get("place")) is None:
                continue
            while self._begun <= place["bracket"]:
                self._increment_bracket_num()
                self._start_new_bracket()
            bracket = next(each for each in self._brackets if each["number"] == place["bracket"])
            bracket["rounds"][place["round"]].append({"past_id": place["past"], "id": record["trial"]})
            trial = self.trials[record["trial"]] = words.trial(history.space, record, record["score"])
            if record["status"] == "failed":
                trial.status = "INVALID"

    def place(self, trial: str) -> dict[str, Any]:
        """Where a trial that was proposed belongs."""
        for bracket in self._brackets:
            for number, entries in enumerate(bracket["rounds"]):
                for entry in entries:
                    if entry["id"] == trial:
                        return {"bracket": bracket["number"], "round": number, "past": entry["past_id"]}
        raise KeyError(trial)


def propose(history: History) -> Proposal | None:
    oracle = Hyperband(
        objective=keras_tuner.Objective("score", history.direction),
        max_epochs=history.epochs,
        hyperband_iterations=0,  # for ever
        hyperparameters=words.hyperparameters(history.space),
        allow_new_entries=False,
        seed=derive(history.seed, "oracle", len(history.tried)) % 2**31,
    )
    oracle.recall(history)
    asked = oracle.populate_space("next")
    if asked["status"] != "RUNNING":
        return None
    values = asked["values"]
    place = oracle.place("next")
    drawn = {param.name: values[param.name] for param in history.space}
    params = drawn if place["round"] else words.unlike(history, oracle, drawn)
    if params is None:
        return None
    return Proposal(params=params, epochs=max(SMALLEST_EPOCHS, values["tuner/epochs"]), place=place)
