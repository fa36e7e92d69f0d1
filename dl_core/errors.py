"""What can go wrong, as one small tree. A person can act on every DeepboardError; anything else is our bug.

DeepboardError
├── DataError          the file or its content cannot be used
│   ├── ReadError      a file cannot be read as what it seems to be
│   └── TargetError    the chosen target does not fit the chosen task
├── SpecError          what was asked for contradicts itself or the dataset
├── TrialError         one parameter set cannot be trained; the search goes on
├── NotFoundError      no dataset, run or model has this id
└── BundleError        a bundle is damaged or does not fit the file
Interrupted            a run was asked to stop or cancel; not an error, never shown as one
"""


class DeepboardError(Exception):
    """Base of everything a person can act on. The message says what happened, what was expected, what to do."""


class DataError(DeepboardError):
    """The file or its content cannot be used."""


class ReadError(DataError):
    """A file cannot be read as what it seems to be."""


class TargetError(DataError):
    """The chosen target does not fit the chosen task."""


class SpecError(DeepboardError):
    """What was asked for contradicts itself or the dataset."""


class TrialError(DeepboardError):
    """One parameter set cannot be trained; the search goes on."""


class NotFoundError(DeepboardError):
    """No dataset, run or model has this id."""


class BundleError(DeepboardError):
    """A bundle is damaged or does not fit the file."""


class Interrupted(BaseException):
    """A run was asked to stop (keep the best) or to cancel. Carries which: 'stop' or 'cancel'."""

    def __init__(self, kind: str):
        super().__init__(kind)
        self.kind = kind
