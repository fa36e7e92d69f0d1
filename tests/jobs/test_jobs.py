"""Jobs in real processes: completes, is cancelled, crashes, is killed; nothing is lost and nothing runs twice."""

import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import pytest

from dl_core.errors import DeepboardError
from dl_core.jobs import queue
from dl_core.jobs.launcher import ROOT, ensure_supervisor, lane_lock, supervisor_lock
from dl_core.jobs.processes import Process
from dl_core.jobs.rules import LANES
from dl_core.jobs.supervisor import Supervisor
from dl_core.jobs.worker import Worker
from dl_core.records import write_json
from dl_core.registry import Registry
from dl_core.runspec import Budget, RunSpec, SplitSpec, TaskSpec
from dl_core.store import Store
from dl_core.store.locks import is_locked, signature
from tests.background import end_all
from tests.jobs import fake


class House:
    """A workspace with impatient background processes, looked after the way pages and the CLI do it."""

    command = fake.SUPERVISE

    def __init__(self, workspace):
        self.store = Store(workspace)
        folder = self.store.incoming()
        write_json(folder / "meta.json", {"name": "wine", "modality": "table", "rows": 3, "bytes": 12})
        self.dataset = self.store.add_dataset(folder)

    def launch(self, behaviour):
        task = TaskSpec(kind="regression", targets=("price",), metric="rmse")
        spec = RunSpec(
            dataset=self.dataset.id,
            schema_version=1,
            task=task,
            split=SplitSpec(kind="random"),
            budget=Budget(seconds=60),
            families=(behaviour,),
        )
        return self.store.create_run(spec)

    def until(self, true, seconds=20.0):
        """Look again and again, as a page does: every look makes sure that there is a supervisor."""
        deadline = time.monotonic() + seconds
        while not (found := true()):
            assert time.monotonic() < deadline, "This did not happen in time."
            ensure_supervisor(self.store.workspace, keep_warm=False, command=self.command)
            time.sleep(0.01)
        return found

    def ended(self, run):
        return self.until(lambda: (again := self.store.run(run.id)).ended and again)

    def events(self, run, kind):
        return [event for event in run.events()[0] if event["event"] == kind]

    def has_begun(self, run, trial):
        return self.until(lambda: any(event["trial"] == trial for event in self.events(run, "trial_start")))

    def go(self, run, *numbers):
        for number in numbers:
            (run.folder / f"go-{number}").touch()

    def job(self, run):
        return self.store.catalogue.first(
            "select * from jobs where run = ? and kind = 'train' order by place desc", run.id
        )

    def holder(self, path):
        found = signature(path)
        return Process(found["pid"], found["started"]) if found else None

    def kill_worker(self, run):
        os.kill(self.job(run)["pid"], signal.SIGKILL)

    def kill_supervisor(self):
        path = supervisor_lock(self.store.workspace)
        boss = self.until(lambda: (holder := self.holder(path)) and holder.alive and holder)
        os.kill(boss.pid, signal.SIGKILL)
        self.wait_for_death(boss)

    def wait_for_death(self, process):
        deadline = time.monotonic() + 10
        while process.alive:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def close(self):
        end_all(self.store.workspace)


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path / "workspace")
    yield house
    house.close()


def assert_each_trial_counted_once(house, run):
    counts = Counter(event["trial"] for event in house.events(run, "trial_end"))
    assert counts == {f"t{number:03}": 1 for number in range(1, fake.TRIALS + 1)}
    assert [event["status"] for event in house.events(run, "end")][-1:] == ["done"]


def test_a_run_completes_and_shows_its_winner_in_the_list(house):
    run = house.launch("steps")
    house.go(run, 1, 2, 3, 4)
    row = house.ended(run).row
    assert (row["status"], row["winner"], row["score"], row["error"]) == ("done", "MLP", 0.5, None)
    assert row["created"] <= row["started"] <= row["ended"]
    assert house.job(run)["attempts"] == 1
    assert_each_trial_counted_once(house, run)
    assert f"process {house.job(run)['pid']}" in run.log_tail()


def test_runs_follow_one_another_each_in_a_fresh_process(house):
    runs = [house.launch("steps") for _ in range(3)]
    house.has_begun(runs[0], "t001")
    assert [house.store.place(run.id) for run in runs] == [0, 2, 3]
    for run in runs:
        house.go(run, 1, 2, 3, 4)
    for run in runs:
        house.ended(run)
    assert len({house.job(run)["pid"] for run in runs}) == 3
    for first, second in zip(runs, runs[1:], strict=False):
        assert first.events()[0][-1]["t"] <= second.events()[0][0]["t"]


def test_a_worker_killed_mid_trial_is_followed_by_one_that_goes_on(house):
    run = house.launch("steps")
    house.go(run, 1)
    house.has_begun(run, "t002")
    house.kill_worker(run)
    house.go(run, 2, 3, 4)
    assert house.ended(run).status == "done"
    assert house.job(run)["attempts"] == 2
    assert_each_trial_counted_once(house, run)


def test_a_run_that_gets_further_survives_any_number_of_deaths(house):
    run = house.launch("bumpy")
    house.go(run, 1, 2, 3, 4)
    assert house.ended(run).status == "done"
    assert house.job(run)["attempts"] == fake.TRIALS
    assert_each_trial_counted_once(house, run)


def test_a_death_that_got_further_within_a_trial_is_forgiven_too(house):
    run = house.launch("slow")
    assert house.ended(run).status == "done"
    assert house.job(run)["attempts"] == 5
    assert [event["epoch"] for event in house.events(run, "epoch")] == [1, 1, 2, 1, 2, 3, 1, 2, 3, 4, 1, 2, 3, 4, 5]


def test_a_poisonous_run_fails_after_three_attempts_with_the_reason(house):
    run = house.launch("poison")
    row = house.ended(run).row
    assert row["status"] == "failed"
    assert "was killed" in row["error"] and "3 times" in row["error"] and "about to burst" in row["error"]
    assert len(house.events(run, "attempt")) == 3
    after = house.launch("steps")
    house.go(after, 1, 2, 3, 4)
    assert house.ended(after).status == "done"


def test_a_killed_supervisor_is_replaced_and_its_worker_kept(house):
    run = house.launch("steps")
    for number in (1, 2, 3):
        house.has_begun(run, f"t{number:03}")
        house.kill_supervisor()
        house.go(run, number)
    house.has_begun(run, "t004")
    house.until(lambda: is_locked(supervisor_lock(house.store.workspace)))
    house.go(run, 4)
    assert house.ended(run).status == "done"
    assert len(house.events(run, "attempt")) == 1
    assert_each_trial_counted_once(house, run)


def test_a_run_whose_worker_and_supervisor_both_die_goes_on_when_somebody_looks(house):
    run = house.launch("steps")
    house.has_begun(run, "t001")
    house.kill_supervisor()
    worker = Process(*(house.job(run)[key] for key in ("pid", "pid_started")))
    house.kill_worker(run)
    house.wait_for_death(worker)
    assert house.store.run(run.id).status == "running"  # nobody has looked yet
    house.go(run, 1, 2, 3, 4)
    assert house.ended(run).status == "done"
    assert house.job(run)["attempts"] == 2
    assert_each_trial_counted_once(house, run)


def test_a_run_goes_on_while_its_supervisor_is_dead(house):
    run = house.launch("steps")
    house.has_begun(run, "t001")
    house.kill_supervisor()
    house.go(run, 1, 2, 3, 4)
    deadline = time.monotonic() + 10
    while not house.store.run(run.id).ended:  # nobody calls for a supervisor
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert house.store.run(run.id).status == "done"


def test_cancel_reaches_a_run_at_work(house):
    run = house.launch("steps")
    house.has_begun(run, "t001")
    house.store.request_cancel(run.id)
    assert house.ended(run).status == "cancelled"
    assert house.job(run)["attempts"] == 1


def test_a_run_that_does_not_listen_is_killed_with_everything_it_started(house):
    run = house.launch("deaf")
    child = Process.numbered(house.until(lambda: house.events(run, "child"))[0]["pid"])
    assert child.alive
    worker = Process(*(house.job(run)[key] for key in ("pid", "pid_started")))
    house.store.request_cancel(run.id)
    assert house.ended(run).status == "cancelled"
    house.wait_for_death(worker)
    house.wait_for_death(child)
    assert house.job(run)["attempts"] == 1


def test_stop_keeps_what_there_is_and_added_time_goes_on_from_there(house):
    run = house.launch("steps")
    house.go(run, 1)
    house.has_begun(run, "t002")
    house.store.request_stop(run.id)
    assert house.ended(run).status == "stopped"
    house.store.add_time(run.id, 60)
    house.go(run, 2, 3, 4)
    again = house.ended(run)
    assert again.status == "done" and again.row["seconds"] == 120
    assert_each_trial_counted_once(house, run)


def test_cancelling_a_continuation_keeps_what_the_run_had(house):
    run = house.launch("steps")
    house.go(run, 1)
    house.has_begun(run, "t002")
    house.store.request_stop(run.id)
    house.ended(run)
    house.store.add_time(run.id, 60)
    house.until(lambda: len(house.events(run, "trial_start")) == 3)
    house.store.request_cancel(run.id)
    row = house.ended(run).row
    assert (row["status"], row["winner"]) == ("stopped", "MLP")


def test_our_mistake_fails_at_once_and_leaves_its_traceback_in_the_log(house):
    run = house.launch("mistaken")
    row = house.ended(run).row
    assert row["status"] == "failed" and f"(run {run.id})" in row["error"] and "Traceback" not in row["error"]
    assert "shapes (3,) and (4,) do not match" in run.log_tail()
    assert len(house.events(run, "attempt")) == 1


def test_what_a_person_can_mend_is_said_as_written(house):
    run = house.launch("refused")
    assert house.ended(run).row["error"] == "Column 'price' is empty. Choose another target."
    assert house.events(run, "end")[-1]["error"] == "Column 'price' is empty. Choose another target."


def test_quick_jobs_are_answered_by_one_worker_while_a_run_is_at_work(house):
    run = house.launch("steps")
    house.has_begun(run, "t001")
    answers = []
    for number in range(3):
        job = house.store.submit("add", {"numbers": [number, 1]}, run=run.id)
        house.until(lambda job=job: house.store.job(job)["status"] == "done")
        answers.append(house.store.wait(job, timeout=1))
    assert [answer["sum"] for answer in answers] == [1, 2, 3]
    assert len({answer["pid"] for answer in answers}) == 1
    assert house.store.run(run.id).status == "running"
    assert os.getpriority(os.PRIO_PROCESS, answers[0]["pid"]) < os.getpriority(os.PRIO_PROCESS, house.job(run)["pid"])


def test_a_quick_job_that_kills_its_worker_fails_with_a_sentence_and_the_next_is_answered(house):
    bad = house.store.submit("die", {})
    good = house.store.submit("add", {"numbers": [1]})
    unknown = house.store.submit("dance", {})
    house.until(lambda: house.store.job(unknown)["status"] == "failed")
    with pytest.raises(DeepboardError, match="3 times"):
        house.store.wait(bad, timeout=1)
    assert house.store.wait(good, timeout=1)["sum"] == 1
    with pytest.raises(DeepboardError, match="no job called 'dance'"):
        house.store.wait(unknown, timeout=1)


def test_a_quick_job_that_takes_too_long_is_ended(house):
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    job = house.store.submit("add", {"numbers": []})
    queue.claim(house.store, "quick", Process.numbered(sleeper.pid))
    with house.store.catalogue.transaction() as connection:
        connection.execute("update jobs set claimed = claimed - 3600")
    Supervisor(house.store, fake.WORK, fake.IMPATIENT).tick()
    assert sleeper.wait(timeout=10) == -signal.SIGKILL
    with pytest.raises(DeepboardError, match="longer than 30 minutes"):
        house.store.wait(job, timeout=1)


def test_a_worker_gives_way_after_its_jobs_or_when_it_has_grown(house):
    registry = Registry("job", {"add": "tests.jobs.fake:add"})
    jobs = [house.store.submit("add", {"numbers": [number]}) for number in range(4)]
    # this process holds what other tests have loaded, so memory has no limit here
    Worker(house.store, replace(LANES["quick"], jobs=2, memory_mib=math.inf), registry, fake.IMPATIENT).work()
    assert [house.store.job(job)["status"] for job in jobs] == ["done", "done", "queued", "queued"]
    Worker(house.store, replace(LANES["quick"], memory_mib=1), registry, fake.IMPATIENT).work()
    assert [house.store.job(job)["status"] for job in jobs] == ["done", "done", "done", "queued"]


def test_a_number_that_passed_to_another_process_is_not_signalled():
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    now = Process.numbered(other.pid)
    before = Process(other.pid, now.started - 1)
    assert now.alive and not before.alive
    before.signal_group(signal.SIGKILL)
    assert now.alive
    now.signal_group(signal.SIGKILL)
    assert other.wait(timeout=10) == -signal.SIGKILL and not now.alive


def test_of_many_starters_one_starts_the_supervisor(house):
    script = (
        "import sys; from pathlib import Path; from dl_core.jobs import ensure_supervisor\n"
        "started = [ensure_supervisor(Path(sys.argv[1]), command=tuple(sys.argv[2:])) for _ in range(20)]\n"
        "sys.stdout.write(str(sum(started)))"
    )
    command = [sys.executable, "-c", script, str(house.store.workspace), *house.command]
    starters = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sum(int(starter.communicate(timeout=30)[0]) for starter in starters) == 1
    second = [*house.command, str(house.store.workspace)]
    environment = {**os.environ, "PYTHONPATH": ROOT}
    answer = subprocess.run(second, capture_output=True, text=True, timeout=30, env=environment)
    assert answer.returncode != 0 and "already has a supervisor" in answer.stderr


def test_a_second_worker_leaves_a_run_that_is_held_alone(house):
    """Even where the queue is wrong about who is alive, the lock of the run is right."""
    run = house.launch("steps")
    house.has_begun(run, "t001")
    worker = house.job(run)["pid"]
    with house.store.catalogue.transaction() as connection:
        connection.execute("update jobs set status = 'queued', pid = null, pid_started = null where run = ?", (run.id,))
    other = Worker(house.store, LANES["train"], fake.JOBS, fake.IMPATIENT)
    other.work()
    assert [event["pid"] for event in house.events(run, "attempt")] == [worker]
    assert house.job(run)["status"] == "queued"


def test_when_no_worker_can_start_waiting_jobs_fail_with_the_reason(tmp_path):
    house = House(tmp_path / "workspace")
    house.command = (*fake.PYTHON, "supervise-broken")
    try:
        run = house.launch("steps")
        error = house.ended(run).row["error"]
        assert "No worker could be started" in error and "libtensorflow.so: cannot open" in error
    finally:
        house.close()


def test_with_nothing_to_do_and_nobody_looking_everything_leaves(house):
    run = house.launch("steps")
    house.go(run, 1, 2, 3, 4)
    answer = house.store.submit("add", {"numbers": [1]})
    house.ended(run)
    house.until(lambda: house.store.job(answer)["status"] == "done")
    paths = [supervisor_lock(house.store.workspace), *(lane_lock(house.store.workspace, lane) for lane in LANES)]
    deadline = time.monotonic() + 15
    while any(is_locked(path) for path in paths):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_page_keeps_workers_of_both_lanes_ready(house):
    ensure_supervisor(house.store.workspace, command=house.command)
    house.until(lambda: all(signature(lane_lock(house.store.workspace, lane)).get("ready") for lane in LANES))
