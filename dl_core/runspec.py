"""Everything a run was asked for, frozen."""

from dataclasses import asdict, dataclass, field

from dl_core.errors import SpecError

SPLITS = ("random", "stratified", "time", "group", "column", "file")
SEARCHES = ("bayesian", "random", "hyperband")


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """A task kind with this dataset's choices. The last five fields belong to forecasting: `horizon` in steps,
    `season` in steps, `frequency` as a pandas offset alias, or 'step' for whole-number time."""

    kind: str
    targets: tuple[str, ...]
    metric: str
    time: str | None = None
    series: tuple[str, ...] = ()
    horizon: int | None = None
    season: int | None = None
    frequency: str | None = None

    @classmethod
    def from_json(cls, record: dict) -> "TaskSpec":
        return cls(**{**record, "targets": tuple(record["targets"]), "series": tuple(record["series"])})


@dataclass(frozen=True, kw_only=True)
class SplitSpec:
    """How train, valid and test are told apart. `column` names the time, group or split column where `kind` needs one;
    `test_dataset` is the id of the user's own test file (kind 'file'; the rest is then split into train and valid)."""

    kind: str
    column: str | None = None
    test_share: float = 0.2
    valid_share: float = 0.2
    test_dataset: str | None = None

    def __post_init__(self):
        if self.kind not in SPLITS:
            raise SpecError(f"There is no split called {self.kind!r}. Choose one of: {', '.join(SPLITS)}.")
        if not 0 < self.test_share < 0.9:
            raise SpecError(f"The test share must lie between 0 and 0.9. Received {self.test_share}.")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """`seconds` of work from the start of the run to the delivered bundle; waiting and downtime do not count.
    `trials` and `epochs` are caps, per run and per trial."""

    seconds: float = 60.0
    trials: int | None = None
    epochs: int | None = None

    def __post_init__(self):
        if not self.seconds > 0:
            raise SpecError(f"A budget must be longer than zero seconds. Received {self.seconds}.")


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """`families` empty means: every family that fits the task. `search` is how parameter sets are proposed once the
    known-good ones were tried; `refit` allows the delivered network to be trained again on every labelled row."""

    dataset: str
    schema_version: int
    task: TaskSpec
    split: SplitSpec
    budget: Budget = field(default_factory=Budget)
    families: tuple[str, ...] = ()
    search: str = "bayesian"
    refit: bool = True
    seed: int = 0

    def __post_init__(self):
        if self.search not in SEARCHES:
            raise SpecError(f"There is no search called {self.search!r}. Choose one of: {', '.join(SEARCHES)}.")

    def to_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict) -> "RunSpec":
        return cls(
            **{
                **record,
                "task": TaskSpec.from_json(record["task"]),
                "split": SplitSpec(**record["split"]),
                "budget": Budget(**record["budget"]),
                "families": tuple(record["families"]),
            }
        )
