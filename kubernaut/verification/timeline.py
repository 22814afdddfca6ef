"""The one rule of postconditions: what a sequence of looks comes to.

A timeline eats looks in order and settles. The operator feeds it one look per poll and keeps it in the run's
status between; replay feeds it the recorded looks, perhaps with another timeout or `holdFor`. Both go through
`Timeline.see`, so they cannot disagree. All times are seconds from the stage's start (the action's end): no
clock, no dates.

The class is mutable on purpose: replay folds tens of millions of looks. `advance` in `postcondition.py` is
the pure form.
"""

from typing import NamedTuple

from kubernaut.verdicts import Code, Judgement, Reason, Verdict
from kubernaut.verification.polls import absence_limit_s, gap_limit_s, interval_after_s

_RESOLUTION_S = 5e-7
"""Times are kept to the microsecond; half of one decides ties the way exact arithmetic would."""


class Look(NamedTuple):
    """One look: poll number, when its read began and ended, what the policy said.

    Attributes
    ----------
    slot : int
    began_s, read_s : float
        Seconds from the start.
    judgement : Judgement
    """

    slot: int
    began_s: float
    read_s: float
    judgement: Judgement


class Terms(NamedTuple):
    """On what terms a condition may pass.

    Attributes
    ----------
    timeout_s : float
        From the start to the deadline.
    hold_for_s : float
        How long `allow` must stay true.
    poll_interval_s : float or None
        None means the default schedule. It decides which gap is too long for a hold.
    """

    timeout_s: float
    hold_for_s: float = 0.0
    poll_interval_s: float | None = None


class Timeline:
    """What the looks so far have come to; `see` takes the next one.

    Attributes
    ----------
    terms : Terms
    deadlines_s : tuple of float
        The timeout, then each deadline it was moved to; the last one counts.
    last_slot : int
        -1 before the first look.
    began_s, read_s : float or None
        Of the last look.
    held_since_s : float or None
        Read end of the first passing look of the current hold.
    confirmed_s : float or None
        When the last passing look of the current hold began.
    not_passed_s : float
        When the last look that had not passed began; 0 when there was none. Errors say nothing.
    hold_lower_s : float
        `not_passed_s` when the current hold began: the condition came true after it.
    last_code : Code or None
        Of the last look that counts.
    last_reason, last_message
        Why the last look had not passed, or could not be judged.
    real_message : str
        The policy's last real reason; an Error does not replace it.
    verdict, reason, message
        None, None and "" until settled.
    settled_s : float or None
        Read end of the look that decided, or the deadline.
    settled_slot : int
        Number of the look that decided; -1 when none did.
    observed_s : float or None
        Read end of the last look, which may lie after the pass.
    """

    __slots__ = (
        "began_s",
        "confirmed_s",
        "deadlines_s",
        "held_since_s",
        "hold_lower_s",
        "last_code",
        "last_message",
        "last_reason",
        "last_slot",
        "message",
        "not_passed_s",
        "observed_s",
        "read_s",
        "real_message",
        "reason",
        "settled_s",
        "settled_slot",
        "terms",
        "verdict",
    )

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.deadlines_s: tuple[float, ...] = (terms.timeout_s,)
        self.last_slot = -1
        self.began_s: float | None = None
        self.read_s: float | None = None
        self.held_since_s: float | None = None
        self.confirmed_s: float | None = None
        self.not_passed_s = 0.0
        self.hold_lower_s = 0.0
        self.last_code: Code | None = None
        self.last_reason: Reason | None = None
        self.last_message = ""
        self.real_message = ""
        self.verdict: Verdict | None = None
        self.reason: Reason | None = None
        self.message = ""
        self.settled_s: float | None = None
        self.settled_slot = -1
        self.observed_s: float | None = None

    @property
    def deadline_s(self) -> float:
        """The deadline in force."""
        return self.deadlines_s[-1]

    def nobody_looked(self) -> bool:
        """Say whether nobody was looking at the deadline: no look within one poll interval before it.

        Notes
        -----
        It depends on looks only, never on when somebody came back, so a restart changes nothing; and missing
        no more than the poll on the deadline itself is not absence.
        """
        began_s = self.began_s
        if began_s is None:
            return True
        return self.deadlines_s[-1] - began_s > absence_limit_s(began_s, self.terms.poll_interval_s)

    def see(self, look: Look, *, gap_s: float | None = None) -> None:
        """Take the next look.

        Parameters
        ----------
        look : Look
            A poll already seen is ignored. A time before the last look's end (a clock set back) counts as
            that end.
        gap_s : float or None
            How long a hold may go unconfirmed, and so how long nobody may look before it is an absence; None
            means two poll intervals.

        Notes
        -----
        Absence is told by the time between the end of one read and the start of the next, so a slow read is none.
        Its limit is the one beyond which a hold starts anew: a shorter gap takes nothing from a hold. The first
        look after one moves the deadline when fewer than `holdFor` and one poll are left, as one beyond the
        deadline does.
        """
        slot, began_s, read_s, judgement = look
        if slot <= self.last_slot:
            return
        before_s = self.read_s
        if before_s is None:
            before_s = 0.0
        began_s = max(began_s, before_s)
        read_s = max(read_s, began_s)
        if self.verdict is not None:
            self._looked(slot, began_s, read_s)
            return
        if began_s > self.deadlines_s[-1]:
            if not self.nobody_looked():
                self.close()
                self._looked(slot, began_s, read_s)
                return
            self._extend(read_s)
        elif self.terms.hold_for_s > 0.0 and self._back_too_late(before_s, began_s, gap_s):
            # Without holdFor the poll on the deadline says all there is to say.
            self._extend(read_s)
        code = judgement.code
        if code is Code.PASSED:
            self._pass(slot, began_s, read_s, gap_s)
        else:
            self.last_reason = judgement.reason
            self.last_message = judgement.message
            if code is Code.FAILED:
                self.held_since_s = self.confirmed_s = None
                self.not_passed_s = began_s
                self.real_message = judgement.message
                if judgement.fatal:
                    self._settle(Verdict.FAILED, Reason.FATAL, judgement.message, slot, read_s)
        self.last_code = code
        self._looked(slot, began_s, read_s)
        if self.verdict is None and (began_s >= self.deadlines_s[-1] or read_s > self.deadlines_s[-1]):
            self.close()

    def close(self) -> None:
        """Let the last look decide: no later one can count."""
        if self.verdict is not None or self.last_code is None:
            return
        slot, read_s = self.last_slot, self.read_s or 0.0
        if self.last_code is Code.PASSED:
            message = self._holding()
            self._settle(Verdict.FAILED, Reason.NOT_HELD_LONG_ENOUGH, message, slot, read_s)
        elif self.last_code is Code.FAILED:
            self._settle(Verdict.FAILED, Reason.DEADLINE_EXCEEDED, self.real_message, slot, read_s)
        else:
            message = self.last_message
            if self.real_message:
                message = f"{message} (last seen: {self.real_message})"
            self._settle(Verdict.ERROR, self.last_reason or Reason.POLICY_ERROR, message, slot, read_s)

    def end(self, at_s: float, *, reason: Reason, detail: str) -> None:
        """End observation at `at_s`.

        Parameters
        ----------
        at_s : float
        reason : Reason
            Why. `OBSERVATION_ENDED` censors; `ACTION_NEVER_RAN` and `VALIDATION_OFF` skip, since no look was at
            anything; any other skips a condition whose observation had not begun.
        detail : str
            One sentence for a person.
        """
        if self.verdict is not None:
            return
        # What is skipped is told by cause and time, not by looks: a look that decided nothing is not stored, and a
        # restart must not turn what was censored into something skipped.
        never = reason in (Reason.ACTION_NEVER_RAN, Reason.VALIDATION_OFF)
        if never or (reason is not Reason.OBSERVATION_ENDED and self.last_slot < 0 and at_s <= 0.0):
            self._settle(Verdict.SKIPPED, reason, detail, -1, at_s)
        elif at_s >= self.deadlines_s[-1] and not self.nobody_looked():
            self.close()
        else:
            message = f"{detail} (last seen: {self.real_message})" if self.real_message else detail
            self._settle(Verdict.CENSORED, Reason.OBSERVATION_ENDED, message, self.last_slot, at_s)

    def _holding(self) -> str:
        held_s = (self.confirmed_s or 0.0) - (self.held_since_s or 0.0)
        message = f"held for {max(held_s, 0.0):g} s of {self.terms.hold_for_s:g} s"
        return f"{message} (before: {self.real_message})" if self.real_message else message

    def _pass(self, slot: int, began_s: float, read_s: float, gap_s: float | None) -> None:
        held_since_s, confirmed_s = self.held_since_s, self.confirmed_s
        if (
            held_since_s is None
            or confirmed_s is None
            or began_s - confirmed_s > self._gap_limit_s(confirmed_s, gap_s) + _RESOLUTION_S
        ):
            self.held_since_s = held_since_s = read_s
            self.hold_lower_s = self.not_passed_s
        self.confirmed_s = began_s
        hold_for_s = self.terms.hold_for_s
        if hold_for_s <= 0.0 or began_s - held_since_s >= hold_for_s - _RESOLUTION_S:
            self._settle(Verdict.PASSED, Reason.ALLOWED, "", slot, read_s)
        else:
            self.last_reason = Reason.NOT_HELD_LONG_ENOUGH

    def _gap_limit_s(self, offset_s: float, gap_s: float | None) -> float:
        return gap_limit_s(offset_s, self.terms.poll_interval_s) if gap_s is None else gap_s

    def _back_too_late(self, before_s: float, began_s: float, gap_s: float | None) -> bool:
        """Say whether this look is the first after an absence, and what is left no longer takes a hold."""
        # From the read's start: how long a read takes moves no deadline.
        needed_s = self.terms.hold_for_s + interval_after_s(began_s, self.terms.poll_interval_s)
        if self.deadlines_s[-1] - began_s >= needed_s - _RESOLUTION_S:
            return False
        return began_s - before_s > self._gap_limit_s(before_s, gap_s) + _RESOLUTION_S

    def _extend(self, read_s: float) -> None:
        """Move the deadline to this first read + holdFor + one poll."""
        poll_s = interval_after_s(read_s, self.terms.poll_interval_s)
        moved_s = round(read_s + self.terms.hold_for_s + poll_s, 6)
        self.deadlines_s = (*self.deadlines_s, moved_s)

    def _looked(self, slot: int, began_s: float, read_s: float) -> None:
        self.last_slot = slot
        self.began_s = began_s
        self.read_s = self.observed_s = read_s

    def _settle(self, verdict: Verdict, reason: Reason, message: str, slot: int, at_s: float) -> None:
        self.verdict = verdict
        self.reason = reason
        self.message = message
        self.settled_slot = slot
        self.settled_s = at_s
