"""One record told look by look: what the policy saw, which line did not hold, what differs from the record."""

import pytest
from helpers.fact_histories import (
    POST,
    PRE,
    FactRun,
    PostRun,
    changed_tables,
    conditions_of,
    fact_history,
    with_terms,
)
from kubernaut_simulator.replay.explaining import explain_record
from kubernaut_simulator.replay.finding_records import evaluations_like, find_record

from kubernaut.errors import HistoryError
from kubernaut.history.rows import RowKind
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.verdicts import Attempt, Verdict


@pytest.fixture(scope="module")
def history():
    return fact_history(
        [
            FactRun(found={PRE: False}, post=PostRun(passes_from_s=9.0)),
            FactRun(found={PRE: True}, post=PostRun(passes_from_s=None)),
        ]
    )


def ids(history, condition, kind=RowKind.EVALUATIONS):
    return [row.record_id for row in history.rows(kind) if row.type == condition.type]


def explained(history, record, **more):
    return explain_record(history, record, evaluator=InProcessEvaluator(), **more)


def test_a_failure_names_the_line_and_what_was_read(history):
    (found,) = explained(history, ids(history, PRE)[0])

    assert found.now.verdict is Verdict.FAILED
    assert found.differences == ()
    assert [(one.path, one.value, one.state) for one in found.facts] == [("deployment_found", False, "value")]
    assert found.trace.line.text == "allow if input.deployment_found"


def test_a_pass_has_no_line_and_its_looks_in_order(history):
    (found,) = explained(history, ids(history, POST)[0])

    assert found.trace is None
    assert [one.result for one in found.looks] == [Attempt.NOT_YET] * 4 + [Attempt.PASSED]
    assert all(one.counted for one in found.looks)
    assert found.told is found.looks[-1]


def test_a_look_can_be_asked_for_by_itself(history):
    attempts = ids(history, POST, RowKind.ATTEMPTS)
    (found,) = explained(history, attempts[0])

    assert found.told.recorded.record_id == attempts[0]
    assert found.trace is not None


def test_other_terms_are_told_as_differences(history):
    by = with_terms(conditions_of(history), POST, timeout_s=5.0, hold_for_s=2.0)
    (found,) = explained(history, ids(history, POST)[0], conditions=by)

    assert found.differences == (
        "another timeout: recorded 120 s, now 5 s",
        "another holdFor: recorded 0 s, now 2 s",
        "another verdict: recorded Passed, now Failed",
    )
    assert [one.counted for one in found.looks] == [True] * 3 + [False] * 2


def test_a_missing_source_is_said(history):
    without = changed_tables(history, policies=history.policies.slice(0, 0))
    (found,) = explained(without, ids(history, PRE)[0])

    assert (found.policy, found.trace, found.looks) == (None, None, ())
    assert found.why_not == "its policy's source is not in the history"


def test_records_are_found_by_the_beginning_of_their_id(history):
    record = ids(history, PRE)[0]

    assert find_record(history, record) == (RowKind.EVALUATIONS, record)
    with pytest.raises(HistoryError, match="no evaluation and no attempt"):
        find_record(history, "no such id")
    with pytest.raises(HistoryError, match=r"records have an id that starts with '': .*, \.\.\.; write more of it"):
        find_record(history, "")


def test_an_attempt_without_its_evaluation_is_an_error(history):
    attempts = ids(history, POST, RowKind.ATTEMPTS)
    without = changed_tables(history, evaluations=history.evaluations.slice(0, 0))

    with pytest.raises(HistoryError, match="is not in the history; its run has not ended"):
        explained(without, attempts[0])


def test_conditions_that_do_not_name_it_are_an_error(history):
    with pytest.raises(HistoryError, match=f"the conditions do not name {PRE}"):
        explained(history, ids(history, PRE)[0], conditions={})


def test_the_newest_of_a_kind_are_listed(history):
    rows, all_of_them = evaluations_like(history, verdict=Verdict.FAILED, condition="post/", limit=1)

    assert ([row.execution_uid for row in rows], all_of_them) == (["execution-1"], 1)
    assert evaluations_like(history, limit=3)[1] == 4
