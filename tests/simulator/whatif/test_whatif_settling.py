"""Settling by columns says what the engine says, on timelines nobody would record and on terms nobody would set."""

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.whatif.engine_settling import empty_columns, leave_uncertain, settle_rows
from kubernaut_simulator.whatif.settling import Settler
from kubernaut_simulator.whatif.timelines import VERDICTS, Answer, RecordedEnds, Timelines

from kubernaut.identity import ConditionId, Level, Phase
from kubernaut.verdicts import Verdict

POST = ConditionId("scale_deployment", Level.STEP, Phase.POST, "desired_replicas_running")
PRE = ConditionId("scale_deployment", Level.STEP, Phase.PRE, "deployment_exists")
Row = tuple[list[tuple[int, float, float, int]], dict[str, float]]


def timelines(condition: ConditionId, rows: Sequence[Row], *, by_record: bool = True) -> Timelines:
    looks = [look for own, _ in rows for look in own]
    columns = np.array(looks, float).reshape(-1, 4).T

    def ends(name: str, missing: float = np.nan) -> np.ndarray:
        return np.array([row.get(name, missing) for _, row in rows], float)

    return Timelines(
        condition=condition,
        rows=np.arange(len(rows)),
        ends=RecordedEnds(
            timeout_s=ends("timeout_s", 60.0),
            hold_for_s=ends("hold_for_s", 0.0),
            poll_interval_s=ends("poll_interval_s"),
            settled_s=ends("settled_s", 0.0),
            observed_s=ends("observed_s"),
            deadline_s=ends("deadline_s"),
            verdict=ends("verdict", 0).astype(np.int64),
            fatal=ends("fatal", 0).astype(bool),
        ),
        first=np.concatenate([[0], np.cumsum([len(own) for own, _ in rows])]).astype(np.int64),
        places=np.arange(len(looks)),
        slot=columns[0].astype(np.int64),
        began_s=columns[1],
        read_s=columns[2],
        elapsed_s=columns[2] - columns[1],
        answer=columns[3].astype(np.int8),
        by_record=np.full(len(rows), by_record),
    )


def seconds(chance: random.Random, most: float) -> float:
    """Whole and half seconds often, so that ties with deadlines and holds happen."""
    if chance.random() < 0.6:
        return chance.randint(0, int(most * 2)) / 2
    return round(chance.uniform(0, most), 6)


def some_looks(chance: random.Random) -> list[tuple[int, float, float, int]]:
    answers = chance.choice([[0, 0, 0, 1, 1, 1, 3, 3, 2, 4], [0, 0, 1, 3], [0, 1], [0, 1, 3, 5]])
    orderly = chance.random() < 0.8
    looks, at, slot = [], 0.0, -1
    for _ in range(chance.randint(0, 14)):
        if orderly:
            slot += chance.randint(1, 2)
            began = round(at + seconds(chance, chance.choice([3.0, 12.0, 40.0])), 6)
            read = round(began + seconds(chance, 1.5), 6)
        else:
            slot += chance.randint(-1, 2)
            began = round(max(at + seconds(chance, 30.0) - 5.0, -1.0), 6)
            read = round(began + seconds(chance, 4.0) - 0.5, 6)
        at = read
        looks.append((slot, began, read, chance.choice(answers)))
    return looks


def some_row(chance: random.Random) -> Row:
    looks = some_looks(chance)
    verdict = chance.choice([0, 0, 1, 2, 3])
    end: dict[str, float] = {
        "timeout_s": chance.choice([10.0, 30.0, 60.0, 120.0]),
        "hold_for_s": chance.choice([0.0, 5.0, 9.5]),
        "verdict": verdict,
        "settled_s": chance.choice([look[2] for look in looks] or [0.0]) if chance.random() < 0.8 else 20.0,
        "poll_interval_s": chance.choice([np.nan, np.nan, 1.0, 5.0, 30.0]),
        "observed_s": chance.choice([np.nan, seconds(chance, 150.0)]),
        "deadline_s": chance.choice([np.nan, seconds(chance, 150.0)]),
        "fatal": int(verdict == VERDICTS.index(Verdict.FAILED) and chance.random() < 0.5),
    }
    return looks, end


ROWS = 200


@pytest.mark.parametrize("condition", [POST, PRE], ids=["post", "pre"])
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), by_record=st.booleans())
def test_columns_equal_engine(condition: ConditionId, seed: int, *, by_record: bool) -> None:
    chance = random.Random(seed)
    lines = timelines(condition, [some_row(chance) for _ in range(ROWS)], by_record=by_record)
    timeout_s = chance.choice([None, 30.0, 0.5 + seconds(chance, 150.0)])
    hold_for_s = chance.choice([None, 0.0, 5.0, seconds(chance, 40.0)])
    limits = lines.ends.timeout_s if timeout_s is None else np.full(ROWS, timeout_s)
    holds = lines.ends.hold_for_s if hold_for_s is None else np.full(ROWS, hold_for_s)
    # What was never looked at is as recorded on the recorded terms: no engine is asked.
    never_looked = np.diff(lines.first) == 0
    kept = never_looked & (limits == lines.ends.timeout_s) & (holds == lines.ends.hold_for_s) & by_record

    found = Settler(lines).settle(timeout_s=timeout_s, hold_for_s=hold_for_s)

    expected = empty_columns(ROWS)
    settle_rows(lines, range(ROWS), expected, timeout_s=limits, hold_for_s=holds)
    leave_uncertain(expected)
    for name in ("verdict", "replayable", "certain"):
        assert getattr(expected, name)[~kept].tolist() == getattr(found, name)[~kept].tolist(), name
    answered = ~kept & expected.replayable
    np.testing.assert_array_equal(expected.settled_s[answered], found.settled_s[answered])
    np.testing.assert_array_equal(expected.time_to_pass_s[answered], found.time_to_pass_s[answered])
    assert lines.ends.verdict[kept].tolist() == found.verdict[kept].tolist()


def test_plain_timelines_need_no_engine() -> None:
    looks = [(0, 1.0, 1.1, Answer.NOT_YET), (1, 2.4, 2.5, Answer.ERROR), (2, 4.7, 4.8, Answer.PASSED)]
    lines = timelines(POST, [(looks, {"settled_s": 4.8, "observed_s": 4.8})] * 3)

    found = Settler(lines).settle(timeout_s=30.0)

    assert found.by_engine == 0
    assert [VERDICTS.index(Verdict.PASSED)] * 3 == found.verdict.tolist()
    assert found.time_to_pass_s.tolist() == [4.8] * 3


def test_tie_with_the_hold_goes_to_the_engine() -> None:
    looks = [(0, 1.0, 1.0, Answer.PASSED), (1, 3.0, 3.0, Answer.PASSED)]
    lines = timelines(POST, [(looks, {"settled_s": 3.0, "observed_s": 3.0})])

    found = Settler(lines).settle(timeout_s=30.0, hold_for_s=2.0)

    assert found.by_engine == 1
    assert [VERDICTS.index(Verdict.PASSED)] == found.verdict.tolist()


def test_precondition_cut_off_by_its_timeout_cannot_be_given_more_time() -> None:
    looks = [(0, 0.0, 12.0, Answer.LIMIT)]
    lines = timelines(PRE, [(looks, {"timeout_s": 10.0, "verdict": VERDICTS.index(Verdict.ERROR)})])
    settler = Settler(lines)

    assert settler.settle().stop.tolist() == [True]
    assert settler.settle(timeout_s=20.0).replayable.tolist() == [False]
    assert settler.settle(timeout_s=11.0).replayable.tolist() == [True]
