"""The rules of the house for jobs: which lanes there are, and how long who waits for what."""

from dataclasses import dataclass, field

from dl_core.settings import CORES


@dataclass(frozen=True, kw_only=True)
class Lane:
    """A row of jobs that one worker does one after the other. A worker gives way to a fresh one after `jobs` jobs, or
    when it holds more than `memory_mib` after one of them. A job that takes longer than `seconds` is ended. What is
    compiled where `keeps_programs` is read by later workers."""

    name: str
    kinds: tuple[str, ...]
    threads: int
    niceness: int = 0
    jobs: int = 1
    memory_mib: float = float("inf")
    seconds: float = float("inf")
    keeps_programs: bool = False
    environment: dict[str, str] = field(default_factory=dict)


# Training is the nice one, so that a page which asks for an explanation has its answer while a run goes on. A fresh
# process for every run keeps nothing of the last one; the graphics card, if there is one, belongs to training.
LANES = {
    lane.name: lane
    for lane in (
        Lane(
            name="train",
            kinds=("train",),
            threads=CORES,
            niceness=5,
            keeps_programs=True,
            environment={"TF_FORCE_GPU_ALLOW_GROWTH": "true"},
        ),
        Lane(
            name="quick",
            kinds=("predict", "explain", "export"),
            threads=1,
            jobs=200,
            memory_mib=2500,
            seconds=1800,
            environment={"CUDA_VISIBLE_DEVICES": "-1"},
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds, except `deaths`. A cancelled run that goes on is terminated after `terminate` and killed after `kill`.
    Idle workers stay ready for `dashboard` after a page was last looked at; after that they and the supervisor leave
    when nothing was to do for `idle`, and a worker whose supervisor is gone after `orphan`. A busy run's lock is waited
    for `lock`. Workers that end before they are ready are replaced after 2, 4, 8, … up to `backoff` seconds. A job
    fails after `deaths` deaths of its worker in a row that got it no further."""

    poll: float = 0.1
    terminate: float = 10.0
    kill: float = 20.0
    dashboard: float = 1800.0
    idle: float = 120.0
    orphan: float = 60.0
    lock: float = 10.0
    backoff: float = 60.0
    deaths: int = 3


PATIENCE = Patience()
