from datetime import timedelta

import pytest
from helpers.verification_worlds import ERROR, FATAL, PASS, entry, not_yet, one, stage, world
from helpers.virtual_clock import START, drive

from kubernaut.identity import Level, Phase
from kubernaut.verdicts import Attempt, Reason, Verdict
from kubernaut.verification.decide import begin, decide
from kubernaut.verification.post_stage import observed_to_timeout
from kubernaut.verification.types import (
    EndCause,
    EnforcementSwitched,
    Looked,
    ObservationEnded,
    Override,
    OverridesSeen,
    ReadFacts,
    RecordEvaluations,
    StagePhase,
    StageSpec,
    StoreStatus,
)

NOT_YET = not_yet()


def state_of(run, key="ready"):
    return run.status.postconditions[key]


def test_an_enforced_postcondition_that_passes_lets_the_run_go_on():
    run = drive(stage(entry()), one((0, NOT_YET), (9, PASS)))

    assert run.status.phase is StagePhase.PASSED
    assert run.status.over
    assert state_of(run).verdict is Verdict.PASSED
    assert 9.0 <= state_of(run).held_since_s <= 14.0
    assert [key for key, _ in run.evaluated] == ["ready"]


def test_one_that_does_not_pass_fails_at_the_deadline_with_the_last_real_reason():
    run = drive(stage(entry()), one((0, not_yet("1 of 5 pods ready")), (60, NOT_YET)))

    assert run.status.phase is StagePhase.FAILED
    assert run.status.stopped_by == ("ready",)
    assert run.status.message == "ready: 3 of 5 pods ready"
    assert run.reads[-1][0] == 120.0
    assert [event.reason for event in run.events] == ["PostconditionFailed"]
    assert {attempt.result for attempt in run.attempts} == {Attempt.NOT_YET}


def test_the_poll_on_the_deadline_may_save_the_run():
    assert drive(stage(entry()), one((0, NOT_YET), (120, PASS))).status.phase is StagePhase.PASSED


def test_a_driver_that_wakes_late_misses_the_deadline_unless_it_wakes_ahead():
    late = drive(stage(entry()), one((0, NOT_YET), (119.5, PASS)), late_s=0.1)
    ahead = drive(stage(entry(), wake_ahead_s=0.25), one((0, NOT_YET), (119.5, PASS)), late_s=0.1)

    assert late.status.phase is StagePhase.FAILED
    assert ahead.status.phase is StagePhase.PASSED
    assert ahead.reads[-1][0] == pytest.approx(119.85)


def test_waking_ahead_still_ends():
    run = drive(stage(entry(), wake_ahead_s=0.25), one((0, NOT_YET)))

    assert run.status.phase is StagePhase.FAILED
    assert run.ended_s < 121


def test_fatal_does_not_wait():
    run = drive(stage(entry()), one((0, NOT_YET), (20, FATAL)))

    assert run.status.phase is StagePhase.FAILED
    assert run.ended_s < 35
    assert state_of(run).reason is Reason.FATAL
    assert run.attempts[-1].result is Attempt.FAILED


def test_an_enforced_error_fails_with_its_own_reason():
    run = drive(stage(entry()), one((0, ERROR)))

    assert state_of(run).verdict is Verdict.ERROR
    assert run.status.message == "ready: pods: Forbidden"
    assert {attempt.result for attempt in run.attempts} == {Attempt.ERROR}


def test_a_run_waits_only_for_enforced_postconditions_the_others_are_observed_beside_it():
    spec = stage(entry("ready"), entry("quiet", enforced=False))
    run = drive(spec, world({"ready": [(0, NOT_YET), (5, PASS)], "quiet": [(0, not_yet("restarts"))]}))

    assert run.status.phase is StagePhase.PASSED
    assert run.status.decided_at - START < timedelta(seconds=10)
    assert state_of(run, "quiet").verdict is Verdict.FAILED
    assert run.ended_s >= 120.0
    assert run.status.stopped_by == ()


def test_an_enforced_failure_decides_at_once_and_the_others_are_observed_all_the_same():
    spec = stage(entry("ready", timeout_s=10.0), entry("quiet"))
    run = drive(spec, world({"ready": [(0, NOT_YET)], "quiet": [(0, NOT_YET), (100, PASS)]}))

    assert run.status.decided_at == START + timedelta(seconds=10.05)
    assert state_of(run, "quiet").verdict is Verdict.PASSED
    assert run.status.phase is StagePhase.FAILED


def test_nothing_enforced_means_nothing_to_wait_for():
    spec = stage(entry(enforced=False))
    first = decide(spec, begin(spec, started_at=START), [], START)

    assert first.status.phase is StagePhase.PASSED
    assert not first.status.over
    assert first.next_due is not None


def test_a_stage_without_conditions_is_over_at_once():
    decision = decide(stage(), begin(stage(), started_at=START), [], START)

    assert decision.status.phase is StagePhase.PASSED
    assert decision.next_due is None
    assert decision.intents == (StoreStatus(),)


def test_a_candidate_is_judged_on_the_same_reads_and_never_enforced():
    spec = stage(entry(), entry(candidate=True))
    run = drive(spec, world({"ready": [(0, NOT_YET), (50, PASS)], "ready@candidate": [(0, NOT_YET)]}), until_s=49.0)

    assert all(set(slots) == {"ready", "ready@candidate"} for _, slots in run.reads)
    whole = drive(spec, world({"ready": [(0, NOT_YET), (50, PASS)], "ready@candidate": [(0, NOT_YET)]}))
    assert whole.status.phase is StagePhase.PASSED
    assert state_of(whole, "ready@candidate").verdict is Verdict.FAILED


def test_one_read_serves_all_conditions_due():
    spec = stage(entry("a", poll_interval_s=5.0), entry("b", poll_interval_s=5.0), entry("c"))
    run = drive(spec, one((0, NOT_YET)))

    assert tuple(run.reads[-1][1]) == ("a", "b", "c")


def test_a_cached_read_serves_only_what_nobody_waits_for():
    enforced = drive(stage(entry()), one((0, NOT_YET), (5, PASS)))
    warn = drive(stage(entry(enforced=False)), one((0, NOT_YET), (15, PASS)))

    assert set(enforced.ages_s) == {0.0}
    assert max(warn.ages_s) == 5.0
    assert all(0.0 < age_s <= began_s for age_s, (began_s, _) in zip(warn.ages_s, warn.reads, strict=True))


def test_hold_for_is_waited_for():
    run = drive(stage(entry(hold_for_s=20.0)), one((0, PASS)))

    assert run.status.phase is StagePhase.PASSED
    assert 21.0 < run.ended_s < 35.0
    assert state_of(run).held_since_s < 1.2


def test_a_crash_inside_the_hold_is_seen():
    run = drive(stage(entry(hold_for_s=20.0)), one((0, PASS), (12, not_yet("crash loop"))))

    assert run.status.message == "ready: crash loop"


def test_an_absent_operator_fails_no_run():
    run = drive(stage(entry(hold_for_s=20.0)), one((0, NOT_YET), (70, PASS)), away=[(40, 4000)])

    assert run.status.phase is StagePhase.PASSED
    assert state_of(run).extended
    assert state_of(run).deadline_s == pytest.approx(4000.05 + 20 + 10)
    assert "DeadlineExtended" in [event.reason for event in run.events]


def test_an_absent_operator_passes_no_run_either():
    run = drive(stage(entry()), one((0, NOT_YET)), away=[(40, 4000)])

    assert run.status.phase is StagePhase.FAILED
    assert run.ended_s == pytest.approx(4010, abs=2)


def test_away_before_the_deadline_only_costs_looks():
    run = drive(stage(entry()), one((0, NOT_YET), (100, PASS)), away=[(10, 90)])

    assert not state_of(run).extended
    assert state_of(run).verdict is Verdict.PASSED


@pytest.mark.parametrize("back_s", [91.0, 100.0, 110.0, 119.0, 120.0, 121.0, 300.0])
@pytest.mark.parametrize("hold_for_s", [5.0, 20.0])
@pytest.mark.parametrize("late_s", [0.0, 0.2])
def test_whenever_the_operator_is_back_a_hold_that_is_there_is_seen(back_s, hold_for_s, late_s):
    spec = stage(entry(hold_for_s=hold_for_s), wake_ahead_s=0.25)
    run = drive(spec, one((0, NOT_YET), (70, PASS)), away=[(40, back_s)], late_s=late_s)

    assert run.status.phase is StagePhase.PASSED
    assert state_of(run).extended == (back_s > 120.0 - hold_for_s - 10.0)


def test_a_restart_near_the_deadline_is_no_absence():
    spec, scripted = stage(entry(hold_for_s=20.0)), one((0, NOT_YET), (105, PASS))
    plain = drive(spec, scripted)

    for call in range(plain.calls):
        restarted = drive(spec, scripted, restarts={call: "stored"})
        assert restarted.status.phase is StagePhase.FAILED
        assert not state_of(restarted).extended


def test_near_the_deadline_of_a_hold_looks_are_stored():
    run = drive(stage(entry(hold_for_s=20.0)), one((0, NOT_YET)))

    assert 4 <= run.stores <= 7


def test_the_global_switch_turns_waiting_off_not_looking():
    spec = stage(entry())
    run = drive(spec, one((0, NOT_YET)), observations=[(30.0, EnforcementSwitched(enforcement=False))])
    plain = drive(spec, one((0, NOT_YET)))

    assert run.status.phase is StagePhase.PASSED
    assert run.status.decided_at == START + timedelta(seconds=30)
    assert run.schedule() == plain.schedule()
    assert state_of(run).verdict is Verdict.FAILED


def test_the_switch_and_overrides_are_not_followed_after_the_result():
    run = drive(
        stage(entry("ready", timeout_s=10.0), entry("quiet")),
        one((0, NOT_YET)),
        observations=[
            (20.0, EnforcementSwitched(enforcement=False)),
            (20.0, OverridesSeen(overrides={"ready": Override(by="ann", reason="late")})),
        ],
    )

    assert run.status.phase is StagePhase.FAILED
    assert run.status.enforcement
    assert run.status.overrides == {}


def test_an_override_lets_the_run_go_on_and_is_named():
    override = Override(by="ann", reason="known slow start")
    run = drive(
        stage(entry("ready"), entry("quiet", enforced=False)),
        one((0, NOT_YET)),
        observations=[(15.0, OverridesSeen(overrides={"ready": override}))],
    )

    assert run.status.phase is StagePhase.PASSED
    assert run.status.overridden == {"ready": override}
    assert run.events[0].reason == "ConditionOverridden"
    assert "ann: known slow start" in run.events[0].message
    assert state_of(run).verdict is Verdict.FAILED


def test_an_override_of_what_passed_changes_nothing():
    override = Override(by="ann", reason="known slow start")
    run = drive(
        stage(entry("ready")),
        one((0, PASS)),
        observations=[(0.0, OverridesSeen(overrides={"quiet": override}))],
    )

    assert run.status.overridden == {}


def test_a_touched_target_censors_what_is_still_observed():
    spec = stage(entry("ready"), entry("quiet", enforced=False))
    run = drive(
        spec,
        world({"ready": [(0, PASS)], "quiet": [(0, NOT_YET)]}),
        observations=[(30.0, ObservationEnded(cause=EndCause.TARGET_TOUCHED))],
    )

    assert run.status.phase is StagePhase.PASSED
    assert run.status.over
    assert state_of(run, "quiet").verdict is Verdict.CENSORED
    assert run.evaluated[-1][0] == "quiet"


def test_a_run_cut_short_while_waiting_is_not_verified():
    run = drive(
        stage(entry()),
        one((0, NOT_YET)),
        observations=[(30.0, ObservationEnded(cause=EndCause.CUT_SHORT, detail="cancelled"))],
    )

    assert run.status.phase is StagePhase.FAILED
    assert run.status.stopped_by == ()
    assert run.status.message == "ready: cancelled (last seen: 3 of 5 pods ready)"
    assert state_of(run).verdict is Verdict.CENSORED


def test_an_action_that_never_ran_has_nothing_to_verify():
    run = drive(
        stage(entry(), entry("quiet", enforced=False)),
        one((0, PASS)),
        observations=[(0.0, ObservationEnded(cause=EndCause.ACTION_NEVER_RAN))],
    )

    assert run.status.phase is StagePhase.SKIPPED
    assert {state.verdict for state in run.status.postconditions.values()} == {Verdict.SKIPPED}
    assert state_of(run).reason is Reason.ACTION_NEVER_RAN
    assert run.reads == []


def test_validation_off_skips_and_records():
    spec = stage(entry(), validation_enabled=False)
    decision = decide(spec, begin(spec, started_at=START), [], START)

    assert decision.status.phase is StagePhase.SKIPPED
    assert decision.status.postconditions["ready"].reason is Reason.VALIDATION_OFF
    assert RecordEvaluations(keys=("ready",)) in decision.intents
    assert decision.next_due is None


def test_observed_runs_are_looked_at_every_ten_seconds_until_the_timeout():
    run = drive(stage(entry(timeout_s=60.0), observed_share=1.0), one((0, NOT_YET), (9, PASS)))
    settled_s = state_of(run).settled_s
    after = [began_s for began_s, _ in run.reads if began_s > settled_s]

    assert run.status.phase is StagePhase.PASSED
    assert run.status.decided_at - START < timedelta(seconds=15)
    assert after == [pytest.approx(settled_s + 10 * k) for k in range(1, len(after))] + [60.0]
    assert state_of(run).observed_s == 60.05
    assert [key for key, _ in run.evaluated] == ["ready", "ready"]
    assert len({(a.key, a.slot) for a in run.attempts}) == len(run.attempts)


def test_an_observer_that_was_away_takes_up_where_it_is():
    run = drive(stage(entry(timeout_s=60.0), observed_share=1.0), one((0, PASS)), away=[(15, 40)])

    assert [round(began_s) for began_s, _ in run.reads] == [1, 11, 40, 41, 51, 60]


def test_the_status_is_stored_when_a_decision_changes_not_at_every_look():
    run = drive(stage(entry()), one((0, NOT_YET)))

    assert len(run.attempts) > 12
    assert run.stores == 1


def test_a_driver_without_an_answer_is_asked_again_and_one_without_a_judgement_is_an_error():
    spec = stage(entry())
    due = decide(spec, begin(spec, started_at=START), [], START).next_due
    asked = decide(spec, begin(spec, started_at=START), [], due)
    again = decide(spec, asked.status, [], asked.next_due)

    read = next(intent for intent in again.intents if isinstance(intent, ReadFacts))
    assert asked.next_due <= due + timedelta(seconds=1)
    assert read.slots["ready"] in (0, 1)
    empty = Looked(slots=read.slots, began_at=again.status.seen_at, read_at=again.status.seen_at, judgements={})
    answered = decide(spec, again.status, [empty], again.status.seen_at)
    assert answered.status.postconditions["ready"].last_reason is Reason.EVALUATOR_UNAVAILABLE


def test_what_is_over_stays_as_it_is():
    run = drive(stage(entry()), one((0, PASS)))
    later = decide(stage(entry()), run.status, [EnforcementSwitched(enforcement=False)], START)

    assert later.status == run.status
    assert later.intents == ()


def test_by_default_a_fifth_of_the_runs_is_observed_and_blocked_lasts_an_hour():
    specs = [StageSpec(uid=f"run-{n}", level=Level.STEP, phase=Phase.POST, conditions=()) for n in range(5000)]

    assert abs(sum(map(observed_to_timeout, specs)) / len(specs) - 0.2) < 0.02
    assert specs[0].blocked_deadline_s == 3600.0
