"""What a call collects on its way: answers to take, rows, Events and intents to give, the next moment to look."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from kubernaut.execution.progress import earliest
from kubernaut.verification.types import EmitEvent
from kubernaut.workflow.intents import Intent
from kubernaut.workflow.keys import StepKey
from kubernaut.workflow.types import CouldNot, Observation

T = TypeVar("T")


@dataclass(slots=True)
class Call:
    """One call of `decide`.

    Attributes
    ----------
    now : datetime
    answers : list of Observation
        Those not taken yet.
    failures : dict of str to CouldNot
        Intents whose failure is final, by `failure_kind`.
    records, events, asks : list
        What the decision will say, in this order, with the status stored between records and Events.
    due : datetime or None
        The earliest moment that somebody asked for.
    """

    now: datetime
    answers: list[Observation]
    failures: dict[str, CouldNot] = field(default_factory=dict)
    records: list[Intent] = field(default_factory=list)
    events: list[EmitEvent] = field(default_factory=list)
    asks: list[Intent] = field(default_factory=list)
    due: datetime | None = None

    def take(self, kind: type[T], *, key: StepKey | None = None) -> T | None:
        """Give the newest answer of a kind (of a step) and forget all of them; None when there is none."""
        found = [entry for entry in self.answers if isinstance(entry, kind) and _of(entry, key)]
        self.answers = [entry for entry in self.answers if not (isinstance(entry, kind) and _of(entry, key))]
        return found[-1] if found else None

    def wake(self, *moments: datetime | None) -> None:
        """Ask to be called again at the first of some moments."""
        self.due = earliest(self.due, *moments)

    def ask(self, *intents: Intent) -> None:
        """Have something done once the status is stored."""
        self.asks += intents

    def tell(self, *events: EmitEvent) -> None:
        """Say something once the status is stored."""
        self.events += events

    def record(self, intents: Iterable[Intent]) -> None:
        """Have rows written before the status is stored."""
        self.records += intents


def _of(entry: object, key: StepKey | None) -> bool:
    return key is None or getattr(entry, "key", None) == key
