"""Download: a card for each network, with the proof that it answers like the app."""

from html import escape
from typing import Any

import streamlit as st

from dl_core.evaluation import spoken
from dl_core.records import read_json
from dl_core.store import Run
from ui import ask, files, guards, navigation, scores, show, words
from ui import board as boards

Row = dict[str, Any]

KINDS = {
    "forecasting": ("latest_history.csv", "the next steps of every series, with their quantiles"),
    "image": ("pictures.zip", "a class for every picture, with its probabilities"),
    "table": ("new_rows.csv", "a prediction for every row, in the same order"),
}


def main() -> None:
    run, board = guards.need_leaderboard()
    best = scores.row(board, board["best_network"])
    st.title("Take it with you")
    show.lead(
        "Each download is a ZIP that predicts on any machine with Python, without Deepboard: the model with all "
        "preprocessing inside, a program that runs it, and a receipt that proves it answers like here."
    )
    winner = scores.winner(board)
    if winner["kind"] == "baseline":
        show.callout("note", board["sentence"], "Baselines predict in the app; what is offered here are the networks.")
    if best is None:
        show.callout("warning", "This run has no network to download.", "Give it more time, or train other families.")
        return
    networks = [row for row in board["rows"] if row["kind"] != "baseline"]
    card(run, board, best, primary=True)
    others = [row for row in networks if row["model"] != best["model"]]
    if others:
        show.section("Other networks of this run")
        for row in others:
            card(run, board, row, primary=False)
    baselines = [row["name"] for row in board["rows"] if row["kind"] == "baseline"]
    if baselines:
        st.html(
            f'<p class="db-muted db-small">{escape(words.listing(baselines, 6))} cannot be downloaded: the kit is made '
            "for networks. They predict in the app.</p>"
        )
    navigation.link("overview", "Back to the overview", icon="arrow_forward")


def card(run: Run, board: dict[str, Any], row: Row, *, primary: bool) -> None:
    """One network: what it is for, what it costs, its proof, the file and how to use it."""
    archive = run.folder / "exports" / f"{row['model']}.zip"
    receipt = read_json(archive.with_suffix(".receipt.json"))
    value, interval = boards.shown(row)
    with st.container(border=True, key=f"kit-{row['model']}", gap="small"):
        left, right = st.columns([3, 2], gap="large") if primary else (st.container(), None)
        with left:
            tag = show.pill("plain", "best network") if primary else ""
            st.html(f'<div class="db-row"><b class="db-kit">{escape(row["name"])}</b>{tag}</div>')
            refit = run.model(row["model"]).get("refit")
            st.html(f'<p class="db-card-text">{escape(" ".join((purpose(board, row), spoken.refitted(refit))))}</p>')
            fewer = refit is not None and board.get("folds", 1) > 1  # one network now, where several were scored
            facts = [
                (scores.title(board["metric"]), words.score(value, interval)),
                ("Download", words.size(archive.stat().st_size))
                if archive.exists()
                else ("Weights", words.size(row["bytes"] or 0)),
                ("One row", ("at most " if fewer else "") + boards.latency(row["latency_ms"])),
                ("Parameters", words.count((refit or row)["parameters"] or 0)),
            ]
            show.facts(facts)
            proof(receipt)
            if archive.exists() and receipt and receipt["passed"]:
                files.link(archive, zip_name(row), "Download the ZIP", primary=primary)
            elif receipt is None:
                prepare(run, row)
        if right is not None:
            with right:
                usage(run, row)


def zip_name(row: Row) -> str:
    return f"{show.file_name(row['name'])}.zip"


def purpose(board: dict[str, Any], row: Row) -> str:
    rows = [each for each in board["rows"] if each["kind"] != "baseline"]
    smallest = min(rows, key=lambda each: each["bytes"] or float("inf"))
    fastest = min(rows, key=lambda each: each["latency_ms"] or float("inf"))
    best = row["model"] == board["best_network"]
    if best and row in (smallest, fastest):
        return "The network that scores best, and the " + ("smallest" if row is smallest else "fastest") + " as well."
    if best:
        return "The network that scores best."
    merits = [word for word, each in (("smallest", smallest), ("fastest", fastest)) if each is row]
    if merits:
        return f"The {' and '.join(merits)} network."
    return row["why"]


def proof(receipt: dict | None) -> None:
    """The parity receipt in words."""
    if receipt is None:
        st.html(
            '<p class="db-muted" style="margin:0">Not packed yet. Packing includes the proof, about half a minute.</p>'
        )
        return
    sentence = receipt.get("sentence") or "The download answers like the app."
    show.callout("passed" if receipt["passed"] else "warning", sentence, _about(receipt) if receipt["passed"] else "")


def _about(receipt: dict) -> str:
    return f"Compared on {receipt['sample']}, run from the unpacked ZIP." if receipt.get("sample") else ""


def prepare(run: Run, row: Row) -> None:
    slot = f"packing_{run.id}_{row['model']}"
    if st.button("Pack and prove it", key=f"pack_{row['model']}") or st.session_state.get(slot):
        st.session_state[slot] = True
        payload = {"run": run.id, "model": row["model"]}
        if ask.ask("export", payload, key=slot, doing="Packing, unpacking elsewhere, comparing answers …") is not None:
            st.session_state.pop(slot)
            st.rerun()


def usage(run: Run, row: Row) -> None:
    """The three lines that use it."""
    task = run.spec.task.kind
    kind = "image" if "image" in run.prepared.signature.inputs else task if task == "forecasting" else "table"
    source, gives = KINDS[kind]
    show.eyebrow("Three lines to use it")
    st.code(
        f"unzip {zip_name(row)} -d model\npip install -r model/requirements.txt\n"
        f"python model/predict.py {source} --out predictions.csv",
        language="bash",
        wrap_lines=True,
    )
    st.html(f'<p class="db-muted db-small">It gives {gives}.</p>')


main()
