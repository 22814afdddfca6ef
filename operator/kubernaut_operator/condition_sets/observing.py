"""What others are told of loads: metrics implement it, tests listen to it."""

from dataclasses import dataclass
from typing import Protocol

from kubernaut_operator.condition_sets.names import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadState:
    """What is in force of one part, and how its last load went.

    Attributes
    ----------
    accepted : bool
        The ConfigMap as it is now is in force, or there is none.
    digest : str
        sha256 (hex) of what is in force.
    resource_version : str
        Of the ConfigMap that was looked at last; empty without one.
    reason : str
        Why it was not accepted, and what is in force instead; empty when it was.
    """

    part: Part
    accepted: bool
    digest: str
    resource_version: str = ""
    reason: str = ""


class SetsObserver(Protocol):
    """Told of every load; must be quick and must not raise."""

    def loaded(self, state: LoadState) -> None:
        """Note how a load went."""
        ...


class NoObserver:
    """Listens to nothing."""

    def loaded(self, state: LoadState) -> None:
        """Let it pass."""
