"""What recorded looks come to, on the recorded terms or on others: the fold that replay is made of.

The rule is `Timeline.see`, the same that the operator went by. What is added here is honesty about the end of
the record: nobody looked after it, so a longer timeout is censored, and where looking stopped *because* the
condition had passed, another `holdFor` or another policy cannot be replayed at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.history.rows import EvaluationRow
from kubernaut.verdicts import Code, Judgement, Reason, Verdict
from kubernaut.verification.polls import OBSERVE_EVERY_S, gap_limit_s
from kubernaut.verification.postcondition import PostconditionState, freeze
from kubernaut.verification.precondition import verdict_of, within_limit
from kubernaut.verification.timeline import Look, Terms, Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """How the recorded evaluation went, as far as it limits what its looks can be asked.

    Attributes
    ----------
    terms : Terms
        The terms then; `poll_interval_s` says how far apart looks were to be.
    observed_s : float
        Until when somebody was looking, in seconds from the start.
    passed_s : float or None
        When it passed; looks after that are 10 s apart.
    stopped_early : bool
        Looking stopped because of what the policy said (a pass, or fatal), not because time was up.
    """

    terms: Terms
    observed_s: float
    passed_s: float | None = None
    stopped_early: bool = False

    @classmethod
    def of(cls, row: EvaluationRow) -> "Recorded":
        """Take it from an evaluation's row."""

        def offset_s(instant: datetime | None) -> float | None:
            return None if instant is None else (instant - row.started_at).total_seconds()

        return cls.from_offsets(
            terms=Terms(row.timeout_s, row.hold_for_s, row.poll_interval_s),
            verdict=row.verdict,
            fatal=row.reason == Reason.FATAL,
            settled_s=(row.read_at - row.started_at).total_seconds(),
            observed_s=offset_s(row.observed_until),
            deadline_s=offset_s(row.deadline),
        )

    @classmethod
    def from_offsets(
        cls,
        *,
        terms: Terms,
        verdict: Verdict,
        fatal: bool,
        settled_s: float,
        observed_s: float | None,
        deadline_s: float | None,
    ) -> "Recorded":
        """Take it from what a row says, in seconds from its start; None where the row says nothing."""
        seen_s = settled_s if observed_s is None else max(settled_s, observed_s)
        due_s = terms.timeout_s if deadline_s is None else deadline_s
        if verdict in (Verdict.FAILED, Verdict.ERROR) and not fatal:
            seen_s = max(seen_s, due_s)
        passed = verdict is Verdict.PASSED
        return cls(
            terms=terms,
            observed_s=seen_s,
            passed_s=settled_s if passed else None,
            stopped_early=(passed or fatal) and seen_s < due_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What one condition of one run came to.

    Attributes
    ----------
    verdict : Verdict
    reason : Reason
    message : str
    time_to_pass_s, time_to_pass_lower_s : float or None
        From the start to `held_since_s`; the true value lies in ``(lower, upper]``. None when it did not
        pass.
    held_since_s : float or None
        Of the hold that was running at the end, passed or not.
    settled_s : float
        When it was decided, in seconds from the start.
    deadline_s : float
    extended : bool
        The deadline was moved because nobody was looking.
    attempts : int
        Number of the deciding poll.
    certain : bool
        False when the looks cannot tell: the deadline lies between the last look that counts and the first
        that passes, and a run on these terms would have looked once more, on the deadline.
    replayable : bool
        False when the record cannot answer; the verdict is then `Censored`.
    why_not : str
        Why it cannot; empty when it can.
    """

    verdict: Verdict
    reason: Reason
    message: str
    time_to_pass_s: float | None = None
    time_to_pass_lower_s: float | None = None
    held_since_s: float | None = None
    settled_s: float
    deadline_s: float
    extended: bool = False
    attempts: int
    certain: bool = True
    replayable: bool = True
    why_not: str = ""


def settle(looks: Iterable[Look], terms: Terms, *, recorded: Recorded | None = None) -> Settled:
    """Fold the looks of one postcondition into a verdict.

    Parameters
    ----------
    looks : iterable of Look
        In order of slot. Judgements may be those of another policy than the recorded one.
    terms : Terms
        On which it may pass. Another `poll_interval_s` than the recorded one cannot be replayed and is
        ignored: the looks are where they are.
    recorded : Recorded or None
        How the looks came about. None: on the same terms, and complete.

    Returns
    -------
    Settled
    """
    if recorded is not None:
        terms = terms._replace(poll_interval_s=recorded.terms.poll_interval_s)
    timeline = Timeline(terms)
    see = timeline.see
    passed_s = None if recorded is None else recorded.passed_s
    look: Look | None = None
    for look in looks:
        if passed_s is None or look.began_s <= passed_s:
            see(look)
        else:
            gap_s = max(
                gap_limit_s(look.began_s, terms.poll_interval_s),
                gap_limit_s(look.began_s, OBSERVE_EVERY_S),
            )
            see(look, gap_s=gap_s)
        if timeline.verdict is not None:
            return _of(freeze(timeline), certain=not _might_have_passed(timeline, look))
    return _at_the_end(timeline, recorded)


def settle_precondition(judgement: Judgement, *, elapsed_s: float, timeout_s: float) -> Settled:
    """Give what one evaluation of a precondition comes to, given how long it took."""
    judgement = within_limit(judgement, elapsed_s=elapsed_s, timeout_s=timeout_s)
    return Settled(
        verdict=verdict_of(judgement),
        reason=judgement.reason,
        message=judgement.message,
        settled_s=elapsed_s,
        deadline_s=timeout_s,
        attempts=1,
    )


def settled_of(state: PostconditionState) -> Settled | None:
    """Give what a state has come to; None while it has not settled."""
    return None if state.verdict is None else _of(state)


def terms_with(condition: ResolvedCondition, recorded: Recorded) -> Terms:
    """Give a condition's terms for looks that were taken on the recorded schedule."""
    return Terms(condition.timeout_s, condition.hold_for_s, recorded.terms.poll_interval_s)


def _of(state: PostconditionState, *, certain: bool = True, replayable: bool = True, why_not: str = "") -> Settled:
    passed = state.verdict is Verdict.PASSED
    return Settled(
        verdict=state.verdict or Verdict.CENSORED,
        reason=state.reason or Reason.OBSERVATION_ENDED,
        message=state.message,
        time_to_pass_s=state.held_since_s if passed else None,
        time_to_pass_lower_s=state.hold_lower_s if passed else None,
        held_since_s=state.held_since_s,
        settled_s=state.deadline_s if state.settled_s is None else state.settled_s,
        deadline_s=state.deadline_s,
        extended=state.extended,
        attempts=state.attempts,
        certain=certain,
        replayable=replayable,
        why_not=why_not,
    )


def _might_have_passed(timeline: Timeline, look: Look) -> bool:
    """Say whether a poll on the deadline, which the record lacks, could have passed."""
    if timeline.verdict is Verdict.PASSED or timeline.settled_slot == look.slot:
        return False
    if look.judgement.code is not Code.PASSED:
        return False
    hold_for_s, held_since_s = timeline.terms.hold_for_s, timeline.held_since_s
    return hold_for_s <= 0.0 or (held_since_s is not None and timeline.deadline_s - held_since_s >= hold_for_s)


def _at_the_end(timeline: Timeline, recorded: Recorded | None) -> Settled:
    """Say what looks come to that ended before they decided."""
    deadline_s = timeline.deadline_s
    observed_s = timeline.observed_s or 0.0
    if recorded is not None:
        observed_s = max(observed_s, recorded.observed_s)
    if timeline.last_slot < 0:
        return _censored(timeline, observed_s, why_not="no look was recorded")
    stopped_early = recorded is not None and recorded.stopped_early
    # Whoever stopped because it had passed need not have looked on: the hold that these terms ask for began too late.
    # An observation that was cut off from outside says nothing, here as in a live run.
    too_late = stopped_early and _cannot_hold_in_time(timeline)
    if too_late or ((recorded is None or observed_s >= deadline_s) and not timeline.nobody_looked()):
        timeline.close()
        return _of(freeze(timeline))
    if recorded is not None and stopped_early:
        ended = "passed" if recorded.passed_s is not None else "said that it can never pass"
        why_not = f"nobody looked after {recorded.observed_s:g} s, when the recorded policy {ended}"
        return _censored(timeline, observed_s, why_not=why_not)
    return _censored(timeline, observed_s)


def _cannot_hold_in_time(timeline: Timeline) -> bool:
    """Say whether the running hold began too late to last long enough, whatever a later look would say."""
    held_since_s = timeline.held_since_s
    return (
        timeline.last_code is Code.PASSED
        and held_since_s is not None
        and held_since_s + timeline.terms.hold_for_s > timeline.deadline_s
    )


def _censored(timeline: Timeline, observed_s: float, *, why_not: str = "") -> Settled:
    detail = f"observation ended after {observed_s:g} s, before the deadline at {timeline.deadline_s:g} s"
    message = f"{detail} (last seen: {timeline.real_message})" if timeline.real_message else detail
    return Settled(
        verdict=Verdict.CENSORED,
        reason=Reason.OBSERVATION_ENDED,
        message=message,
        held_since_s=timeline.held_since_s,
        settled_s=observed_s,
        deadline_s=timeline.deadline_s,
        extended=len(timeline.deadlines_s) > 1,
        attempts=timeline.last_slot + 1,
        replayable=not why_not,
        why_not=why_not,
    )
