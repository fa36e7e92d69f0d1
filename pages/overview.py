"""Overview: the way in for data, and where everything stands."""

from collections.abc import Iterator
from html import escape

import streamlit as st

from dl_core.data.examples import EXAMPLES
from dl_core.store import Run
from ui import cached, imports, live, manage, navigation, scores, show, state, thumbs, words
from ui.dropzone import drop_zone

FORMATS = "CSV, TSV, Excel, Parquet or JSON lines · a ZIP or folder of pictures · a time series as a table"
STORY = (
    "Drop a table, a folder of pictures or a time series, and Deepboard works out what is in it. It trains and tunes "
    "neural networks within the time you give, next to simple methods they have to beat. You get the best one as a "
    "download that runs anywhere, with proof that it answers exactly like here."
)
ROWS_AT_FIRST = 6


def main() -> None:
    imports.open_what_arrived()
    if lost := state.lost():
        show.callout("error", lost)
    store = cached.store()
    datasets, runs = store.datasets(actor=state.actor()), store.runs(actor=state.actor())
    if datasets or runs:
        workspace(datasets, runs)
    else:
        first_visit()


def first_visit() -> None:
    st.title("What would you like to predict?")
    show.lead(STORY)
    if not imports.show_all():
        imports.take(drop_zone("first", "Drop your data here", FORMATS))
    show.eyebrow("Or start with an example")
    examples(columns=3)


def examples(columns: int) -> None:
    with st.grid(columns, min_column_width=250, gap="small"):
        for example in EXAMPLES:
            with st.container(border=True, key=f"card-example-{example.key}", gap="xsmall", height="stretch"):
                st.html(f'<div class="db-thumb">{thumbs.example(example.key, example.modality)}</div>')
                if st.button(example.title, key=f"example_{example.key}", type="tertiary"):
                    imports.begin_example(example.key, example.title)
                    st.rerun()
                st.html(f'<p class="db-card-text">{escape(example.sentence)}</p>')


def workspace(datasets: list[dict], runs: list[dict]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Where things stand")
        way_on(datasets, runs)
    waiting = [row for row in runs if row["status"] in ("running", "queued")]
    if waiting:
        at_work(tuple(row["id"] for row in waiting))
    results(runs)
    show.section("Bring more data")
    if not imports.show_all():
        imports.take(drop_zone("more", "Drop data here", FORMATS, slim=True))
    with st.expander("Start with an example"):
        examples(columns=3)
    disk = cached.disk()
    lists(datasets, runs, disk)
    st.html(
        f'<p class="db-muted db-small">Everything here takes {words.size(disk["total"])}; the disk has '
        f"{words.size(disk['free'])} left. It lies in <span class='db-mono'>{escape(str(cached.store().workspace))}"
        "</span>.</p>"
    )


def way_on(datasets: list[dict], runs: list[dict]) -> None:
    """Continue where you were: the newest run, or newer data, the chosen one first, where nothing was trained yet."""
    run = next((row for row in runs if row["status"] == "running"), runs[0] if runs else None)
    dataset = next((row for row in datasets if row["id"] == state.dataset_id()), datasets[0] if datasets else None)
    if dataset and (run is None or dataset["created"] > run["created"]):
        navigation.primary_link("data", _named("Continue with", dataset), dataset=dataset["id"])
    elif run:
        navigation.primary_link("run", _named("Continue with", run), dataset=run["dataset"], run=run["id"])


def _named(verb: str, row: dict) -> str:
    return f"{verb} {show.escape_markdown(row['name'])}"


@st.fragment(run_every=1.0)
def at_work(ids: tuple[str, ...]) -> None:
    """Runs at work and in the queue. When one ends, the page is drawn anew."""
    store = cached.store()
    runs = [run for run in cached.runs_by_id(ids) if run.status in ("running", "queued")]
    if len(runs) < len(ids):
        st.rerun(scope="app")
    for run in sorted(runs, key=lambda run: (run.status == "queued", store.place(run.id, actor=state.actor()))):
        with st.container(border=True, key=f"card-live-{run.id}", gap="xsmall"):
            navigation.link("run", show.escape_markdown(run.row["name"]), dataset=run.row["dataset"], run=run.id)
            st.html(queued_html(store.place(run.id, actor=state.actor())) if run.status == "queued" else live_html(run))


def queued_html(place: int) -> str:
    sentence = "next in the queue" if place <= 1 else f"{words.plural(place - 1, 'run')} before it"
    return f'<div class="db-row">{show.pill("queued")}<span class="db-muted">{sentence}</span></div>'


def live_html(run: Run) -> str:
    progress = live.follow(run, scores.direction(run.row["metric"]))
    left = max(0.0, run.row["seconds"] - live.spent(run))
    best, baseline = progress.best_trial, progress.baseline
    figures = []
    if best:
        figures.append(f"best {scores.title(run.row['metric'])} so far <b>{words.number(best.score)}</b>")
    if baseline:
        figures.append(f"best baseline {words.number(baseline['valid'])}")
    return (
        f'<div class="db-stack"><div class="db-row">{show.pill("running")}'
        f"<span>{escape(live.phase_words(progress))}</span>"
        f'<span class="db-push db-muted">{words.clock(left)} left</span></div>'
        f'{show.bar(live.share_done(run))}<div class="db-muted db-small">{" · ".join(figures)}</div></div>'
    )


def results(runs: list[dict]) -> None:
    """The last finished runs as cards: dataset, best model, score with interval, gain over the baseline."""
    found = [(row, board) for row in runs if (board := cached.board(row))][:3]
    if not found:
        return
    show.section("Latest results")
    with st.grid(3, min_column_width=280, gap="small"):
        for row, board in found:
            with st.container(border=True, key=f"card-result-{row['id']}", gap="xsmall", height="stretch"):
                navigation.link("run", show.escape_markdown(row["name"]), dataset=row["dataset"], run=row["id"])
                st.html(result_html(row, board))


def result_html(row: dict, board: dict) -> str:
    best = scores.winner(board)
    return (
        f'<div class="db-stack"><div><div class="db-figure">{words.score(best["test"], best["interval"])}</div>'
        f'<div class="db-muted db-small">{scores.title(board["metric"])}, {escape(best["name"])}</div></div>'
        f'<p class="db-card-text">{escape(scores.gain(board))}</p>'
        f'<div class="db-row db-small">{show.pill(row["status"])}'
        f'<span class="db-muted">{words.ago(row["ended"] or row["created"])}</span></div></div>'
    )


def lists(datasets: list[dict], runs: list[dict], disk: dict) -> None:
    show.section("Datasets")
    if not datasets:
        st.html('<p class="db-muted">No data at the moment. The runs below keep their models without it.</p>')
    for row in shown("datasets", datasets):
        shape = words.plural(row["rows"], "picture" if row["modality"] == "image" else "row")
        about = f"{words.MODALITIES[row['modality']]} · {shape} · {words.plural(row['runs'], 'run')}"
        line("dataset", row, "data", about, disk["datasets"].get(row["id"]), "")
    if runs:
        show.section("Runs")
    for row in shown("runs", runs):
        about = f"{row['dataset_name'] or 'data deleted'} · {words.ago(row['created'])}"
        if row["score"] is not None:
            about += f" · {row['winner']} {words.number(row['score'])} {scores.title(row['metric'])}"
        line("run", row, "run", about, disk["runs"].get(row["id"]), show.pill(row["status"]))


def shown(key: str, rows: list[dict]) -> Iterator[dict]:
    """The first rows, and the others behind a button."""
    everything = len(rows) <= ROWS_AT_FIRST or st.session_state.get(f"all_{key}", False)
    yield from rows if everything else rows[:ROWS_AT_FIRST]
    if not everything and st.button(f"Show all {len(rows)} {key}", key=f"show_all_{key}", type="tertiary"):
        st.session_state[f"all_{key}"] = True
        st.rerun()


def line(kind: str, row: dict, page: str, about: str, disk: int | None, pill: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"line-{kind}-{row['id']}"):
        ids = {"dataset": row["id"]} if kind == "dataset" else {"dataset": row["dataset"], "run": row["id"]}
        navigation.link(page, show.escape_markdown(row["name"]), **ids)
        st.html(
            f'<div class="db-row db-small"><span class="db-muted">{escape(about)}</span>{pill}'
            f'<span class="db-push db-muted">{words.size(disk or 0)}</span></div>'
        )
        manage.menu(kind, row, disk)


main()
