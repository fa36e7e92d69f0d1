"""Finished runs of every modality without any training: real imports, splits and boards, made-up predictions."""

from pathlib import Path

import numpy as np

from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.evaluation.leaderboard import Entrant, Part, leaderboard
from dl_core.prepared import PARTS
from dl_core.records import write_json
from dl_core.samples import PREPARE
from dl_core.seeds import generator
from dl_core.store import Run, Store
from dl_core.tasks import TASKS
from dl_core.workflow.plan import Wishes, plan
from tests import examples
from tests.pages.worlds import events, network, write_trials

WISHES = {
    "table": {"targets": ["income"]},
    "quantity": {"targets": ["age"], "task": "regression"},
    "image": {},
    "series": {"targets": ["sales"], "horizon": 7},
}
NETWORKS = {
    "table": ("RealMLP", "realmlp"),
    "quantity": ("RealMLP", "realmlp"),
    "image": ("Small ResNet", "resnet"),
    "series": ("DLinear", "dlinear"),
}
BASELINES = {
    "table": ("Linear model", "linear"),
    "quantity": ("Linear model", "linear"),
    "image": ("Logistic regression on thumbnails", "thumbnail"),
    "series": ("Seasonal naive", "seasonal_naive"),
}


def judged(
    store: Store,
    folder: Path,
    modality: str = "table",
    *,
    skill: float = 2.0,
    rival: float = 1.0,
    seed: int = 0,
    dataset: Dataset | None = None,
) -> Run:
    """A run that has ended, with a network of `skill` and a baseline of `rival` on its board (more is better); on
    `dataset`, else on the modality's example."""
    if dataset is None:
        file = examples.write("table" if modality == "quantity" else modality, folder)
        dataset = store.add_dataset(import_file(file, store.incoming(), name=file.stem))
    spec, decisions = plan(dataset, Wishes(seconds=60, seed=seed, **WISHES[modality]))
    run = store.create_run(spec, decisions=decisions)
    task = TASKS.load(spec.task.kind)
    PREPARE.load(task.sampler)(dataset, spec, None, run.folder / "prepared", lambda *_: None)
    write_trials(run.folder, list(events()))
    entrants = [
        _entrant(run, "t007", *NETWORKS[modality], "network", skill),
        _entrant(run, "t006", "MLP", "mlp", "network", skill * 0.6),
        _entrant(run, BASELINES[modality][1], *BASELINES[modality], "baseline", rival),
    ]
    parts = {name: Part.of(run.prepared, name) for name in PARTS}
    board = leaderboard(entrants, spec.task.kind, spec.task.metric, parts["valid"], parts["test"], looks=1)
    write_json(run.folder / "leaderboard.json", board)
    for row in board["rows"]:
        about = {"trial": row["model"], "network": network(), "params": {"width": 64}}
        write_json(
            run.folder / "models" / row["model"] / "model.json", row if row["kind"] == "baseline" else row | about
        )
    with store.catalogue.transaction() as connection:
        connection.execute("update runs set status = 'done', started = 1, ended = 61 where id = ?", (run.id,))
        connection.execute("update jobs set status = 'done' where run = ?", (run.id,))
    return store.run(run.id)


def _entrant(run: Run, model: str, name: str, family: str, kind: str, skill: float) -> Entrant:
    folder = run.folder / "models" / model
    folder.mkdir(parents=True)
    predictions = {part: _predictions(run, part, skill, model) for part in ("valid", "test")}
    for part, values in predictions.items():
        np.save(folder / f"{part}.npy", values)
    return Entrant(
        model=model, name=name, family=family, kind=kind, why="It fits this data.", seconds=3.0, latency_ms=0.4,
        bytes=40_000, parameters=None if kind == "baseline" else 9_000, **predictions,
    )  # fmt: skip


def _predictions(run: Run, part: str, skill: float, model: str) -> np.ndarray:
    """Task-space predictions that are the better the more `skill`."""
    truth, draw = np.asarray(run.prepared.truth(part)), generator(0, model, part)
    if run.spec.task.kind == "classification":
        classes = len(run.prepared.state["task"]["classes"])
        raw = draw.normal(0, 1, (len(truth), classes)) + skill * np.eye(classes)[truth]
        return np.exp(raw) / np.exp(raw).sum(1, keepdims=True)
    noise = draw.normal(0, np.nanstd(truth) / (1 + skill), truth.shape)
    if run.spec.task.kind == "regression":
        return truth + noise
    levels = np.array([-1.28, -0.84, -0.52, -0.25, 0, 0.25, 0.52, 0.84, 1.28])
    return (np.nan_to_num(truth) + noise)[:, :, None] + levels * np.nanstd(truth) / (1 + skill)


class Worker:
    """Answers at once what pages ask for: {kind: result, or the sentence of a failure}. `asked` keeps the questions."""

    def __init__(self, store: Store, **answers):
        self.store, self.answers, self.asked = store, answers, []

    def wait(self, store: Store, id: str, timeout: float, *, actor: str = "local"):
        from dl_core.errors import DeepboardError

        job = store.job(id)
        self.asked.append((job["kind"], job["payload"]))
        answer = self.answers.get(job["kind"])
        if answer is None:
            raise DeepboardError("No answer within 0 s: the job still waits for its turn. Ask again in a moment.")
        if isinstance(answer, str):
            with store.catalogue.transaction() as connection:
                connection.execute("update jobs set status = 'failed', error = ? where id = ?", (answer, id))
            raise DeepboardError(answer)
        return answer(job["payload"]) if callable(answer) else answer
