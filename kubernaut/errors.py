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


class EvaluatorError(KubernautError):
    """The policy worker could not be started or spoken to."""


class MissingExtraError(KubernautError):
    """An optional dependency is not installed."""
