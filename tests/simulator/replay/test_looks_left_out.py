"""Replay shows `settle` only the looks that count: it comes to what all of them come to."""

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.replay.looks import LookTimes
from kubernaut_simulator.replay.settling import Looks, RecordedRuns, settle_all

from kubernaut.identity import Phase
from kubernaut.verdicts import Code, Judgement, Reason
from kubernaut.verification.settle import settle
from kubernaut.verification.timeline import Look, Terms

ANSWERS = (
    Judgement(Code.PASSED, Reason.ALLOWED),
    Judgement(Code.FAILED, Reason.NOT_ALLOWED, "3 of 5 pods ready"),
    Judgement(Code.ERROR, Reason.FACT_UNOBSERVED, "pods: Forbidden"),
)
ROWS = 60


def some_looks(chance: random.Random) -> list[tuple[int, float, float, int]]:
    """Mostly a long wait on the schedule, with absences here and there."""
    looks, at_s = [], 0.0
    for slot in range(chance.randint(1, 25)):
        gap_s = chance.uniform(12.0, 90.0) if chance.random() < 0.1 else min(1.0 + at_s / 2, 10.0)
        began_s = round(at_s + gap_s, 6)
        at_s = round(began_s + chance.choice([0.0, 0.1, 15.0]), 6)
        looks.append((slot, began_s, at_s, chance.choice([0, 1, 1, 1, 1, 2])))
    return looks


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_looks_left_out_change_nothing(seed: int) -> None:
    chance = random.Random(seed)
    rows = [some_looks(chance) for _ in range(ROWS)]
    slot, began_s, read_s, answer = np.array([look for own in rows for look in own]).T
    nothing = np.zeros(ROWS, bool)
    runs = RecordedRuns(
        started_us=np.zeros(ROWS, np.int64),
        settled_s=np.array([own[-1][2] for own in rows]),
        observed_s=np.array([own[-1][2] for own in rows]),
        deadline_s=np.full(ROWS, np.nan),
        timeout_s=np.array([chance.choice([30.0, 60.0, 120.0]) for _ in rows]),
        hold_for_s=np.array([chance.choice([0.0, 5.0, 20.0]) for _ in rows]),
        poll_interval_s=np.array([chance.choice([np.nan, 2.0, 15.0]) for _ in rows]),
        passed=nothing,
        stopped=nothing,
        fatal=nothing,
    )
    looks = Looks(
        first=np.cumsum([0, *map(len, rows)]),
        times=LookTimes(
            slot=slot.astype(np.int64),
            began_us=np.rint(began_s * 1e6).astype(np.int64),
            read_us=np.rint(read_s * 1e6).astype(np.int64),
        ),
        answer=answer.astype(np.int32),
        dictionary=ANSWERS,
        by_another=np.zeros(len(answer), bool),
    )

    found = settle_all(Phase.POST, runs, looks, timeout_s=None, hold_for_s=None)

    for at, own in enumerate(rows):
        every = [Look(slot, began_s, read_s, ANSWERS[code]) for slot, began_s, read_s, code in own]
        terms = Terms(float(runs.timeout_s[at]), float(runs.hold_for_s[at]))
        assert found[at] == settle(every, terms, recorded=runs.recorded(at))
