"""One precondition: what one evaluation comes to, and the state that keeps the first and the newest.

All preconditions of a stage are judged on one snapshot. There is no polling before `blocked`; a blocked stage
reads again, but the first attempt stays the statistical vote: what a later look says was made by waiting.
"""

from dataclasses import dataclass, replace

from kubernaut.verdicts import Attempt, Code, Judgement, Reason, Verdict
from kubernaut.verification.timeline import Look

_VERDICTS = {Code.PASSED: Verdict.PASSED, Code.FAILED: Verdict.FAILED, Code.ERROR: Verdict.ERROR}


def within_limit(judgement: Judgement, *, elapsed_s: float, timeout_s: float) -> Judgement:
    """Give what a precondition's evaluation says, given how long it took.

    Parameters
    ----------
    judgement : Judgement
    elapsed_s : float
        From the start of the read to its end.
    timeout_s : float
        Limits one evaluation; a longer one is an Error, whatever it said.
    """
    if elapsed_s <= timeout_s:
        return judgement
    return Judgement(
        Code.ERROR,
        Reason.LIMIT_EXCEEDED,
        f"reading and judging took {elapsed_s:g} s; the timeout is {timeout_s:g} s",
    )


def verdict_of(judgement: Judgement) -> Verdict:
    """Give the verdict of one evaluation of a precondition."""
    return _VERDICTS[judgement.code]


def attempt_of(judgement: Judgement, *, precondition: bool) -> Attempt:
    """Give the attempt of one look; a postcondition that has not passed is `NotYet`, unless it never can."""
    if judgement.code is Code.PASSED:
        return Attempt.PASSED
    if judgement.code is Code.ERROR:
        return Attempt.ERROR
    return Attempt.FAILED if precondition or judgement.fatal else Attempt.NOT_YET


@dataclass(frozen=True, slots=True, kw_only=True)
class PreconditionState:
    """The first evaluation, which is the vote, and the newest, which decides whether the run goes on.

    Attributes
    ----------
    verdict, reason, message
        Of the first evaluation; None, None and "" before it.
    began_s, read_s : float or None
        Of the first evaluation, in seconds from the stage's start.
    now_verdict, now_message
        Of the newest evaluation.
    observed_s : float or None
        When the newest read ended.
    last_slot : int
        -1 before the first.
    """

    verdict: Verdict | None = None
    reason: Reason | None = None
    message: str = ""
    began_s: float | None = None
    read_s: float | None = None
    now_verdict: Verdict | None = None
    now_message: str = ""
    observed_s: float | None = None
    last_slot: int = -1

    @property
    def attempts(self) -> int:
        """Looks taken."""
        return self.last_slot + 1

    @property
    def decisive(self) -> tuple[object, ...]:
        """What would lead elsewhere if it were forgotten."""
        return (self.verdict, self.now_verdict)


def advance(state: PreconditionState, look: Look) -> PreconditionState:
    """Take one evaluation; a poll already seen changes nothing."""
    if look.slot <= state.last_slot:
        return state
    verdict = verdict_of(look.judgement)
    if state.verdict is None:
        state = replace(
            state,
            verdict=verdict,
            reason=look.judgement.reason,
            message=look.judgement.message,
            began_s=look.began_s,
            read_s=look.read_s,
        )
    return replace(
        state,
        now_verdict=verdict,
        now_message=look.judgement.message,
        observed_s=max(look.read_s, state.observed_s or 0.0),
        last_slot=look.slot,
    )


def skip(state: PreconditionState, *, reason: Reason, detail: str) -> PreconditionState:
    """Skip a precondition that was never evaluated; one that was keeps its verdict."""
    if state.verdict is not None:
        return state
    return replace(state, verdict=Verdict.SKIPPED, reason=reason, message=detail)
