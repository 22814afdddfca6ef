"""A stage's status.

Every deadline lives here: a restart reads the status back and goes on to the same end. In memory, moments of
a condition are seconds from the stage's start; in JSON they are RFC 3339 with microseconds, so that a person
can read them and a round trip loses nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kubernaut.verdicts import Verdict
from kubernaut.verification.postcondition import PostconditionState
from kubernaut.verification.precondition import PreconditionState
from kubernaut.verification.types import EndCause, Override, StagePhase


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStatus:
    """Where a stage is.

    Attributes
    ----------
    phase : StagePhase
    started_at : datetime
        Pre: when the stage began. Post: the action's end, from which timeouts count.
    seen_at : datetime
        The latest `now` so far; time never goes back behind it.
    preconditions, postconditions : mapping of str to state
        By condition key; one of the two is empty.
    enforcement : bool
        The global switch as last seen; no longer followed once the stage has a result.
    overrides : mapping of str to Override
        Valid overrides as last seen; no longer followed once the stage has a result.
    overridden : mapping of str to Override
        Those that kept an enforced failure from stopping the run.
    blocked_at, blocked_until : datetime or None
        None when the stage was never blocked.
    decided_at : datetime or None
        When the stage came to its result; None before.
    stopped_by : tuple of str
        Keys of the enforced conditions that block the stage, or made it fail, the reason first.
    message : str
        Why it is blocked or failed: ``type: message``.
    ended : EndCause or None
        Why observation was ended from outside.
    over : bool
        The stage is decided and nobody need look any longer.
    """

    phase: StagePhase
    started_at: datetime
    seen_at: datetime
    preconditions: Mapping[str, PreconditionState] = field(default_factory=dict)
    postconditions: Mapping[str, PostconditionState] = field(default_factory=dict)
    enforcement: bool = True
    overrides: Mapping[str, Override] = field(default_factory=dict)
    overridden: Mapping[str, Override] = field(default_factory=dict)
    blocked_at: datetime | None = None
    blocked_until: datetime | None = None
    decided_at: datetime | None = None
    stopped_by: tuple[str, ...] = ()
    message: str = ""
    ended: EndCause | None = None
    over: bool = False

    @property
    def decided(self) -> bool:
        """Whether the run may go on, or must stop; observation may still go on beside it."""
        return self.decided_at is not None

    @property
    def blocked_s(self) -> float:
        """Seconds spent blocked so far, or in all."""
        if self.blocked_at is None:
            return 0.0
        return ((self.decided_at or self.seen_at) - self.blocked_at).total_seconds()

    def verdict(self, key: str) -> Verdict | None:
        """Give a condition's verdict; None while it has none."""
        state = self.preconditions.get(key) or self.postconditions.get(key)
        return None if state is None else state.verdict

    def decides_otherwise(self, before: "StageStatus") -> bool:
        """Say whether this differs from an earlier status of the stage in what must not be lost.

        The status is stored when it does, and not at every look.
        """
        return _of_stage(self) != _of_stage(before) or any(
            state is not former[key] and state.decisive != former[key].decisive
            for states, former in (
                (self.preconditions, before.preconditions),
                (self.postconditions, before.postconditions),
            )
            for key, state in states.items()
        )


def _of_stage(status: StageStatus) -> tuple[object, ...]:
    return (
        status.phase,
        status.enforcement,
        status.overrides.keys(),
        status.overridden.keys(),
        status.blocked_until,
        status.decided_at,
        status.stopped_by,
        status.ended,
        status.over,
    )
