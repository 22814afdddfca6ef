"""What the recorder tells others: figures for metrics, and trouble for people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Dropped(StrEnum):
    """Why a row was not written."""

    DISK_FULL = "disk_full"
    DISK_ERROR = "disk_error"
    TOO_SLOW = "too_slow"
    UNWRITABLE = "unwritable"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderFigures:
    """Since the start, and now.

    Attributes
    ----------
    written : mapping of str to int
        Rows by kind.
    dropped : mapping of str to int
        Rows by reason, `Dropped`.
    bytes_written : int
        Compressed.
    files, bytes_on_disk : int
        Of this pod, as far as the last look at the folder and what was written since say.
    deleted : int
        Files deleted for size or age.
    trouble : str
        Why the last rows could not be written; empty when they were.
    """

    written: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    bytes_written: int = 0
    files: int = 0
    bytes_on_disk: int = 0
    deleted: int = 0
    trouble: str = ""


class TroubleTeller(Protocol):
    """Told when recording begins to fail and when it works again; may take its time, must not raise."""

    def __call__(self, *, reason: str, note: str, warning: bool) -> None:
        """Tell a person: an Event on the operator's pod, for example."""
        ...
