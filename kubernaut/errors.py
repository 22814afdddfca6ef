"""Every error that this project raises on purpose, in one tree.

::

    KubernautError                 what is wrong, where, and what to do
    ├── InputError                 the user's input cannot be used (exit code 1)
    │   ├── QuantityError          not a Kubernetes quantity
    │   ├── DurationError          not a Go duration, or out of bounds
    │   ├── PolicyError            a policy that cannot be loaded; carries file, line, suggestion
    │   ├── SettingsError          settings.yaml, ConfigMaps, CR conditions
    │   ├── FactsError             objects or parameters that facts cannot be taken from
    │   ├── HistoryError           history files: missing, truncated, unknown schema version
    │   ├── OutputError            a result that cannot be written
    │   └── SchedulerError         the scheduler named cannot be reached, or its workers die
    ├── ApiError                   what the Kubernetes API answered; carries status and reason
    │   ├── NotFoundError          404: looked, and not there
    │   ├── ForbiddenError         401, 403: not allowed to look or to act
    │   ├── ConflictError          409: somebody else wrote first, or it exists already
    │   ├── ExpiredError           410: the history of a watch or list is gone; list again
    │   ├── BusyError              429, 5xx: not now; carries how long to wait
    │   └── UnreachableError       no answer in time; a write may or may not have been carried out
    ├── LeadershipLostError        this process may not write any more
    ├── EvaluatorError             the policy worker could not be started or spoken to (exit code 3)
    └── MissingExtraError          an optional dependency is not installed; says the install line

A verdict of `Error` is not an exception: it is a value that says why a condition could not be judged.
"""

from dataclasses import dataclass


class KubernautError(Exception):
    """Root of the tree; never raised itself."""


class InputError(KubernautError):
    """The user's input cannot be used as it is."""


class QuantityError(InputError):
    """Not a Kubernetes quantity, or one out of range."""


class DurationError(InputError):
    """Not a duration in Go's form, or one out of its bounds."""


class SettingsError(InputError):
    """A settings.yaml, ConfigMap or condition in a custom resource cannot be used."""


class FactsError(InputError):
    """Objects or parameters that facts cannot be taken from."""


class HistoryError(InputError):
    """History that cannot be read."""


class OutputError(InputError):
    """A result that cannot be written; nothing half-written is left behind."""


class SchedulerError(InputError):
    """The scheduler that was named cannot be used: it does not answer, differs in version, or its workers die."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in a source a problem is.

    Attributes
    ----------
    file : str
        Name of the source as the user knows it.
    line : int or None
        One-based; None when the whole file is meant.
    column : int or None
        One-based; None when the whole line is meant.
    """

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.file, *(str(n) for n in (self.line, self.column) if n is not None)]
        return ":".join(parts)


class PolicyError(InputError):
    """A policy that cannot be loaded.

    Parameters
    ----------
    message : str
        What is wrong and what to do.
    place : Place or None
        Where; None when the source has no place for it.
    """

    def __init__(self, message: str, *, place: Place | None = None) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.message = message
        self.place = place


class ApiError(KubernautError):
    """The Kubernetes API refused a request or could not serve it.

    Parameters
    ----------
    message : str
        What was asked and what the server said.
    status : int or None
        HTTP status; None when there was no answer.
    reason : str
        Kubernetes' reason, such as ``AlreadyExists``; empty when it gave none.
    said : str
        The server's own sentence; empty when it gave none.
    """

    def __init__(self, message: str, *, status: int | None = None, reason: str = "", said: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.said = said


class NotFoundError(ApiError):
    """The API server looked, and the object is not there."""


class ForbiddenError(ApiError):
    """The account may not do this."""


class ConflictError(ApiError):
    """Somebody else wrote first, or the object exists already (`reason` tells which)."""


class ExpiredError(ApiError):
    """The history that a watch or a list wanted to go on from is gone: list again."""


class BusyError(ApiError):
    """The API server cannot serve the request now.

    Parameters
    ----------
    retry_after_s : float or None, unit s
        What the server asked to wait; None when it did not say.
    """

    def __init__(
        self, message: str, *, status: int, reason: str = "", said: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, status=status, reason=reason, said=said)
        self.retry_after_s = retry_after_s


class UnreachableError(ApiError):
    """No answer came in time; a write may or may not have been carried out."""


class LeadershipLostError(KubernautError):
    """The process does not lead any more, or cannot be sure that it does, and must not write."""


class EvaluatorError(KubernautError):
    """The policy worker could not be started or spoken to."""


class MissingExtraError(KubernautError):
    """An optional dependency is not installed."""
