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

    @property
    def decisive(self) -> tuple[object, ...]:
        """What must not be lost: the status is stored when this changes, and not at every look."""
        return (
            self.phase,
            self.enforcement,
            tuple(sorted(self.overrides)),
            tuple(sorted(self.overridden)),
            self.blocked_until,
            self.decided_at,
            self.stopped_by,
            self.ended,
            self.over,
            tuple((key, state.verdict, state.now_verdict) for key, state in self.preconditions.items()),
            tuple((key, state.decisive) for key, state in self.postconditions.items()),
        )
