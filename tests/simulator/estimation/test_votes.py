import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from helpers.vote_frames import Rows, hours
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.estimation.votes import cast_votes

from kubernaut.errors import HistoryError
from kubernaut.identity import ConditionId, Level, Phase

A = ConditionId("scale_deployment", Level.STEP, Phase.PRE, "a")


def cast(rows, *, as_of=1000.0, **kwargs):
    return cast_votes(*rows.frames(), as_of=hours(as_of), **kwargs)


def only(votes):
    assert len(votes.data) == 1
    return votes.data.iloc[0]


def test_the_first_run_of_an_incident_votes_and_the_later_ones_stand_beside_it():
    rows = Rows()
    rows.run("i1", {"a": "Failed"}, hour=2, outcome="effective")
    rows.run("i1", {"a": "Passed"}, hour=1, outcome="effective")
    vote = only(cast(rows))

    assert (vote["verdict"], bool(vote["stop"]), vote["label"], vote["runs"]) == ("Passed", False, "good", 2)
    assert (bool(vote["any_run_good"]), bool(vote["any_run_stop"])) == (True, True)


def test_a_condition_votes_from_the_first_run_that_evaluated_it():
    rows = Rows()
    rows.run("i1", {"a": "Skipped", "b": "Failed"}, hour=1)
    second = rows.run("i1", {"a": "Error"}, hour=2)
    votes = cast(rows)

    assert votes.of(A)["execution_uid"].tolist() == [second]
    assert votes.of(A)["stop"].tolist() == [True]
    assert votes.counts == {
        "evaluations": 3, "rollback runs": 0, "dry runs": 0, "skipped": 1, "later runs": 0, "votes": 2,
    }  # fmt: skip


def test_rollbacks_and_dry_runs_do_not_vote():
    rows = Rows()
    rows.run("i1", {"a": "Failed"}, hour=0, execution={"dry_run": True})
    rows.run("i2", {"a": "Failed"}, evaluation={"purpose": "rollback"}, execution={"purpose": "rollback"})
    kept = rows.run("i1", {"a": "Passed"}, hour=3)
    votes = cast(rows)

    assert only(votes)["execution_uid"] == kept
    assert (votes.counts["dry runs"], votes.counts["rollback runs"]) == (1, 1)


@pytest.mark.parametrize(
    ("execution", "evaluation", "why"),
    [
        ({"result": "blocked"}, {}, "stopped"),
        ({"result": "denied"}, {}, "stopped"),
        ({"stopped_by": ["scale_deployment/step/post/b"], "result": "failed"}, {}, "stopped"),
        ({"rolled_back": True}, {}, "rolled back"),
        ({"cut_short": True}, {}, "cut short"),
        ({"blocked_s": 30.0}, {}, "released after a wait"),
        ({"result": "skipped"}, {}, "never ran"),
        ({"blocked_s": 30.0}, {"overridden": True}, "overridden"),
    ],
)
def test_only_a_run_left_alone_has_an_outcome(execution, evaluation, why):
    rows = Rows()
    rows.run("i1", {"a": "Failed"}, execution=execution, evaluation=evaluation)
    vote = only(cast(rows))

    assert (vote["group"], vote["no_outcome"], vote["not_in_gate"]) == (why, why, "no outcome")
    assert pd.isna(vote["label"])
    assert not vote["gate"]
    assert not vote["any_run_good"]


def test_a_later_step_that_was_stopped_takes_the_outcome_from_the_whole_workflow():
    rows = Rows()
    rows.run("i1", {"a": "Passed"}, workflow="w")
    rows.run("i1", {"b": "Failed"}, workflow="w", hour=1, execution={"result": "blocked"})
    votes = cast(rows)

    assert votes.data["no_outcome"].tolist() == ["stopped", "stopped"]


def test_steps_inherit_the_outcome_of_their_workflow_and_say_so():
    rows = Rows()
    rows.run("i1", {"a": "Passed"}, workflow="w", outcome="ineffective")
    rows.run("i1", {"b": "Passed"}, workflow="w", hour=1)
    rows.run("i2", {"a": "Passed"}, outcome="effective")
    votes = cast(rows)

    assert votes.of(A)[["label", "inherited"]].to_numpy().tolist() == [["bad", True], ["good", False]]


@pytest.mark.parametrize(("outcome", "why"), [("inconclusive", "inconclusive"), (None, "outcome not known yet")])
def test_why_a_run_left_alone_has_no_outcome(outcome, why):
    rows = Rows()
    rows.run("i1", {"a": "Failed"}, outcome=outcome)

    assert only(cast(rows))["no_outcome"] == why


def test_rows_that_are_missing_are_reasons_too():
    rows = Rows()
    rows.run("i1", {"a": "Failed"}, hour=0)
    rows.run("i2", {"a": "Failed"}, hour=1)
    rows.executions.pop(0)
    rows.workflows.pop(1)

    assert cast(rows).data["no_outcome"].tolist() == ["no execution row", "no workflow row"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"source": "health"}, "label is not independent of the condition's facts"),
        ({"source": None}, "label is not independent of the condition's facts"),
        ({"outcome_after_h": 25.0}, "label came after the label age"),
        ({"hour": 990.0}, "younger than the label age"),
        ({"evaluation": {"required": True, "percent": 60.0}}, "enrolled in enforcement, not holdout"),
    ],
)
def test_what_may_not_move_the_gate_is_shown_all_the_same(change, why):
    rows = Rows()
    rows.run("i1", {"a": "Passed"}, **change)
    vote = only(cast(rows))

    assert (vote["label"], vote["not_in_gate"], bool(vote["gate"])) == ("good", why, False)


def test_a_censored_verdict_has_an_outcome_but_does_not_judge():
    rows = Rows()
    rows.run("i1", {"a": "Censored"})

    assert only(cast(rows))["not_in_gate"] == "observation ended before the timeout"


@pytest.mark.parametrize("source", ["person", "query", "alert", "probe"])
def test_an_independent_label_gates_when_it_is_of_age(source):
    rows = Rows()
    rows.run("i1", {"a": "Passed"}, hour=10, source=source, outcome_after_h=24.0)
    vote = only(cast(rows, as_of=34.0))

    assert vote["gate"]
    assert vote["gate_at"] == hours(34)
    assert pd.isna(vote["not_in_gate"])


def test_a_label_without_its_time_counts_as_in_time():
    rows = Rows()
    rows.run("i1", {"a": "Passed"}, outcome_after_h=None)

    assert only(cast(rows))["gate"]


@pytest.mark.parametrize(
    ("required", "percent", "bucket", "enabled", "holdout"),
    [
        (True, 50.0, 5000, True, True),
        (True, 50.01, 5000, True, False),
        (False, 100.0, 5000, True, True),
        (True, 100.0, 5000, False, True),
        (True, 0.0, 0, True, True),
    ],
)
def test_holdout_means_that_no_required_condition_enrols_the_incident(required, percent, bucket, enabled, holdout):
    rows = Rows()
    change = {"required": required, "percent": percent, "bucket": bucket, "validation_enabled": enabled}
    rows.run("i1", {"b": "Passed"}, evaluation=change, workflow="w")
    rows.run("i1", {"a": "Passed"}, evaluation={"bucket": bucket}, workflow="w", hour=1)

    assert cast(rows).data["holdout"].tolist() == [holdout, holdout]


def test_candidates_vote_apart_from_the_current_policy():
    rows = Rows()
    rows.run("i1", {"a": "Passed"})
    rows.evaluations.append(rows.evaluations[0] | {"candidate": True, "verdict": "Failed", "policy_digest": "p2"})
    votes = cast(rows)

    assert votes.of(A)["verdict"].tolist() == ["Passed"]
    assert votes.of(A, candidate=True)["verdict"].tolist() == ["Failed"]


def test_a_target_day_is_one_target_on_one_day():
    rows = Rows()
    rows.run("i1", {"a": "Passed"}, hour=1)
    rows.run("i2", {"a": "Passed"}, hour=23)
    rows.run("i3", {"a": "Passed"}, hour=25)
    rows.run("i4", {"a": "Passed"}, hour=1, target="db")
    days = cast(rows).data.set_index("incident_id")["target_day"]

    assert days["i1"] == days["i2"]
    assert len({days["i1"], days["i3"], days["i4"]}) == 3


def test_times_of_passing_come_along():
    rows = Rows()
    rows.run(
        "i1",
        {"a": "Passed"},
        evaluation={
            "started_at": hours(0),
            "observed_until": hours(0.5),
            "time_to_pass_s": 8.0,
            "time_to_pass_lower_s": 5.0,
        },
    )
    vote = only(cast(rows))

    assert (vote["time_to_pass_lower_s"], vote["time_to_pass_s"], vote["observed_s"]) == (5.0, 8.0, 1800.0)


def test_arrow_tables_and_frames_give_the_same_votes():
    rows = Rows()
    for i in range(30):
        rows.run(f"i{i % 20}", {"a": ["Passed", "Failed"][i % 2]}, hour=i, outcome=["effective", None][i % 3 == 0])
    frames = rows.frames()
    tables = [pa.Table.from_pandas(f, preserve_index=False) for f in frames]
    chunked = [pa.concat_tables([t.slice(0, 7), t.slice(7)]) for t in tables]

    pd.testing.assert_frame_equal(
        cast_votes(*chunked, as_of=hours(999)).data, cast_votes(*frames, as_of=hours(999)).data
    )


def test_history_as_it_is_read_makes_votes():
    from datetime import timedelta

    from kubernaut_simulator.history.history import History

    from kubernaut.history.rows import EvaluationRow, ExecutionRow, Outcome, OutcomeSource, WorkflowRow
    from kubernaut.verdicts import Verdict

    start = hours(0).to_pydatetime()
    common = {
        "recorded_at": start,
        "cluster_uid": "c",
        "incident_id": "i1",
        "workflow_uid": "w",
        "namespace": "shop",
    }
    target = {"target_kind": "Deployment", "target_name": "web", "action": "scale_deployment"}
    history = History.from_rows(
        [
            EvaluationRow(
                record_id="e", execution_uid="x", step=1, level=Level.STEP, phase=Phase.PRE, type="a",
                policy_digest="p", policy_source="shipped", settings_digest="s", required=False, enforced=False,
                bucket=1, percent=0.0, verdict=Verdict.FAILED, started_at=start, read_at=start, elapsed_s=0.1,
                timeout_s=30.0, attempts=1, **common, **target,
            ),
            ExecutionRow(
                record_id="x", execution_uid="x", step=1, started_at=start, result="succeeded", **common, **target
            ),
            WorkflowRow(
                record_id="w", started_at=start, result="completed", outcome=Outcome.EFFECTIVE,
                outcome_source=OutcomeSource.ALERT, outcome_at=start + timedelta(hours=1), **common,
            ),
        ]
    )  # fmt: skip
    vote = only(cast_votes(history.evaluations, history.executions, history.workflows, as_of=hours(25)))

    assert (vote["condition"], bool(vote["stop"]), vote["label"], bool(vote["gate"])) == (str(A), True, "good", True)


def test_tables_without_rows_make_no_votes():
    from kubernaut_simulator.history.arrow_schema import empty_table

    from kubernaut.history.rows import RowKind

    tables = [empty_table(kind) for kind in (RowKind.EVALUATIONS, RowKind.EXECUTIONS, RowKind.WORKFLOWS)]

    assert cast_votes(*tables, as_of=hours(25)).data.empty


def test_nothing_evaluated_is_no_votes():
    rows = Rows()
    rows.run("i1", {"a": "Skipped"})
    votes = cast(rows)

    assert len(votes.data) == 0
    assert votes.counts["skipped"] == 1


def test_columns_with_a_default_may_be_missing():
    rows = Rows()
    rows.run("i1", {"a": "Passed"})
    evaluations, executions, workflows = rows.frames()
    bare = [
        evaluations.drop(columns=["purpose", "candidate", "p_ran", "overridden", "observed_until", "cluster_uid"]),
        executions[["execution_uid", "workflow_uid", "started_at", "result"]],
        workflows[["workflow_uid", "outcome", "outcome_source"]],
    ]

    assert cast_votes(*bare, as_of=hours(999)).data["gate"].tolist() == [True]


def test_a_column_that_is_needed_is_named():
    rows = Rows()
    rows.run("i1", {"a": "Passed"})
    evaluations, executions, workflows = rows.frames()
    with pytest.raises(HistoryError, match="the evaluations rows have no column incident_id, verdict"):
        cast_votes(evaluations.drop(columns=["incident_id", "verdict"]), executions, workflows, as_of=hours(1))


RUNS = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.sampled_from(["Passed", "Failed", "Error", "Skipped", "Censored"]),
        st.integers(0, 5),
        st.sampled_from(["effective", "ineffective", "inconclusive", None]),
        st.booleans(),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(RUNS, st.randoms(use_true_random=False))
def test_votes_agree_with_a_plain_loop_and_do_not_depend_on_the_order_of_rows(runs, random):
    rows = Rows()
    plain = {}
    for incident, verdict, hour, outcome, overridden in runs:
        uid = rows.run(
            f"i{incident}", {"a": verdict}, hour=hour, outcome=outcome, evaluation={"overridden": overridden}
        )
        if verdict == "Skipped":
            continue
        known = {"effective": "good", "ineffective": "bad"}.get(outcome) if not overridden else None
        found = (hour, uid, verdict, known)
        plain[f"i{incident}"] = min(plain.get(f"i{incident}", found), found)
    order = list(range(len(runs)))
    random.shuffle(order)
    evaluations, executions, workflows = rows.frames()
    # Names are compared as text, as the tie break does.
    votes = cast_votes(evaluations.iloc[order], executions.iloc[order[::-1]], workflows, as_of=hours(999)).data

    got = {
        v["incident_id"]: (v["execution_uid"], v["verdict"], None if pd.isna(v["label"]) else v["label"])
        for _, v in votes.iterrows()
    }
    assert got == {i: found[1:] for i, found in plain.items()}


def test_many_evaluations_take_no_loop_over_records():
    import time

    rng = np.random.default_rng(1)
    runs, conditions = 20_000, 9
    uid = np.array([f"run-{i:06d}" for i in range(runs)])
    started = hours(0) + pd.to_timedelta(np.arange(runs) * 60, unit="s")
    evaluations = pd.DataFrame(
        {
            "incident_id": np.repeat([f"i{i // 2}" for i in range(runs)], conditions),
            "workflow_uid": np.repeat(uid, conditions),
            "execution_uid": np.repeat(uid, conditions),
            "action": "scale_deployment",
            "level": "step",
            "phase": "pre",
            "type": np.tile([f"t{i}" for i in range(conditions)], runs),
            "verdict": rng.choice(["Passed", "Failed"], runs * conditions),
            "required": False,
            "bucket": 1,
            "percent": 0.0,
            "started_at": np.repeat(started, conditions),
            "namespace": "n",
            "target_kind": "Deployment",
            "target_name": "web",
        }
    )
    executions = pd.DataFrame({"execution_uid": uid, "workflow_uid": uid, "started_at": started, "result": "succeeded"})
    workflows = pd.DataFrame({"workflow_uid": uid, "outcome": "effective", "outcome_source": "alert"})
    begun = time.perf_counter()
    votes = cast_votes(evaluations, executions, workflows, as_of=hours(9999))

    assert len(votes.data) == runs // 2 * conditions
    # A fifth of a million here; a loop over records would need minutes for the whole.
    assert time.perf_counter() - begun < 4
