from hypothesis import given
from hypothesis import strategies as st

from kubernaut.errors import HistoryError
from kubernaut.history.ids import ID_HEX_DIGITS, RunKey, digest_of, policy_id, workflow_id
from kubernaut.history.rows import Purpose
from kubernaut.identity import ConditionId, Level, Phase

KEY = RunKey(cluster_uid="c", workflow_uid="w", execution_uid="e", step=2)


def test_ids_are_the_documented_hash_and_never_change():
    assert KEY.evaluation_id(Level.STEP, Phase.PRE, "deployment_exists") == digest_of(
        "evaluations", "c", "w", "2", "forward", "step", "pre", "deployment_exists"
    )
    assert KEY.attempt_id(Level.ACTION, Phase.POST, "x", slot=3) == digest_of(
        "attempts", "c", "w", "2", "forward", "action", "post", "x", "3"
    )
    assert KEY.execution_id() == digest_of("executions", "c", "w", "2", "forward")
    assert workflow_id(cluster_uid="c", workflow_uid="w") == digest_of("workflows", "c", "w")
    # Written down, so that a change of the rule cannot go unseen.
    assert digest_of("workflows", "c", "w") == "edb651c80c0a9d77487fe782e7aa21a8"


def test_without_a_workflow_the_execution_names_the_run():
    alone = RunKey(cluster_uid="c", workflow_uid="", execution_uid="e", step=0)

    assert alone.execution_id() == digest_of("executions", "c", "e", "0", "forward")


def test_a_run_without_any_uid_is_refused():
    import pytest

    with pytest.raises(HistoryError, match="cannot be told apart"):
        RunKey(cluster_uid="c", workflow_uid="", execution_uid="", step=0)


def test_everything_that_names_a_row_changes_its_id():
    rollback = RunKey(cluster_uid="c", workflow_uid="w", execution_uid="e", step=2, purpose=Purpose.ROLLBACK)
    condition = ConditionId("a", Level.STEP, Phase.PRE, "t")
    ids = [
        KEY.execution_id(),
        rollback.execution_id(),
        KEY.evaluation_id(Level.STEP, Phase.PRE, "t"),
        KEY.evaluation_id(Level.ACTION, Phase.PRE, "t"),
        KEY.evaluation_id(Level.STEP, Phase.POST, "t"),
        KEY.evaluation_id(Level.STEP, Phase.PRE, "t", candidate=True),
        KEY.attempt_id(Level.STEP, Phase.PRE, "t", slot=0),
        KEY.attempt_id(Level.STEP, Phase.PRE, "t", slot=1),
        KEY.attempt_id(Level.STEP, Phase.PRE, "t", slot=0, candidate=True),
        policy_id(condition, digest="d"),
        policy_id(condition, digest="d", candidate=True),
        policy_id(condition, digest="other"),
    ]

    assert len(set(ids)) == len(ids)
    assert {len(found) for found in ids} == {ID_HEX_DIGITS}


@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), min_size=1, max_size=4))
def test_different_parts_never_meet(first, second):
    assert (digest_of(*first) == digest_of(*second)) == (first == second)
