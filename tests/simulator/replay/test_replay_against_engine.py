"""For any record that the engine makes, replay reaches what the engine reached; nothing else may be said of it."""

from bisect import bisect_right
from dataclasses import replace

import numpy as np
import pytest
from helpers.driven_history import driven
from helpers.verification_worlds import post_stages, pre_stages
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.replay import replay

from kubernaut.history.rows import RowKind
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.verdicts import Verdict

SEEN = st.sampled_from([3, 4, 3, 0, 1, 2, None, -1])
WORLDS = st.lists(st.tuples(st.floats(0.1, 60.0), SEEN), min_size=1, max_size=8)
COMPARED = [
    "record_id",
    "verdict",
    "reason",
    "message",
    "time_to_pass_s",
    "time_to_pass_lower_s",
    "attempts",
    "held_since",
]
FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def evaluator():
    return InProcessEvaluator()


def ready_at(spans):
    moments = np.concatenate([[0.0], np.cumsum([length for length, _ in spans])[:-1]]).tolist()
    return lambda _key, at_s: spans[max(bisect_right(moments, at_s) - 1, 0)][1]


def told(table):
    rows = table.select(COMPARED).to_pylist()
    return sorted((tuple(round(v, 5) if isinstance(v, float) else v for v in row.values()) for row in rows), key=str)


@FEW
@given(spec=st.one_of(post_stages(), pre_stages()), spans=WORLDS, late_s=st.sampled_from([0.0, 0.4]))
def test_replay_reaches_the_recorded_verdict_time_and_reason(evaluator, spec, spans, late_s):
    _, rows = driven(spec, ready_at(spans), late_s=late_s)
    history = History.from_rows(rows)
    replayed = replay(history, evaluator=evaluator)

    assert told(replayed.evaluations.table) == told(history.evaluations)
    assert not replayed.not_replayable


@FEW
@given(spec=post_stages(), spans=WORLDS, away=st.tuples(st.floats(1.0, 100.0), st.floats(1.0, 300.0)))
def test_also_when_nobody_was_there_for_a_while(evaluator, spec, spans, away):
    gone_s, for_s = away
    _, rows = driven(spec, ready_at(spans), away=[(gone_s, gone_s + for_s)])
    history = History.from_rows(rows)

    assert told(replay(history, evaluator=evaluator).evaluations.table) == told(history.evaluations)


@FEW
@given(spec=post_stages(), spans=WORLDS, seed=st.integers(0, 9))
def test_neither_folding_nor_the_order_of_rows_changes_anything(evaluator, spec, spans, seed):
    _, rows = driven(spec, ready_at(spans))
    history = History.from_rows(rows)
    shuffled = [rows[at] for at in np.random.default_rng(seed).permutation(len(rows))]

    folded = replay(history, evaluator=evaluator)
    whole = replay(history, evaluator=evaluator, fold=False)
    mixed = replay(History.from_rows(shuffled), evaluator=evaluator)

    assert told(folded.evaluations.table) == told(whole.evaluations.table) == told(mixed.evaluations.table)
    assert folded.evaluations.judged <= whole.evaluations.judged <= folded.evaluations.looks
    assert folded.evaluations.looks == whole.evaluations.looks == len(history.attempts)


def test_a_condition_that_was_skipped_stays_as_recorded(evaluator):
    from helpers.verification_worlds import entry, stage

    _, rows = driven(stage(entry()), ready_at([(1.0, 3)]))
    skipped = [
        replace(row, verdict=Verdict.SKIPPED, reason="CutShort") if hasattr(row, "verdict") else row for row in rows
    ]
    replayed = replay(History.from_rows(skipped), evaluator=evaluator)

    assert replayed.history.table(RowKind.EVALUATIONS).num_rows == 1
    assert replayed.evaluations.table.column("verdict").to_pylist() == ["Skipped"]
    assert replayed.summary["as recorded"] == "1"
