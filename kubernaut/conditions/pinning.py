"""A run keeps the condition set it started with, as long as that set is still at hand.

Policies and settings are resolved once, when a run leaves `pending`; the digest of both levels' sets goes
into its status and into its children's. Only safety policies, overrides and the global switch are read live.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from kubernaut.conditions.compiled_set import CompiledSet
from kubernaut.conditions.condition_set import run_digest
from kubernaut.identity import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedSets:
    """Both levels' sets, and what a run is pinned to."""

    step: CompiledSet
    action: CompiledSet

    @property
    def digest(self) -> str:
        """Give the digest that goes into status."""
        return run_digest(self.step.texts, self.action.texts)

    def level(self, level: Level) -> CompiledSet:
        """Give one level's set."""
        return self.step if level is Level.STEP else self.action


@dataclass(frozen=True, slots=True, kw_only=True)
class PinChoice:
    """Which sets a run uses now.

    Attributes
    ----------
    note : str
        Empty when the run has the sets it started with, else what its results must say.
    """

    sets: PinnedSets
    note: str = ""


def pinned_sets(pinned: str | None, *, known: Mapping[str, PinnedSets], current: PinnedSets) -> PinChoice:
    """Choose the sets of a run.

    Parameters
    ----------
    pinned : str or None
        Digest in the run's status; None before it left `pending`.
    known : mapping of str to PinnedSets
        Sets that this process still holds, by digest.
    current : PinnedSets
        What is in force now.
    """
    if pinned is None or pinned == current.digest:
        return PinChoice(sets=current)
    if pinned in known:
        return PinChoice(sets=known[pinned])
    return PinChoice(
        sets=current,
        note=f"the condition set {pinned[:12]} that this run started with is gone; {current.digest[:12]} is used",
    )
