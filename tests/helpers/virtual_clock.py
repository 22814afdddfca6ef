"""Drives a stage of verification on a virtual clock against a world that is a function of time.

The smallest driver there can be: it carries intents out in order, jumps to the next moment, and keeps everything that
a test may ask about. It can lose its memory (to what was stored, or to the JSON of what it had) before any call, be
away for spans of time, and have its clock set back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from kubernaut.facts.snapshot import Snapshot
from kubernaut.verdicts import Judgement
from kubernaut.verification.decide import begin, decide
from kubernaut.verification.status import StageStatus
from kubernaut.verification.status_json import from_json, to_json
from kubernaut.verification.timeline import Look
from kubernaut.verification.types import (
    AttemptRecord,
    EmitEvent,
    Looked,
    Observation,
    ReadFacts,
    RecordAttempts,
    RecordEvaluations,
    StageSpec,
    StoreStatus,
)

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

World = Callable[[str, float], Judgement]
"""What a policy says: condition key, seconds since the start."""

MOST_CALLS = 5000
"""A stage that needs more would never end."""


class NeverEndsError(AssertionError):
    """The stage went on for longer than any stage may."""


@dataclass(slots=True)
class Run:
    """What happened."""

    status: StageStatus
    stored: StageStatus
    attempts: list[AttemptRecord] = field(default_factory=list)
    evaluated: list[tuple[str, StageStatus]] = field(default_factory=list)
    events: list[EmitEvent] = field(default_factory=list)
    reads: list[tuple[float, Mapping[str, int]]] = field(default_factory=list)
    ages_s: list[float] = field(default_factory=list)
    stores: int = 0
    calls: int = 0
    ended_s: float = 0.0

    def looks(self, key: str) -> list[Look]:
        """Give the recorded looks at one condition, newest row per slot."""
        newest = {attempt.slot: attempt for attempt in self.attempts if attempt.key == key}
        start = self.status.started_at
        return [
            Look(
                slot,
                (attempt.began_at - start).total_seconds(),
                (attempt.read_at - start).total_seconds(),
                attempt.judgement,
            )
            for slot, attempt in sorted(newest.items())
        ]

    def schedule(self) -> list[tuple[str, int, float]]:
        """Give what was evaluated and when."""
        return [(key, slot, began_s) for began_s, slots in self.reads for key, slot in slots.items()]


def drive(
    spec: StageSpec,
    world: World,
    *,
    observations: Sequence[tuple[float, Observation]] = (),
    read_s: float = 0.05,
    late_s: float = 0.0,
    away: Sequence[tuple[float, float]] = (),
    restarts: Mapping[int, str] | None = None,
    clock_set_back: Mapping[int, float] | None = None,
    until_s: float | None = None,
) -> Run:
    """Drive a stage to its end.

    Parameters
    ----------
    spec : StageSpec
    world : World
    observations : sequence of (float, Observation)
        What to tell, and when, in seconds from the start, ascending.
    read_s : float
        How long a read takes.
    late_s : float
        How late the driver wakes.
    away : sequence of (float, float)
        Spans of seconds in which nobody is there.
    restarts : mapping of int to str
        Before which call the memory is lost, and to what: ``json`` (everything known), ``stored`` (what was
        stored; answers to reads are lost too).
    clock_set_back : mapping of int to float
        Before which call the clock shows how many seconds less; the world does not notice.
    until_s : float or None
        Stop looking on then; None means to the end.
    """
    restarts = restarts or {}
    clock_set_back = clock_set_back or {}
    first = begin(spec, started_at=START)
    run = Run(status=first, stored=first)
    told = list(observations)
    pending: list[Observation] = []
    now_s = 0.0
    while run.calls < MOST_CALLS:
        for gone_s, back_s in away:
            if gone_s <= now_s < back_s:
                now_s = back_s
        while told and told[0][0] <= now_s:
            pending.append(told.pop(0)[1])
        restart = restarts.get(run.calls)
        if restart == "json":
            run.status = from_json(to_json(run.status))
        elif restart == "stored":
            run.status = from_json(to_json(run.stored))
            pending = [entry for entry in pending if not isinstance(entry, Looked)]
        shown = _moment(now_s - clock_set_back.get(run.calls, 0.0))
        decision = decide(spec, run.status, pending, shown)
        run.status, pending = decision.status, []
        run.calls += 1
        for intent in decision.intents:
            if isinstance(intent, RecordAttempts):
                run.attempts.extend(intent.attempts)
            elif isinstance(intent, RecordEvaluations):
                run.evaluated.extend((key, run.status) for key in intent.keys)
            elif isinstance(intent, StoreStatus):
                run.stored = run.status
                run.stores += 1
            elif isinstance(intent, EmitEvent):
                run.events.append(intent)
            else:
                pending.append(_carry_out(run, world, intent, now_s=now_s, read_s=read_s))
                now_s = round(now_s + read_s, 6)
        if run.status.over or (until_s is not None and now_s >= until_s):
            run.ended_s = now_s
            return run
        if pending:
            continue
        if decision.next_due is None:
            raise NeverEndsError("the stage is not over, yet asks for nothing")
        due_s = (decision.next_due - START).total_seconds()
        moments = [due_s + late_s, *(at_s for at_s, _ in told[:1])]
        now_s = max(round(min(moments), 6), now_s)
    raise NeverEndsError(f"no end after {MOST_CALLS} calls")


def _carry_out(run: Run, world: World, intent: ReadFacts, *, now_s: float, read_s: float) -> Looked:
    run.reads.append((now_s, intent.slots))
    run.ages_s.append(intent.max_age_s)
    judgements = {key: world(key, now_s) for key in intent.slots}
    return Looked(
        slots=intent.slots,
        began_at=_moment(now_s),
        read_at=_moment(now_s + read_s),
        judgements=judgements,
        snapshots={key: Snapshot(facts={"at_s": now_s}) for key in intent.slots},
    )


def _moment(offset_s: float) -> datetime:
    return START + timedelta(seconds=offset_s)
