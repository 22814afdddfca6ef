"""What one step of a run hands back, and how it takes its answers out of what was observed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from kubernaut.execution.intents import Intent
from kubernaut.execution.status import ExecutionStatus
from kubernaut.execution.types import CouldNot, Observation
from kubernaut.verification.stage_step import ASK_AGAIN_S
from kubernaut.verification.types import EmitEvent, EventType

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What one step did.

    Attributes
    ----------
    status : ExecutionStatus
    records : tuple of Intent
        Rows, which go before the status that uses them.
    events : tuple of EmitEvent
    asks : tuple of Intent
        What is to be done once the status is stored.
    due : datetime or None
        When to ask again if nothing happens before; None when there is nothing to wait for.
    again : bool
        Another step can be taken at once, without an answer.
    """

    status: ExecutionStatus
    records: tuple[Intent, ...] = ()
    events: tuple[EmitEvent, ...] = ()
    asks: tuple[Intent, ...] = ()
    due: datetime | None = None
    again: bool = False


@dataclass(slots=True)
class Seen:
    """The observations of one call; each is taken once, by the step whose answer it is.

    Attributes
    ----------
    failures : dict of str to CouldNot
        Intents that will not be tried again, by `retrying.kind_of`: the answer was final, or came too late.
    """

    observations: list[Observation]
    failures: dict[str, CouldNot] = field(default_factory=dict)

    def take(self, kind: type[T]) -> T | None:
        """Give the newest observation of a kind and forget all of that kind; None when there is none."""
        found = [entry for entry in self.observations if isinstance(entry, kind)]
        if not found:
            return None
        self.observations = [entry for entry in self.observations if not isinstance(entry, kind)]
        return found[-1]

    def failure(self, *kinds: str) -> CouldNot | None:
        """Give what finally failed among intents of some names, once."""
        for kind in kinds:
            if kind in self.failures:
                return self.failures.pop(kind)
        return None


def asking(status: ExecutionStatus, *asks: Intent, now: datetime) -> Progress:
    """Ask, unless something failed a moment ago; then wait until it may be tried again."""
    wait_until = status.memory.next_try_at
    if wait_until is not None and now < wait_until:
        return Progress(status=status, due=wait_until)
    return Progress(status=status, asks=asks, due=after(now, ASK_AGAIN_S))


def after(now: datetime, seconds: float) -> datetime:
    """Give the moment `seconds` after `now`."""
    return now + timedelta(seconds=seconds)


def warning(reason: str, message: str) -> EmitEvent:
    """Give an Event that somebody should read."""
    return EmitEvent(type=EventType.WARNING, reason=reason, message=message)


def normal(reason: str, message: str) -> EmitEvent:
    """Give an Event about the ordinary way of things."""
    return EmitEvent(type=EventType.NORMAL, reason=reason, message=message)


def shortened(text: str, *, most: int) -> str:
    """Cut a text that would be too long for a status."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def earliest(*moments: datetime | None) -> datetime | None:
    """Give the first of some moments; None when there is none."""
    return min((moment for moment in moments if moment is not None), default=None)


def taken_of(observations: Sequence[Observation], kind: type[T]) -> list[T]:
    """Give all observations of a kind, oldest first."""
    return [entry for entry in observations if isinstance(entry, kind)]
