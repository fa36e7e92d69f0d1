"""One way to ask any model of the board: raw values in, task-space predictions and answer tables out."""

import time
from pathlib import Path

import numpy as np
import pandas as pd

from dl_core.bundle.folder import Bundle
from dl_core.bundle.pictures import open_pictures
from dl_core.bundle.serving import ServingModel, answer_columns
from dl_core.bundle.untrusted import check_model
from dl_core.data.panel import PanelError, answer_table, history_arrays, series_codes
from dl_core.data.values import canonical_text
from dl_core.encoders.typed import Files
from dl_core.errors import DataError
from dl_core.tasks import TASKS


class Predictor:
    """A loaded bundle. Networks answer through a compiled call of the serving model, baselines through numpy."""

    def __init__(self, bundle: Bundle):
        self.bundle = bundle
        self.task = TASKS.load(bundle.task.kind)()
        if bundle.kind == "network":
            check_model(bundle.model_path)
            self._serving = ServingModel.load(bundle.model_path)
        else:
            self._baseline = bundle.baseline()

    @classmethod
    def load(cls, folder: Path) -> "Predictor":
        """Raises BundleError where the folder is no bundle, was changed, or holds layers that are not ours."""
        return cls(Bundle.open(folder))

    @property
    def columns(self) -> tuple[str, ...]:
        """The table columns that a prediction needs."""
        if self.bundle.sampler == "windows":
            state = self.bundle.state["preprocessor"]
            return tuple(filter(None, (*state["series"], state["time"], state["target"])))
        return tuple(column.name for column in self.bundle.preprocessor.columns)

    def predict(self, frame: pd.DataFrame, *, files: Files | None = None) -> np.ndarray:
        """Task-space predictions for a table of raw values as Dataset.table yields it: one sample for each row, or, in
        a forecast, for each series of this latest history. `files` leads from picture names to stored files. Raises
        DataError where a column is missing or a history cannot be used."""
        if self.bundle.kind == "baseline":
            from dl_core import baselines  # LightGBM and statsmodels, which networks do not need

            return baselines.predict(self._baseline["name"], self._baseline["state"], self.arrays(frame, files=files))
        if self.bundle.sampler == "windows":
            return self._serving(self.arrays(frame))
        values = self.bundle.preprocessor.values(frame, files=files)
        if self.bundle.picture_column:
            (item,) = self.bundle.inputs
            return self._serving.look_at(open_pictures(values[item["column"]].tolist(), item["at_least"]))
        return self._serving({item["input"]: values[item["column"]] for item in self.bundle.inputs})

    def table(self, frame: pd.DataFrame, predictions: np.ndarray) -> pd.DataFrame:
        """The answers that go with `predict(frame)`: `prediction` and `probability_<class>`, in row order; pictures
        begin with `file`; a forecast with the series ids and the times of its steps."""
        if self.bundle.sampler == "windows":
            return answer_table(self._history(frame)[1], predictions)
        answers = answer_columns(self.bundle.state["task"], self.bundle.task.targets, predictions)
        pictures = self.bundle.picture_column
        first = {"file": frame[pictures].to_numpy(object)} if pictures else {}
        return pd.DataFrame({**first, **answers})

    def arrays(self, frame: pd.DataFrame, *, files: Files | None = None) -> dict[str, np.ndarray]:
        """What the training network eats for the same samples, by the numpy face of the preprocessing."""
        if self.bundle.sampler == "windows":
            return self._history(frame)[0]
        return self.bundle.preprocessor.transform(frame, files=files)

    def raw(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """What the trained network itself says to `arrays`, in task space: how the board's scores came about."""
        model = self._serving.model
        network = next(layer for layer in model.layers if isinstance(layer, type(model)))
        return self.task.decode(self.bundle.state["task"], np.asarray(network(inputs, training=False)))

    def latency_ms(self, frame: pd.DataFrame, *, files: Files | None = None, repeats: int = 15) -> float:
        """Median milliseconds to answer the first sample of `frame`, a row, a picture or a series, once warm."""
        one = frame.iloc[:1]
        if self.bundle.sampler == "windows":
            one = frame[series_codes(frame, self.bundle.state["preprocessor"]["series"])[0] == 0]
        self.predict(one, files=files)
        times = []
        for _ in range(repeats):
            began = time.perf_counter()
            self.predict(one, files=files)
            times.append(time.perf_counter() - began)
        return 1000.0 * float(np.median(times))

    def _history(self, frame: pd.DataFrame) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
        """The arrays of the latest history, and the ids and times that the answers are for."""
        state = self.bundle.state["preprocessor"]
        absent = [repr(name) for name in self.columns if name not in frame]
        if absent:
            raise DataError(f"The history lacks {', '.join(absent)}. It needs the columns the model was trained on.")
        ids = {name: canonical_text(frame[name].to_numpy(object)) for name in state["series"]}
        try:
            return history_arrays(state, frame[list(self.columns)].assign(**ids))
        except PanelError as error:
            raise DataError(str(error)) from error
