"""The command line: the journey, the sentences for wrong use, and what Ctrl-C keeps."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from dl_core.cli import View, _quiet, _sentences_of, app, board_table, main, parse_seconds
from dl_core.errors import SpecError
from dl_core.jobs.launcher import ROOT
from dl_core.store import Store
from tests.background import end_all
from tests.jobs import fake


@pytest.fixture
def workspace(tmp_path):
    yield tmp_path / "workspace"
    end_all(tmp_path / "workspace")


@pytest.fixture
def wine(tmp_path):
    """Sixty rows with a quantity, a class, an id, a constant, a gap and a date."""
    rows = np.arange(60)
    frame = pd.DataFrame(
        {
            "price": np.round(10 + rows * 0.37 + np.sin(rows), 2),
            "colour": np.where(rows % 3 == 0, "red", "white"),
            "customer_id": 100_000 + rows * 7,
            "country": "Austria",
            "nothing": np.where(rows < 0, "x", ""),
            "day": pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d"),
            "alcohol": 11 + rows % 5 / 10,
        }
    )
    path = tmp_path / "wine.csv"
    frame.to_csv(path, index=False)
    return path


def ask(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def start(*arguments):
    command = [*fake.PYTHON, "cli", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": ROOT}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def until(true, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, "This did not happen in time."
        time.sleep(0.01)
    return found


def only_run(workspace):
    return until(lambda: (workspace / "catalogue.db").exists() and Store(workspace).runs())[0]["id"]


@pytest.mark.jobs
def test_train_tells_its_progress_delivers_the_bundle_and_ends_with_one_json_object(workspace, wine, tmp_path):
    out = tmp_path / "bundle"
    asked = ("--target", "price", "--task", "regression", "--out", out)
    process = start("train", wine, *asked, "--workspace", workspace, "--json")
    printed, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    result = json.loads(printed, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert {"run", "task", "metric", "winner", "best_network", "leaderboard", "bundle"} <= set(result)
    assert result["task"] == "regression" and result["metric"] == "rmse" and result["learned"] is None
    assert result["bundle"] == str(out) and (out / "bundle.json").exists()
    assert "Trying what the tuner proposes" in told and "t001 mlp: 0.500" in told
    run = Store(workspace).run(result["run"])
    assert run.row["seconds"] == 60 and {"metric", "split.kind"} == {one["key"] for one in run.decisions()}

    board = ask("leaderboard", run.id, "--workspace", workspace)
    assert board.exit_code == 0 and "MLP" in board.stdout and "Fine." in board.stdout
    again = ask("leaderboard", run.id, "--workspace", workspace, "--json")
    assert json.loads(again.stdout)["run"] == run.id


@pytest.mark.jobs
def test_train_takes_every_wish_into_the_spec(workspace, wine):
    wishes = (
        "--task",
        "regression",
        "--metric",
        "mae",
        "--budget",
        "2m",
        "--seed",
        "3",
        "--test",
        wine,
        "--families",
        "mlp",
        "--search",
        "random",
        "--no-refit",
    )
    process = start("train", wine, "--target", "price", *wishes, "--workspace", workspace)
    printed, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert "MLP" in printed and "Fine." in printed
    store = Store(workspace)
    spec = store.run(store.runs()[0]["id"]).spec
    assert (spec.task.metric, spec.budget.seconds, spec.seed, spec.families) == ("mae", 120, 3, ("mlp",))
    assert (spec.search, spec.refit) == ("random", False)
    assert spec.split.kind == "file" and spec.split.test_dataset in {row["id"] for row in store.datasets()}


@pytest.mark.jobs
def test_several_targets_of_a_forecast_are_a_series_in_each_column(workspace, tmp_path):
    days = pd.date_range("2023-01-01", periods=120).strftime("%Y-%m-%d")
    frame = pd.DataFrame({"day": days, "north": np.arange(120) % 7 + 0.5, "south": np.arange(120) % 5 + 0.25})
    frame.to_csv(tmp_path / "wide.csv", index=False)
    wishes = ("--target", "north", "--target", "south", "--task", "forecasting")
    process = start("train", tmp_path / "wide.csv", *wishes, "--workspace", workspace)
    told = process.communicate(timeout=60)[1]
    assert process.returncode == 0, told
    store = Store(workspace)
    spec = store.run(store.runs()[0]["id"]).spec
    assert len(spec.task.targets) == 1 and len(spec.task.series) == 1
    assert store.datasets()[0]["rows"] == 240


@pytest.mark.jobs
def test_ctrl_c_stops_and_keeps_the_best(workspace, wine):
    process = start("train", wine, "--target", "colour", "--families", "realmlp", "--workspace", workspace, "--json")
    run = Store(workspace).run(only_run(workspace))
    until(lambda: any(event["event"] == "trial_start" for event in run.events()[0]))
    process.send_signal(signal.SIGINT)
    printed, told = process.communicate(timeout=30)
    assert process.returncode == 0, told
    assert "keeping the best" in told and json.loads(printed)["run"] == run.id
    assert Store(workspace).run(run.id).status == "stopped"


@pytest.mark.jobs
def test_a_second_ctrl_c_leaves_the_run_going_and_says_how_to_come_back(workspace, wine):
    process = start("train", wine, "--target", "colour", "--families", "realmlp", "--workspace", workspace)
    run = Store(workspace).run(only_run(workspace))
    until(lambda: any(event["event"] == "trial_start" for event in run.events()[0]))
    worker = Store(workspace).catalogue.first("select pid from jobs where run = ?", run.id)["pid"]
    os.kill(worker, signal.SIGSTOP)  # it cannot answer the first request before the second comes
    try:
        process.send_signal(signal.SIGINT)
        until(lambda: Store(workspace).control(run.id).stop)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    finally:
        os.kill(worker, signal.SIGCONT)
    assert process.returncode == 130
    assert f"python -m dl_core leaderboard {run.id} --workspace {workspace}" in " ".join(told.split())
    until(lambda: Store(workspace).run(run.id).status == "stopped")


WRONG = {
    "a column that is none": (["--target", "prize"], "Did you mean 'price'?"),
    "no target": ([], "Say which column is to be predicted"),
    "an id as target": (["--target", "customer_id"], "is an id"),
    "an empty target": (["--target", "nothing", "--task", "classification"], "Every value of 'nothing' is missing"),
    "one class": (["--target", "country", "--task", "classification"], "one class only"),
    "a unique class": (["--target", "price", "--task", "classification"], "needs values that repeat"),
    "words as a quantity": (["--target", "colour", "--task", "regression"], "holds words"),
    "no task": (["--target", "price", "--task", "magic"], "no task called 'magic'"),
    "no metric": (
        ["--target", "price", "--task", "regression", "--metric", "roc_auc"],
        "no metric 'roc_auc' for regression",
    ),
    "no split": (["--target", "colour", "--split", "odd"], "no split 'odd'"),
    "no group": (["--target", "colour", "--split", "group"], "names the groups"),
    "a split that does not fit": (
        ["--target", "price", "--task", "regression", "--split", "stratified"],
        "needs classification",
    ),
    "no family": (["--target", "price", "--families", "resnet"], "does not fit"),
    "no search": (["--target", "price", "--search", "grid"], "no search called 'grid'"),
    "no budget": (["--target", "price", "--budget", "soon"], "such as 90, 60s, 5m or 1h"),
    "no time left": (["--target", "price", "--budget", "0s"], "such as 90, 60s, 5m or 1h"),
    "a long horizon": (["--target", "price", "--time", "day", "--horizon", "40"], "Choose a horizon of 18 or less"),
    "no horizon": (["--target", "price", "--task", "forecasting", "--horizon", "0"], "must be 1 or more"),
    "a horizon elsewhere": (["--target", "price", "--task", "regression", "--horizon", "3"], "belong to forecasting"),
    "a large test": (["--target", "price", "--test-share", "0.95"], "between 0 and 0.9"),
    "no test file": (["--target", "price", "--test", "/nowhere.csv"], "no file /nowhere.csv"),
    "a taken folder": (["--target", "price", "--out", "."], "not an empty folder"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use_gets_one_sentence_and_leaves_nothing_behind(case, wine, tmp_path):
    options, sentence = WRONG[case]
    answer = ask("train", wine, *options, "--workspace", tmp_path / "workspace")
    assert answer.exit_code == 1 and answer.stdout == ""
    assert sentence in answer.stderr and answer.stderr.startswith("Error: ") and "Traceback" not in answer.stderr
    store = Store(tmp_path / "workspace")
    assert store.datasets() == [] and store.runs() == [] and list((store.workspace / "uploads").iterdir()) == []


def test_a_missing_file_gets_a_sentence(tmp_path):
    answer = ask("train", tmp_path / "no.csv", "--workspace", tmp_path / "workspace")
    assert answer.exit_code == 1 and "There is no file" in answer.stderr
    answer = ask("predict", tmp_path / "bundle", tmp_path / "no.csv")
    assert answer.exit_code == 1 and "There is no bundle" in answer.stderr
    answer = ask("predict", tmp_path, tmp_path, "--out", tmp_path)
    assert answer.exit_code == 1 and "is a folder. Name the CSV file" in " ".join(answer.stderr.split())


def test_what_a_library_says_as_it_is_loaded_is_not_shown_and_what_we_say_is(capfd):
    with _quiet():
        os.write(2, b"oneDNN custom operations are on")
        print("Loading", file=sys.stderr)
    print("Loaded", file=sys.stderr)
    assert capfd.readouterr().err == "Loading\nLoaded\n"


def test_a_board_that_is_not_there_yet_says_why(workspace):
    Store(workspace)
    assert "no run 'x'" in ask("leaderboard", "x", "--workspace", workspace).stderr


def test_asking_for_a_board_makes_no_workspace(tmp_path):
    for place in (tmp_path / "nowhere", tmp_path):
        answer = ask("leaderboard", "x", "--workspace", place)
        assert answer.exit_code == 1 and "There is no workspace" in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_bundle_is_refused_before_the_network_is_loaded(tmp_path):
    (tmp_path / "rows.csv").write_text("a\n1\n")
    code = f"""
import sys
from dl_core.cli import main
sys.argv = ["dl_core", "predict", {str(tmp_path)!r}, {str(tmp_path / "rows.csv")!r}]
try:
    main()
finally:
    print("tensorflow" in sys.modules)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 1 and ended.stdout == "False\n"
    assert "There is no bundle.json in" in ended.stderr


@pytest.mark.parametrize("width", [60, 80, 81, 100, 120])
def test_a_board_keeps_names_and_scores_whole_in_any_terminal(monkeypatch, width):
    row = {
        "tier": 1, "kind": "baseline", "valid": 0.91234, "test": 0.90123, "interval": [0.88123, 0.92123],
        "seconds": 12.3, "latency_ms": 45.6, "bytes": 12_345_678,
    }  # fmt: skip
    names = {"thumbnail": "Logistic regression on thumbnails", "trees": "Boosted trees (LightGBM)"}
    rows = [{**row, "model": model, "name": name} for model, name in names.items()]
    console = Console(width=width, file=io.StringIO())
    monkeypatch.setattr("dl_core.cli.answers", console)
    console.print(board_table({"metric": "accuracy", "winner": "trees", "rows": rows}))
    shown = console.file.getvalue()
    assert all(len(line) <= width for line in shown.splitlines())
    assert {line[-1] for line in shown.splitlines()[1:]} == set("┓┃┩│┘")
    assert "0.901" in shown and "0.921" in shown and "…" not in shown.replace(" … ", "")
    assert {word for name in names.values() for word in name.split()} <= set(shown.split())
    assert ("One row" in shown) == (width >= 100)


def test_a_board_over_folds_says_so():
    row = {"tier": 1, "kind": "network", "model": "t001", "name": "MLP", "valid": 0.9, "test": 0.9, "seconds": 1.0}
    record = {"metric": "accuracy", "winner": "t001", "rows": [row]}
    titles = [[column.header for column in board_table({**record, "folds": folds}).columns] for folds in (1, 5)]
    assert "Valid" in titles[0] and "Out of fold" not in titles[0]
    assert "Out of fold" in titles[1] and "Valid" not in titles[1]


def test_a_network_that_was_trained_again_says_so_below_the_board():
    assert _sentences_of({"sentence": "Fine."}) == _sentences_of({"sentence": "Fine.", "refit": None}) == "Fine."
    said = _sentences_of({"sentence": "Fine.", "refit": {"samples": 1_600}})
    assert said.startswith("Fine. The scores were measured on the network that had not seen the test part")
    assert said.endswith("trained again, on all 1,600 labelled samples.")


@pytest.fixture
def view(monkeypatch):
    told = Console(file=io.StringIO(), width=200)
    monkeypatch.setattr("dl_core.cli.messages", told)

    def shown(*facts):
        run = SimpleNamespace(id="r", row={"metric": "roc_auc", "seconds": 60, "error": None}, status="running")
        run.spent, run.events = 1.0, lambda offset: (facts, 0)
        made = View(run)
        made.update(run, 1)
        drawn = Console(file=io.StringIO(), width=200)
        drawn.print(made)
        return drawn.file.getvalue(), told.file.getvalue()

    return shown


def begun(trial):
    return {"event": "trial_start", "trial": trial, "family": "mlp"}


def test_two_trials_at_once_and_their_folds_are_told_apart(view):
    epoch = {"event": "epoch", "epoch": 3.0, "epochs": 40, "score": 0.5}
    shown, _ = view(
        begun("t001"), begun("t002"), begun("t003"),
        {**epoch, "trial": "t001", "member": 1, "members": 5}, {**epoch, "trial": "t002"},
        {"event": "trial_end", "trial": "t003", "family": "mlp", "status": "done", "score": 0.6, "error": None},
    )  # fmt: skip
    assert "1 trial · t001 fold 2 of 5, epoch 3 of 40 · t002 epoch 3 of 40 · ROC AUC: network 0.600" in shown


def test_a_trial_that_was_stopped_early_is_told_so_and_never_leads(view):
    ended = {"event": "trial_end", "family": "mlp", "error": None}
    shown, told = view(
        {**ended, "trial": "t001", "status": "done", "score": 0.6},
        {**ended, "trial": "t002", "status": "pruned", "score": 0.9},
        {"event": "phase", "phase": "refit", "text": "Training the best network again, on all 600 labelled samples"},
    )
    assert "network 0.600 (mlp t001)" in shown and "Training the best network again" in shown
    assert "t001 mlp: 0.600\n" in told and "t002 mlp: 0.900, stopped early\n" in told


def test_the_names_of_options_stay_stable():
    names = {
        "train": "target task metric budget seed split group test test-share families search refit no-refit images "
        "time series horizon out workspace json",
        "predict": "out",
        "leaderboard": "workspace json",
    }
    for command, wanted in names.items():
        shown = CliRunner(env={"COLUMNS": "200", "TERM": "dumb"}).invoke(app, [command, "--help"]).stdout
        assert set(re.findall(r"--([a-z-]+)", shown)) - {"help"} == set(wanted.split()), command


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("60s", 60), ("5m", 300), ("1.5 h", 5400), (" 2 MIN ", 120)])
def test_budgets_are_written_as_people_say_them(text, seconds):
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-5s", "0", "5 days", "1e3", "nan"])
def test_a_budget_that_is_none_is_refused(text):
    with pytest.raises(SpecError):
        parse_seconds(text)


@pytest.mark.parametrize(
    "arguments, words",
    [(["train"], "FILE"), (["train", "x.csv", "--budgett", "3"], "--budgett"), (["bogus"], "bogus")],
)
def test_a_wrong_use_is_one_sentence_and_says_where_help_is(monkeypatch, capsys, arguments, words):
    monkeypatch.setattr("sys.argv", ["dl_core", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert words in said and "--help" in said and said.count("Error") == 1
