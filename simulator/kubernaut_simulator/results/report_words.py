"""What a report says first, in plain words: what may be required, what not, what it would have stopped, what next.

Whoever decides reads this and no further, so every sentence says what it rests on and none says more than was shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubernaut.durations import format_duration
from kubernaut_simulator.effect.gates import Answer
from kubernaut_simulator.estimation.rates import percent
from kubernaut_simulator.results.report_contents import NotAnswered
from kubernaut_simulator.results.wording import NAMED_AT_MOST, how_many, short_names
from kubernaut_simulator.tuning.result import outlook_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kubernaut_simulator.results.report_contents import ReportContents
    from kubernaut_simulator.tuning.result import ConditionDecision, Tuning


def sentences(tuning: Tuning) -> list[str]:
    """Say in plain words what the tuning came to."""
    required = [one for one in tuning.decisions if one.after.required]
    waiting = [one for one in tuning.decisions if not one.after.required]
    short = [one for one in waiting if not_enough(one)]
    if required:
        found = [
            f"{len(required)} of {_conditions(len(tuning.decisions))} may be made required. Each stops fewer than "
            f"{tuning.target * 100:g} % of the remediations that do good; the chance that this is wrong for any of "
            f"them is at most {tuning.alpha * 100:g} %.",
            f"Together, enforced on every incident, they would have stopped {tuning.together.text()} of the good "
            "incidents that judged.",
        ]
    else:
        found = [
            f"None of {_conditions(len(tuning.decisions))} may be made required yet: that one stops fewer than "
            f"{tuning.target * 100:g} % of the remediations that do good has been shown for none."
        ]
    if back := [one for one in tuning.decisions if one.set_back]:
        found.append(
            f"Set back to warn mode: {_conditions(len(back))} that may block runs now, without the test showing that "
            "they may. Read why before you apply."
        )
    if short:
        found.append(f"Not enough data yet for {_conditions(len(short))}: in warn mode, and recorded on.")
    judged = [one for one in waiting if not not_enough(one)]
    likely = [(one, more) for one in judged if (more := _more(tuning, one))]
    if likely:
        names = short_names(str(one.condition) for one in tuning.decisions)
        told = [f"{names[str(one.condition)]} ({more})" for one, more in likely[:NAMED_AT_MOST]]
        rest = f" and {len(likely) - NAMED_AT_MOST} more" if len(likely) > NAMED_AT_MOST else ""
        found.append(
            f"Not shown yet, but likely to be with more good incidents, for {_conditions(len(likely))}: "
            f"{', '.join(told)}{rest}. In warn mode, and recorded on."
        )
    if shown := len(judged) - len(likely):
        found.append(
            f"Enough data, but not shown, and more of the same is unlikely to, for {_conditions(shown)}: in warn mode. "
            "The table says how many good remediations each would have stopped."
        )
    if moved := sum(one.after.timeout_s != one.before.timeout_s for one in tuning.decisions):
        found.append(f"New timeouts for {_conditions(moved)}: when {tuning.share * 100:g} % of good runs have passed.")
    return found


def findings(contents: ReportContents) -> list[str]:
    """Say what the other results add: what would have been stopped, what changed midway, what is under way."""
    return [*_stopped(contents), *contents.drift.warnings(), *_under_way(contents)]


def next_steps(contents: ReportContents) -> list[str]:
    """Say what to do next, the most urgent first."""
    return list(_next_steps(contents))


def not_enough(one: ConditionDecision) -> bool:
    """Tell whether too few good incidents have judged a condition, or none."""
    return one.gate is None or not one.gate.stops.enough


def _more(tuning: Tuning, one: ConditionDecision) -> str:
    """Say how many more good incidents a decision likely takes; empty where none is likely."""
    ahead = tuning.outlook(one)
    if ahead is None or ahead.more is None:
        return ""
    return outlook_text(ahead, tuning.days_for(one, ahead.more))


def _stopped(contents: ReportContents) -> Iterator[str]:
    if isinstance(contents.effect, NotAnswered) or not contents.required:
        return
    accounts = contents.effect.accounts
    if accounts.harmful.n:
        yield (
            f"Had they been enforced over the whole window, they would have stopped {accounts.harmful.k} of the "
            f"{accounts.harmful.n} incidents that came to no good, and {accounts.good.k} of the {accounts.good.n} that "
            "did good. That is an account, not a saving: nobody knows how the stopped ones would have gone on."
        )
    else:
        yield "No incident is known to have come to no good, so what the conditions would have prevented is not known."


def _under_way(contents: ReportContents) -> Iterator[str]:
    if not isinstance(contents.status, NotAnswered):
        yield f"A rollout is under way: {contents.status.title}."


def _next_steps(contents: ReportContents) -> Iterator[str]:
    tuning = contents.tuning
    names = short_names(str(one.condition) for one in tuning.decisions)

    def named(found: Sequence[ConditionDecision]) -> str:
        shown = [names[str(one.condition)] for one in found]
        more = f" and {len(shown) - NAMED_AT_MOST} more" if len(shown) > NAMED_AT_MOST else ""
        return ", ".join(shown[:NAMED_AT_MOST]) + more

    if back := [one for one in tuning.decisions if one.set_back]:
        yield f"Decide about {named(back)}: enforced now, and not shown to be safe."
    if required := [one for one in tuning.decisions if one.after.required]:
        percents = sorted({one.after.rollout_percent for one in required})
        shares = " or ".join(f"{share:g} %" for share in percents)
        yield (
            f"Write the ConfigMaps with `kubernaut export` and apply them: {named(required)} become required for "
            f"{shares} of the incidents, the others stay as a control group."
        )
    if not isinstance(contents.plan, NotAnswered):
        first = contents.plan.stage_days(0)
        days = "of unknown length" if first[1] is None else f"of about {first[1]:.0f} days"
        yield (
            f"Plan a first stage {days} at {contents.plan.per_day:.3g} incidents a day, and look at it with "
            "`kubernaut rollout status`."
        )
    wrong = [
        one
        for one in tuning.decisions
        if not one.after.required
        and one.gate is not None
        and one.gate.stops.enough
        and (one.gate.stops.estimate or 0.0) >= tuning.target
    ]
    if wrong:
        yield (
            f"Look into {named(wrong)}: stopped {tuning.target * 100:g} % or more of the good incidents. The examples "
            "below show runs, facts and the line of the policy."
        )
    if short := [one for one in tuning.decisions if not_enough(one)]:
        yield f"Go on recording in warn mode: {named(short)} cannot be judged from this history."
    # By what the tuning chose from, not by all runs: the timeouts beside these sentences are the tuning's.
    if late := [one for one in tuning.decisions if one.timeout is not None and one.timeout.recommendation.cut_short]:
        yield f"Raise the timeout of {named(late)} to learn how long good runs need."
    if few := [one for one in tuning.decisions if one.timeout is not None and one.timeout.recommendation.too_few]:
        yield f"Go on recording for the timeout of {named(few)}: all good runs passed, and are too few to set one by."
    yield from _gates(contents)


def _gates(contents: ReportContents) -> Iterator[str]:
    if isinstance(contents.effect, NotAnswered):
        return
    if failed := [one for one in contents.effect.gates if one.answer is Answer.FAIL]:
        told = "; ".join(
            f"{one.name} ({one.stage.value}, {f'{one.percent:g} %' if one.percent else 'warn mode'})" for one in failed
        )
        yield f"Look at the gates that failed: {told}."


def decision_cells(one: ConditionDecision) -> dict[str, str]:
    """Give the words of one row of the decision table."""
    stops = None if one.gate is None or not one.gate.stops.n else one.gate.stops
    return {
        "stops": "-" if stops is None else f"{stops.k}/{stops.n}",
        "upper": "-" if stops is None else percent(stops.upper),
        "timeout": one.timeout_text if one.timeout is not None else format_duration(one.after.timeout_s),
        "flag": one.flag,
        "kind": "required" if one.after.required else "back" if one.set_back else "warn",
        "answer": one.answer,
        "why": one.why,
    }


def _conditions(number: int) -> str:
    return how_many(number, "condition")
