"""The same journeys without a browser: train, predict, leaderboard."""

import json
import os
import re
import shutil
import signal
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dl_core import settings
from dl_core.errors import DeepboardError, SpecError
from dl_core.evaluation import spoken
from dl_core.jobs import ensure_supervisor
from dl_core.metrics import METRICS, Metric
from dl_core.records import to_json
from dl_core.report import significant
from dl_core.store import Run, Store

if TYPE_CHECKING:
    from dl_core.workflow.plan import Wishes

LOOK_SECONDS = 0.2
MOST_STARTS = 25
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}

app = typer.Typer(
    help="Deepboard: from a data file to a trained, explained and proven model.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
answers = Console()
messages = Console(stderr=True)  # progress and errors: what is piped on stays clean

WORKSPACE = typer.Option(
    None, "--workspace", metavar="DIR", help="The folder that holds datasets and runs.", show_default="./workspace"
)


# commands


@app.command()
def train(
    file: Path = typer.Argument(
        ..., metavar="FILE", help="A table (CSV, TSV, Parquet, Excel, JSON lines), a ZIP or folder of images, a series."
    ),
    target: list[str] = typer.Option(
        [], "--target", metavar="NAME", help="The column to predict; several of a forecast are a series each."
    ),
    task: str = typer.Option(
        None, "--task", help="classification, regression or forecasting.", show_default="from the target"
    ),
    metric: str = typer.Option(
        None,
        "--metric",
        metavar="M",
        help="What models are ranked by, such as roc_auc, accuracy, rmse or mase.",
        show_default="usual for the task",
    ),
    budget: str = typer.Option("60s", "--budget", help="Time for the whole run, such as 90, 60s, 5m or 1h."),
    seed: int = typer.Option(0, "--seed", help="The same seed gives the same split and the same first networks."),
    split: str = typer.Option(
        None,
        "--split",
        metavar="KIND",
        help="random, stratified, time or group; or a COLUMN that holds train, valid and test.",
        show_default="usual for the task",
    ),
    group: str = typer.Option(
        None, "--group", metavar="NAME", help="A column whose rows stay together: a person, a machine, a patient."
    ),
    test: Path = typer.Option(
        None, "--test", metavar="FILE", help="Your own test file; it is scored at the end and chooses nothing."
    ),
    test_share: float = typer.Option(0.2, "--test-share", help="The share of the rows that is kept for the test."),
    families: str = typer.Option(
        "", "--families", metavar="a,b", help="Train only these architecture families.", show_default="all that fit"
    ),
    search: str = typer.Option(
        "bayesian", "--search", metavar="KIND", help="How the tuner searches: bayesian, random or hyperband."
    ),
    refit: bool = typer.Option(
        True,
        "--refit/--no-refit",
        help="Train the best network again on all rows at the end, once the test part was scored.",
    ),
    images: Path = typer.Option(
        None, "--images", metavar="PATH", help="The ZIP or folder of the images that a table in FILE names."
    ),
    time_column: str = typer.Option(None, "--time", metavar="NAME", help="The time column of a forecast."),
    series: list[str] = typer.Option(
        [], "--series", metavar="NAME", help="The column that tells series apart; may be given several times."
    ),
    horizon: int = typer.Option(
        None, "--horizon", metavar="N", help="How many steps ahead to forecast.", show_default="usual for the frequency"
    ),
    out: Path = typer.Option(
        None, "--out", metavar="BUNDLE_DIR", help="Put the best network here, ready for `predict`."
    ),
    workspace: Path = WORKSPACE,
    as_json: bool = typer.Option(False, "--json", help="End with one JSON object on the standard output."),
) -> None:
    """Train networks on FILE within a time budget and compare them with simple baselines.

    Ctrl-C stops and keeps the best; a second Ctrl-C leaves the run going in the background.
    """
    from dl_core.workflow.plan import Wishes  # pandas and DuckDB, which --help does not need

    with _sentences():
        wishes = Wishes(
            targets=target,
            task=task,
            metric=metric,
            seconds=parse_seconds(budget),
            seed=seed,
            split=split,
            group=group,
            test_share=test_share,
            families=[name.strip() for name in families.split(",") if name.strip()],
            time=time_column,
            series=series,
            horizon=horizon,
            search=search,
            refit=refit,
        )
        _refuse_taken(out)
        store = Store(workspace or settings.workspace())
        run = _finished(store, _launched(store, file, wishes, images, test))
        result = run.result() or {}
        if out is not None:
            _unpack(run, result, out)
            result["bundle"] = str(out)
        if as_json:
            typer.echo(_strict_json(result))
        else:
            answers.print(board_table(run.leaderboard() or {}))
            answers.print(escape(_sentences_of(result)))
            answers.print(f"Run {run.id}, best network in {escape(result['bundle'])}")


@app.command()
def predict(
    bundle: Path = typer.Argument(..., metavar="BUNDLE", help="The folder of `train --out`, or the downloaded ZIP."),
    file: Path = typer.Argument(..., metavar="FILE", help="New rows, new images, or the latest history of the series."),
    out: Path = typer.Option(Path("predictions.csv"), "--out", metavar="CSV", help="Where the predictions go."),
) -> None:
    """Predict with a trained network: a row of the answer for each row, image or future step."""
    os.environ.update(settings.cap_threads({}))
    with _sentences():
        for path, what in ((bundle, "bundle"), (file, "file")):
            if not path.exists():
                raise SpecError(f"There is no {what} {path}. Check the path.")
        if out.is_dir():
            raise SpecError(
                f"{out} is a folder. Name the CSV file that the predictions go to, such as {out / 'p.csv'}."
            )
        from dl_core.bundle.files import opened, predict_with  # pandas and DuckDB
        from dl_core.bundle.predictor import Predictor

        with opened(bundle) as checked, messages.status("Loading the network and predicting"):
            with _quiet():
                import tensorflow  # noqa: F401 (only here, for its noise)
            report = predict_with(Predictor(checked), file, out)
        for problem in report["problems"]:
            if problem["severity"] in ("warning", "error"):
                _say(f"[yellow]{escape(problem['message'])} {escape(problem['fix'])}[/]")
        answers.print(f"{report['rows']:,} predictions in {escape(str(out))}", soft_wrap=True)
        if report["scores"]:
            scores = (f"{METRICS.load(name).title} {_number(value)}" for name, value in report["scores"].items())
            answers.print(f"Against the answers in the file: {', '.join(scores)}", soft_wrap=True)


@app.command()
def leaderboard(
    run: str = typer.Argument(..., metavar="RUN", help="The id of a run, as `train` prints it."),
    workspace: Path = WORKSPACE,
    as_json: bool = typer.Option(False, "--json", help="Print the result as one JSON object."),
) -> None:
    """Show every model of a run on one scale."""
    with _sentences():
        place = workspace or settings.workspace()
        if not (place / "catalogue.db").exists():  # a store would be made there
            raise SpecError(f"There is no workspace {place}. Name the folder that `train` used with --workspace.")
        store = Store(place)
        found = store.run(run)
        board = found.leaderboard()
        if board is None:
            raise DeepboardError(_why_no_board(store, found))
        if as_json:
            typer.echo(_strict_json(found.result() or {"run": found.id, **board}))
            return
        answers.print(board_table(board))
        answers.print(escape(_sentences_of({**board, **(found.result() or {})})))


# what people write and read


def parse_seconds(text: str) -> float:
    """'90', '60s', '5m' or '1h' in seconds. Raises SpecError."""
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)\s*([a-z]*)", text.strip().lower())
    if not match or match[2] not in UNITS or not float(match[1]) > 0:
        raise SpecError(f"A budget is a time such as 90, 60s, 5m or 1h. Received {text!r}.")
    return float(match[1]) * UNITS[match[2]]


COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "Rank": lambda row: str(row["tier"]),
    "Model": lambda row: escape(row["name"]),
    "Kind": lambda row: row["kind"],
    "Valid": lambda row: _number(row["valid"]),
    "Test": lambda row: _number(row["test"]),
    "95 % of test": lambda row: " … ".join(map(_number, row.get("interval") or ())),
    "Training": lambda row: f"{row['seconds']:.1f} s",
    "One row": lambda row: "" if row.get("latency_ms") is None else f"{row['latency_ms']:.1f} ms",
    "Size": lambda row: "" if row.get("bytes") is None else f"{row['bytes'] / 2**20:.2f} MB",
}


def _sentences_of(result: dict[str, Any]) -> str:
    """What is said below a board."""
    return " ".join(filter(None, (result["sentence"], spoken.refitted(result.get("refit")))))


LESSER = ("Size", "One row", "Training", "Kind")
"""What a narrow terminal leaves out, in this order."""
NARROWEST, WIDEST = 16, 1000  # of the names, which wrap; of a table


def board_table(board: dict[str, Any]) -> Table:
    """The leaderboard, best first, with the columns that fit the terminal; models of one rank differ by no more than
    chance."""
    shown = list(COLUMNS)
    for name in LESSER:
        narrow = _board_table(board, shown, longest=NARROWEST)
        if answers.measure(narrow, options=answers.options.update(width=WIDEST)).maximum <= answers.width:
            break
        shown.remove(name)
    return _board_table(board, shown)


def _board_table(board: dict[str, Any], shown: Sequence[str], longest: int | None = None) -> Table:
    metric = METRICS.load(board["metric"])
    table = Table(title=f"{metric.title} ({'more' if metric.direction == 'max' else 'less'} is better)")
    for name in shown:
        title = "Out of fold" if name == "Valid" and board.get("folds", 1) > 1 else name
        if name == "Model":
            table.add_column(title, min_width=NARROWEST, max_width=longest)
        else:
            table.add_column(title, justify="left" if name in ("Rank", "Kind") else "right", no_wrap=True)
    for row in board["rows"]:
        table.add_row(*(COLUMNS[name](row) for name in shown), style="bold" if row["model"] == board["winner"] else "")
    return table


def _number(value: float | None) -> str:
    return "" if value is None else significant(value)


def _strict_json(record: dict[str, Any]) -> str:
    """JSON that every reader takes: a number that is none is null."""
    return to_json(json.loads(to_json(record), parse_constant=lambda name: None), indent=1)


def _say(text: str) -> None:
    messages.print(text, soft_wrap=True, highlight=False)


def _why_no_board(store: Store, run: Run) -> str:
    if run.status == "queued":
        return f"Run {run.id} still waits, at place {store.place(run.id)} of the queue. Ask again later."
    if run.status == "running":
        return f"Run {run.id} is at work; models are compared at its end. Ask again later."
    return f"Run {run.id} has no leaderboard: it is {run.status}. {run.row['error'] or 'Start it again.'}"


def main() -> None:
    """The command line: a wrong use ends with code 2 and one sentence that says what to do."""
    command = typer.main.get_command(app)
    arguments = sys.argv[1:] or ["--help"]
    try:
        code = command.main(arguments, prog_name="python -m dl_core", standalone_mode=False)
    except typer.exceptions.TyperException as error:
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        known = arguments[0] if arguments[0] in ("train", "predict", "leaderboard") else ""
        _say(
            f"[bold red]Error:[/] {escape(message)} See: {' '.join(filter(None, ('python -m dl_core', known)))} --help"
        )
        code = 2
    except typer.Abort:
        code = 130
    sys.exit(code)


@contextmanager
def _sentences() -> Iterator[None]:
    """What a person can mend is said in a sentence, without a traceback."""
    try:
        yield
    except DeepboardError as error:
        _say(f"[bold red]Error:[/] {escape(str(error))}")
        raise typer.Exit(1) from error
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        what = f"{error.strerror or error}{where}. Check the path, its rights and the disk."
        _say(f"[bold red]Error:[/] {escape(what)}")
        raise typer.Exit(1) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """What a library's C++ says on the standard error as it is loaded goes nowhere; what Python says there stays."""
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere, os.fdopen(kept, "w") as stream, redirect_stderr(stream):
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)


# files


def _unpack(run: Run, result: dict[str, Any], out: Path) -> None:
    """The download's content; the bare bundle where the parity check did not let the download pass."""
    if result["download"]:
        with zipfile.ZipFile(result["download"]) as archive:
            archive.extractall(out)
    else:
        shutil.copytree(run.model_folder(result["best_network"]) / "bundle", out, dirs_exist_ok=True)


def _refuse_taken(out: Path | None) -> None:
    """An answer that could not be delivered is found before the work, not after it."""
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SpecError(f"{out} exists and is not an empty folder. Choose another --out, or remove it.")


@contextmanager
def _imported(store: Store, path: Path | None, *, like: Any = None, **options: Any) -> Iterator[Any]:
    """A file as a dataset of the store, with the columns of the dataset `like`; None without a file. Where the block
    refuses it, the dataset goes again. `options` are those of `import_file`."""
    if path is None:
        yield None
        return
    from dl_core.data.importing import import_file  # DuckDB

    with messages.status(f"Reading {escape(str(path))}") as status:
        folder = import_file(
            path,
            store.incoming(),
            schema=like.schema if like is not None else None,
            progress=lambda text, share: status.update(f"{escape(text)} ({share:.0%})"),
            **options,
        )
    dataset = store.add_dataset(folder)
    try:
        yield dataset
    except DeepboardError:
        store.delete_dataset(dataset.id)
        raise


# a run, from its launch to its end


def _launched(store: Store, file: Path, wishes: "Wishes", images: Path | None, test: Path | None) -> Run:
    """A queued run on FILE as it was asked for. Where that cannot be met, nothing stays in the store."""
    from dl_core.workflow.plan import plan

    layout = "table" if wishes.task in ("classification", "regression") else None
    if wishes.task == "forecasting" and len(wishes.targets) > 1:  # several quantities to forecast: a series each
        layout, wishes = "wide columns", replace(wishes, targets=())
    named = {"layout": layout, "time_column": wishes.time, "series_columns": tuple(wishes.series)}
    with (
        _imported(store, file, images=images, **named) as dataset,
        _imported(store, test, images=images, like=dataset) as held_out,
    ):
        spec, decisions = plan(dataset, replace(wishes, test=held_out), guess_target=layout == "wide columns")
    for decision in decisions:
        _say(f"[dim]{escape(decision['what'])}: {escape(decision['why'])}[/]")
    return store.create_run(spec, decisions=decisions)


def _finished(store: Store, run: Run) -> Run:
    """The run at its end. Raises DeepboardError where it has no result."""
    run = follow(store, run)
    if run.status == "failed":
        raise DeepboardError(run.row["error"])
    if run.status == "cancelled":
        raise DeepboardError(f"Run {run.id} was cancelled before it had a result. Start it again.")
    return run


def follow(store: Store, run: Run) -> Run:
    """Show a run until it ends, and return it as it ended. The first Ctrl-C asks it to stop and keep the best, the
    second leaves it to itself and exits with 130."""
    view = View(run)
    starts = stops = 0
    live = Live(view, console=messages, refresh_per_second=8, transient=True, auto_refresh=messages.is_terminal)
    with live, _counted_interrupts() as interrupts:
        while len(interrupts) < 2:
            starts += ensure_supervisor(store.workspace, keep_warm=False)
            if starts > MOST_STARTS:
                raise DeepboardError(
                    f"The background process ends as soon as it is started. {store.workspace}/jobs/supervisor.log says "
                    "why; the run waits until that is mended."
                )
            if interrupts and not stops:
                stops = 1
                store.request_stop(run.id)
                _say("Stopping, and keeping the best. Press Ctrl-C again to leave the run to itself.")
            run = store.run(run.id)
            view.update(run, store.place(run.id))
            if run.ended:
                return run
            time.sleep(LOOK_SECONDS)
    _say(
        f"Run {run.id} goes on in the background. See what became of it with: "
        f"python -m dl_core leaderboard {run.id} --workspace {escape(str(store.workspace))}"
    )
    raise typer.Exit(130)


@contextmanager
def _counted_interrupts() -> Iterator[list[int]]:
    """Ctrl-C is noted in the list instead of breaking in wherever the program happens to be."""
    interrupts: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass
class View:
    """What the events of a run say so far: drawn live in a terminal, told line by line elsewhere."""

    run: Run
    place: int = 0
    phase: str = ""
    doing: dict[str, str] = field(default_factory=dict)
    trials: int = 0
    network: tuple[float, str] | None = None
    baseline: tuple[float, str] | None = None
    offset: int = 0
    families: dict[str, str] = field(default_factory=dict)

    def update(self, run: Run, place: int) -> None:
        self.run, self.place = run, place
        events, self.offset = run.events(self.offset)
        for event in events:
            if teller := getattr(self, f"_on_{event['event']}", None):
                teller(event)

    def _on_phase(self, event: dict[str, Any]) -> None:
        self.phase, self.doing = event["text"], {}
        self._tell(self.phase)

    def _on_model(self, event: dict[str, Any]) -> None:
        if event["kind"] == "baseline":
            self.baseline = self._better(self.baseline, event["valid"], event["name"])

    def _on_trial_start(self, event: dict[str, Any]) -> None:
        self.doing[event["trial"]] = event["family"]

    def _on_epoch(self, event: dict[str, Any]) -> None:
        fold = f"fold {event['member'] + 1} of {event['members']}, " if event.get("members", 1) > 1 else ""
        self.doing[event["trial"]] = f"{fold}epoch {event['epoch']:.0f} of {event['epochs']}"

    def _on_trial_end(self, event: dict[str, Any]) -> None:
        self.trials += 1
        self.doing.pop(event["trial"], None)
        early = event.get("status") == "pruned"
        if event["score"] is not None and not early:
            self.network = self._better(self.network, event["score"], f"{event['family']} {event['trial']}")
        said = event["error"] or _number(event["score"]) + (", stopped early" if early else "")
        self._tell(f"  {event['trial']} {event['family']}: {said}")

    def _on_problem(self, event: dict[str, Any]) -> None:
        if event["severity"] in ("warning", "error") and event["message"] != self.run.row["error"]:
            _say(f"[yellow]{escape(event['message'])} {escape(event['fix'])}[/]")

    def _better(self, best: tuple[float, str] | None, score: float, name: str) -> tuple[float, str]:
        return (score, name) if best is None or self.metric.sign * (score - best[0]) > 0 else best

    @property
    def metric(self) -> Metric:
        return METRICS.load(self.run.row["metric"])

    def _tell(self, text: str) -> None:
        if not messages.is_terminal:
            _say(escape(text))

    def __rich__(self) -> RenderableType:
        if self.run.status == "queued":
            where = f"place {self.place} in the queue" if self.place > 1 else "a worker gets ready"
            return Text(f"Run {self.run.id}: {where}")
        budget, spent = self.run.row["seconds"], self.run.spent
        left = max(0, round(budget - spent))
        line = Table.grid(padding=(0, 1))
        line.add_row(
            ProgressBar(total=budget, completed=min(spent, budget), width=40), f"{left // 60}:{left % 60:02} left"
        )
        best = [
            f"{what} {_number(found[0])} ({found[1]})"
            for what, found in (("network", self.network), ("baseline", self.baseline))
            if found is not None
        ]
        trials = f"{self.trials} trial{'s' * (self.trials != 1)}" if self.trials else ""
        doing = (f"{trial} {what}" for trial, what in self.doing.items())
        details = " · ".join(filter(None, (trials, *doing, f"{self.metric.title}: {', '.join(best)}" if best else "")))
        return Group(Text(f"{self.phase or 'Starting'}"), line, Text(details, style="dim"))
