"""Read access to one run: its folder and its row in the catalogue."""

import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dl_core.data.schema import Schema
from dl_core.errors import NotFoundError
from dl_core.records import read_json, read_lines
from dl_core.report import Panel
from dl_core.runspec import RunSpec

if TYPE_CHECKING:
    from dl_core.data.dataset import Dataset
    from dl_core.prepared import Prepared

ENDED = ("done", "stopped", "cancelled", "failed")
_NAME = re.compile(r"[\w-]+(\.[\w-]+)*")


class Run:
    """One execution of a RunSpec. `row` is the catalogue's row as it was when the run was asked for: id, name, dataset,
    dataset_name, task, metric, targets, status (queued, running, done, stopped, cancelled, failed), seconds (budget,
    added time included), created, started, ended, error, winner, score."""

    def __init__(self, workspace: Path, row: dict[str, Any]):
        self.workspace = workspace
        self.row = row
        self.folder = workspace / "runs" / row["id"]

    @property
    def id(self) -> str:
        return self.row["id"]

    @property
    def status(self) -> str:
        return self.row["status"]

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen unless somebody asks for it."""
        return self.status in ENDED

    @cached_property
    def spec(self) -> RunSpec:
        """What was asked for at the start; time added later shows in `row["seconds"]` only."""
        return RunSpec.from_json(read_json(self.folder / "spec.json"))

    @cached_property
    def dataset(self) -> "Dataset":
        """Raises NotFoundError where the dataset has been deleted since."""
        from dl_core.data.dataset import Dataset  # pandas and DuckDB, which a list of runs does not need

        return Dataset(self.workspace / "datasets" / self.row["dataset"])

    @property
    def tested(self) -> "Dataset":
        """Where the rows of the test part lie: the user's own test file, else the dataset. Raises NotFoundError."""
        own = self.spec.split.test_dataset
        return type(self.dataset)(self.workspace / "datasets" / own) if own else self.dataset

    @property
    def schema(self) -> Schema:
        return self.dataset.schema_version(self.spec.schema_version)

    @property
    def prepared(self) -> "Prepared":
        from dl_core.prepared import load_prepared  # numpy arrays, which a list of runs does not need

        return load_prepared(self.folder / "prepared")

    @property
    def spent(self) -> float:
        """Seconds of work so far, waiting and downtime not counted."""
        return float(read_json(self.folder / "clock.json", {}).get("spent", 0.0))

    def events(self, offset: int = 0) -> tuple[list[dict], int]:
        """The facts behind byte `offset` of events.jsonl, and the offset to ask with next time."""
        return read_lines(self.folder / "events.jsonl", offset)

    def decisions(self) -> list[dict]:
        return read_lines(self.folder / "decisions.jsonl")[0]

    def leaderboard(self) -> dict | None:
        return read_json(self.folder / "leaderboard.json")

    def result(self) -> dict | None:
        return read_json(self.folder / "result.json")

    def trials(self) -> list[dict]:
        """The trial records in start order."""
        paths = sorted(self.folder.glob("trials/t*/trial.json"), key=lambda path: int(path.parent.name[1:]))
        return [record for path in paths if (record := read_json(path))]

    def model(self, model: str) -> dict:
        """The record of one model of the board. Raises NotFoundError."""
        record = read_json(self.model_folder(model) / "model.json")
        if record is None:
            raise NotFoundError(f"Run {self.id!r} has no model {model!r}. Choose one from its leaderboard.")
        return record

    def model_folder(self, model: str) -> Path:
        """Where a model lies; its name may come from a link, so it must be a plain name. Raises NotFoundError."""
        if not _NAME.fullmatch(model):
            raise NotFoundError(f"Run {self.id!r} has no model {model!r}. Choose one from its leaderboard.")
        return self.folder / "models" / model

    def explanations(self, model: str) -> dict[str, list[Panel]]:
        """What has been explained about a model so far: explanation name -> panels."""
        self.model_folder(model)
        return {
            path.stem: [Panel.from_json(record) for record in read_json(path, [])]
            for path in sorted(self.folder.glob(f"explanations/{model}/*.json"))
        }

    def log_tail(self, lines: int = 40) -> str:
        """The last lines of worker.log."""
        return tail(self.folder / "worker.log", lines)


def tail(path: Path, lines: int) -> str:
    """The last `lines` lines of a text file, empty where there is none."""
    try:
        with open(path, "rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - 400 * lines))
            content = stream.read()
    except FileNotFoundError:
        return ""
    return "\n".join(content.decode(errors="replace").splitlines()[-lines:])
