from datetime import timedelta
from functools import partial

import pytest
from helpers.verification_worlds import ERROR, PASS, entry, not_yet, one, stage, world
from helpers.virtual_clock import START, drive

from kubernaut.identity import Phase
from kubernaut.verdicts import Attempt, Reason, Verdict
from kubernaut.verification.decide import begin, decide
from kubernaut.verification.precondition import PreconditionState, advance
from kubernaut.verification.status_json import from_json, to_json
from kubernaut.verification.timeline import Look
from kubernaut.verification.types import (
    EndCause,
    EnforcementSwitched,
    Looked,
    ObservationEnded,
    Override,
    OverridesSeen,
    StagePhase,
)

NO = not_yet("needs 2000m, has 500m")
pre = partial(entry, phase=Phase.PRE)
pre_stage = partial(stage, phase=Phase.PRE)


def test_all_are_evaluated_on_one_snapshot_and_all_get_a_result():
    spec = pre_stage(pre("exists"), pre("capacity"), pre("current", enforced=False))
    run = drive(spec, world({"exists": [(0, PASS)], "capacity": [(0, PASS)], "current": [(0, NO)]}))

    assert run.status.phase is StagePhase.PASSED
    assert run.status.over
    assert len(run.reads) == 1
    assert {key: state.verdict for key, state in run.status.preconditions.items()} == {
        "exists": Verdict.PASSED,
        "capacity": Verdict.PASSED,
        "current": Verdict.FAILED,
    }
    assert [attempt.result for attempt in run.attempts] == [
        Attempt.PASSED,
        Attempt.PASSED,
        Attempt.FAILED,
    ]
    assert [key for key, _ in run.evaluated] == ["exists", "capacity", "current"]


def test_the_first_enforced_failure_is_the_reason():
    spec = pre_stage(pre("exists", enforced=False), pre("capacity"), pre("current"), blocked_deadline_s=0.0)
    run = drive(spec, world({"exists": [(0, NO)], "capacity": [(0, ERROR)], "current": [(0, not_yet("other"))]}))

    assert run.status.stopped_by == ("capacity", "current")
    assert run.status.message == "capacity: pods: Forbidden"


def test_a_deadline_of_zero_makes_blocked_terminal():
    run = drive(pre_stage(pre(), blocked_deadline_s=0.0), one((0, NO)))

    assert run.status.phase is StagePhase.BLOCKED
    assert run.status.decided
    assert run.status.over
    assert len(run.reads) == 1


def test_blocked_reads_everything_again_every_30_s_and_goes_on_when_facts_recover():
    spec = pre_stage(pre("exists", enforced=False), pre("capacity"))
    run = drive(spec, world({"exists": [(0, PASS)], "capacity": [(0, NO), (80, PASS)]}))

    assert run.status.phase is StagePhase.PASSED
    assert [began_s for began_s, _ in run.reads] == [0.0, 30.05, 60.05, 90.05]
    assert all(set(slots) == {"exists", "capacity"} for _, slots in run.reads)
    assert run.status.blocked_s == pytest.approx(90.05)
    assert [event.reason for event in run.events] == ["Blocked", "Unblocked"]


def test_the_first_attempt_stays_the_vote():
    run = drive(pre_stage(pre()), one((0, NO), (20, PASS)))

    state = run.status.preconditions["ready"]
    assert (state.verdict, state.message) == (Verdict.FAILED, "needs 2000m, has 500m")
    assert state.now_verdict is Verdict.PASSED
    assert state.attempts == 2
    assert [key for key, _ in run.evaluated] == ["ready", "ready"]


def test_blocked_ends_failed_at_its_deadline_after_one_more_look():
    run = drive(pre_stage(pre(), blocked_deadline_s=100.0), one((0, NO)))

    assert run.status.phase is StagePhase.FAILED
    assert run.reads[-1][0] == pytest.approx(100.05)
    assert run.events[-1].reason == "BlockedDeadlineExceeded"
    assert run.status.message == "ready: needs 2000m, has 500m"


def test_the_look_on_the_deadline_may_still_save_the_run():
    run = drive(pre_stage(pre(), blocked_deadline_s=100.0), one((0, NO), (95, PASS)))

    assert run.status.phase is StagePhase.PASSED


def test_a_late_driver_wakes_ahead_of_the_deadline_of_blocked():
    run = drive(pre_stage(pre(), blocked_deadline_s=100.0, wake_ahead_s=0.3), one((0, NO), (95, PASS)), late_s=0.2)

    assert run.status.phase is StagePhase.PASSED
    assert run.reads[-1][0] < 100.1


def test_a_remediation_held_back_does_not_start_after_its_deadline():
    run = drive(pre_stage(pre(), blocked_deadline_s=100.0), one((0, NO), (95, PASS)), away=[(40, 90_000)])

    assert run.status.phase is StagePhase.FAILED


def test_an_override_releases_blocked_at_once():
    override = Override(by="ann", reason="capacity is coming")
    run = drive(
        pre_stage(pre()),
        one((0, NO)),
        observations=[(40.0, OverridesSeen(overrides={"ready": override}))],
    )

    assert run.status.phase is StagePhase.PASSED
    assert run.status.decided_at == START + timedelta(seconds=40)
    assert run.status.overridden == {"ready": override}
    assert [event.reason for event in run.events] == ["Blocked", "ConditionOverridden", "Unblocked"]


def test_an_override_that_ran_out_no_longer_helps():
    run = drive(
        pre_stage(pre(), blocked_deadline_s=100.0),
        one((0, NO)),
        observations=[
            (0.0, OverridesSeen(overrides={"other": Override(by="ann", reason="")})),
            (10.0, OverridesSeen(overrides={})),
        ],
    )

    assert run.status.phase is StagePhase.FAILED


def test_the_global_switch_releases_blocked():
    run = drive(pre_stage(pre()), one((0, NO)), observations=[(40.0, EnforcementSwitched(enforcement=False))])

    assert run.status.phase is StagePhase.PASSED
    assert run.status.preconditions["ready"].verdict is Verdict.FAILED


def test_candidates_block_nothing():
    run = drive(pre_stage(pre(), pre(candidate=True)), world({"ready": [(0, PASS)], "ready@candidate": [(0, NO)]}))

    assert run.status.phase is StagePhase.PASSED
    assert run.status.preconditions["ready@candidate"].verdict is Verdict.FAILED


def test_timeout_limits_one_evaluation():
    run = drive(pre_stage(pre(timeout_s=1.0), blocked_deadline_s=0.0), one((0, PASS)), read_s=1.5)

    state = run.status.preconditions["ready"]
    assert state.verdict is Verdict.ERROR
    assert state.reason is Reason.LIMIT_EXCEEDED
    assert state.message == "reading and judging took 1.5 s; the timeout is 1 s"
    assert run.attempts[0].result is Attempt.ERROR


def test_the_read_carries_each_condition_s_limit():
    spec = pre_stage(pre("a", timeout_s=1.0), pre("b", timeout_s=10.0))
    decision = decide(spec, begin(spec, started_at=START), [], START)

    assert decision.intents[-1].limits_s == {"a": 1.0, "b": 10.0}
    assert decision.next_due == START + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("at_s", "phase", "verdict"),
    [(0.0, StagePhase.SKIPPED, Verdict.SKIPPED), (40.0, StagePhase.FAILED, Verdict.FAILED)],
)
def test_a_run_cut_short_skips_only_what_was_never_evaluated(at_s, phase, verdict):
    run = drive(
        pre_stage(pre()),
        one((0, NO)),
        observations=[(at_s, ObservationEnded(cause=EndCause.CUT_SHORT, detail="cancelled"))],
    )

    assert run.status.phase is phase
    assert run.status.preconditions["ready"].verdict is verdict
    assert run.status.over


def test_validation_off_skips():
    spec = pre_stage(pre(), validation_enabled=False)
    decision = decide(spec, begin(spec, started_at=START), [], START)

    assert decision.status.phase is StagePhase.SKIPPED
    assert decision.status.preconditions["ready"].verdict is Verdict.SKIPPED


def test_no_preconditions_is_a_pass():
    spec = pre_stage()

    assert decide(spec, begin(spec, started_at=START), [], START).status.phase is StagePhase.PASSED


def looked(slot, at_s, judgement, keys=("ready",)):
    moment = START + timedelta(seconds=at_s)
    return Looked(
        slots=dict.fromkeys(keys, slot),
        began_at=moment,
        read_at=moment,
        judgements=dict.fromkeys(keys, judgement),
    )


def test_an_answer_that_comes_twice_counts_once():
    spec = pre_stage(pre())
    first = decide(spec, begin(spec, started_at=START), [looked(0, 0.0, NO)], START)
    again = decide(spec, first.status, [looked(0, 1.0, PASS)], START + timedelta(seconds=1))

    assert again.status.phase is StagePhase.BLOCKED
    assert again.intents == ()
    assert again.status.blocked_s == 1.0


def test_a_look_begun_after_the_deadline_of_blocked_is_recorded_but_releases_nothing():
    spec = pre_stage(pre(), blocked_deadline_s=45.0)
    first = decide(spec, begin(spec, started_at=START), [looked(0, 0.0, NO)], START)
    late = decide(spec, first.status, [looked(2, 45.1, PASS)], START + timedelta(seconds=45.1))

    assert first.status.blocked_s == 0.0
    assert late.status.phase is StagePhase.FAILED
    assert late.intents[0].attempts[0].result is Attempt.PASSED


def test_a_stage_cut_short_half_way_keeps_the_verdicts_it_has():
    spec = pre_stage(pre("a"), pre("b"))
    partly = decide(
        spec,
        begin(spec, started_at=START),
        [looked(0, 0.0, PASS, ("a",)), ObservationEnded(cause=EndCause.CUT_SHORT)],
        START,
    )

    assert partly.status.verdict("a") is Verdict.PASSED
    assert partly.status.verdict("b") is Verdict.SKIPPED
    assert partly.status.blocked_s == 0.0
    assert from_json(to_json(partly.status)) == partly.status


def test_the_state_of_one_precondition_takes_a_poll_once():
    state = advance(PreconditionState(), Look(0, 0.0, 0.1, NO))

    assert advance(state, Look(0, 5.0, 5.1, PASS)) == state
    assert advance(state, Look(1, 30.0, 30.1, PASS)).now_verdict is Verdict.PASSED
