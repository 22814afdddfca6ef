"""The dry run, the Job and what is known of its effect; never a second one."""

from typing import Any

import pytest
from helpers.execution_world import (
    ERROR,
    FAILED,
    PASSED,
    Driver,
    Fault,
    JobPlan,
    StandingJob,
    World,
    a_run,
    drive,
    kinds,
    post,
    pre,
)

from kubernaut.execution.effect import JOB_GRACE_S
from kubernaut.execution.intents import CaptureRollback, CreateJob, DeleteJob, ReadJob, RetireJob, SendDryRun
from kubernaut.execution.job_seen import Effect
from kubernaut.execution.retrying import kind_of
from kubernaut.facts.baseline import Baseline, ContainerBaseline
from kubernaut.identity import Phase
from kubernaut.verdicts import Judgement, Verdict


def _status(driver: Driver) -> Any:
    assert driver.status is not None
    return driver.status


def test_a_dry_run_changes_nothing_and_says_what_would_change() -> None:
    """Succeed after the dry run; postconditions are skipped, no Job and no rollback information."""
    world = World(conditions=(pre(), post()))
    (driver,) = drive(world, a_run(dry_run=True))
    status = _status(driver)
    assert (status.phase, status.reason) == ("succeeded", "DryRunSucceeded")
    assert status.message == "would change replicas 2 -> 5; nothing was changed"
    assert status.post.verdict("running") is Verdict.SKIPPED
    assert status.job is None
    assert CreateJob.__name__ not in kinds(world, "uid-1")
    assert not world.leases


def test_a_refused_dry_run_says_why() -> None:
    """Fail with the API server's words."""
    world = World(refuses_dry_run="admission webhook said no")
    (driver,) = drive(world, a_run())
    assert (_status(driver).phase, _status(driver).reason) == ("failed", "DryRunRefused")
    assert "admission webhook said no" in _status(driver).message
    assert not world.effects


def test_a_dry_run_that_met_another_state_goes_back() -> None:
    """Look again when the target moved between read and dry run."""
    world = World(conditions=(pre(),), moved_dry_runs=2)
    (driver,) = drive(world, a_run())
    assert _status(driver).phase == "succeeded"
    assert _status(driver).rounds == 2


def test_a_change_that_cannot_be_made_ready() -> None:
    """Fail with the action's own words, finally."""
    world = World(cannot={SendDryRun: "there is no revision to go back to"})
    (driver,) = drive(world, a_run())
    assert (_status(driver).phase, _status(driver).reason) == ("failed", "DryRunRefused")
    assert _status(driver).message == "there is no revision to go back to"
    assert world.now_s < 1.0


def test_a_change_that_cannot_be_made_ready_any_more() -> None:
    """Fail finally when the target does not allow it after the dry run did."""
    world = World(cannot={CaptureRollback: "revision 3 is gone"})
    (driver,) = drive(world, a_run())
    assert (_status(driver).phase, _status(driver).reason) == ("failed", "ActionRefused")
    assert _status(driver).message == "the target as it is now does not allow it: revision 3 is gone"


def test_a_target_that_goes_away_before_the_change() -> None:
    """Fail when it is gone, or another one, after the dry run; nothing was done."""

    def gone(world: World) -> None:
        world.target.there = False

    def replaced(world: World) -> None:
        world.target.uid = "target-2"

    for kind in ("SendDryRun", "CaptureRollback"):
        for happens, reasons in ((gone, ("TargetNotFound", "DryRunRefused")), (replaced, ("TargetReplaced",))):
            world = World(conditions=(pre(), post()), upon={kind: happens})
            (driver,) = drive(world, a_run())
            assert _status(driver).phase == "failed"
            assert _status(driver).reason in reasons
            assert not world.effects


def test_capturing_that_never_succeeds() -> None:
    """Give up after ten minutes."""
    world = World(fails=lambda intent, _at: "no answer" if isinstance(intent, CaptureRollback) else "")
    (driver,) = drive(world, a_run())
    assert (_status(driver).phase, _status(driver).reason) == ("failed", "GaveUp")


def test_a_refused_change_is_a_failure() -> None:
    """Fail without looking at postconditions when the API server said no."""
    world = World(conditions=(post(),), plans={"uid-1": JobPlan(applies=False, told=Effect.REFUSED)})
    (driver,) = drive(world, a_run())
    status = _status(driver)
    assert (status.phase, status.reason) == ("failed", "ActionRefused")
    assert status.message == "said the pod"
    assert status.post.verdict("running") is Verdict.SKIPPED
    assert RetireJob.__name__ in kinds(world, "uid-1")


@pytest.mark.parametrize(
    ("verdict", "required", "wanted"),
    [
        (PASSED, True, ("succeeded", "Succeeded")),
        (PASSED, False, ("succeeded", "Succeeded")),
        (FAILED, True, ("failed", "PostconditionFailed")),
        (FAILED, False, ("unknown", "EffectUnknown")),
        (ERROR, False, ("unknown", "EffectUnknown")),
    ],
)
def test_postconditions_settle_an_unknown_effect(verdict: Judgement, required: bool, wanted: tuple[str, str]) -> None:
    """Settle by every postcondition: never by a second Job."""
    world = World(
        conditions=(post(required=required),),
        verdicts=lambda *_: verdict,
        plans={"uid-1": JobPlan(told=Effect.UNKNOWN)},
    )
    (driver,) = drive(world, a_run())
    assert (_status(driver).phase, _status(driver).reason) == wanted
    assert kinds(world, "uid-1").count(CreateJob.__name__) == 1


def test_an_unknown_effect_without_postconditions_stays_unknown() -> None:
    """Say so."""
    world = World(plans={"uid-1": JobPlan(told=Effect.UNKNOWN)})
    (driver,) = drive(world, a_run())
    assert _status(driver).phase == "unknown"
    assert "no postconditions to tell" in _status(driver).message


def test_a_challenger_does_not_settle_anything() -> None:
    """Leave candidates out when an unknown effect is settled."""
    champion = post()
    candidate = post(required=False, candidate=True)
    world = World(
        conditions=(champion, candidate),
        verdicts=lambda _phase, key, _at: FAILED if "@" in key else PASSED,
        plans={"uid-1": JobPlan(told=Effect.UNKNOWN)},
    )
    (driver,) = drive(world, a_run())
    assert _status(driver).phase == "succeeded"


def test_a_job_that_does_not_end_is_given_up_and_deleted() -> None:
    """Delete it, so that nothing happens later, and let the postconditions tell."""
    world = World(
        conditions=(post(),),
        verdicts=lambda *_: FAILED,
        plans={"uid-1": JobPlan(takes_s=10_000.0)},
    )
    (driver,) = drive(world, a_run(timeout_s=20.0))
    status = _status(driver)
    assert DeleteJob.__name__ in kinds(world, "uid-1")
    assert not world.effects
    assert (status.phase, status.reason) == ("failed", "PostconditionFailed")
    assert status.job.effect is Effect.UNKNOWN
    assert status.job.reason == "JobDeadlineExceeded"
    given_up_s = next(entry.at_s for entry in world.of("uid-1") if isinstance(entry.intent, DeleteJob))
    assert 20.0 + JOB_GRACE_S <= given_up_s < 20.0 + JOB_GRACE_S + 12.0


def test_a_job_that_ended_while_nobody_looked_is_read_before_anything_is_concluded() -> None:
    """Take the end of a Job that its deadline found over."""
    world = World(conditions=(post(),), faults={15: Fault.CRASH_BEFORE}, away_s=1000.0)
    (driver,) = drive(world, a_run())
    assert _status(driver).phase == "succeeded"
    assert driver.restarts == 1


def test_a_job_that_vanished_after_it_was_seen_is_unknown() -> None:
    """Never create another one."""
    world = World(conditions=(post(),), plans={"uid-1": JobPlan(takes_s=30.0)})
    world.happenings = [(10.0, lambda world: world.jobs.clear())]
    (driver,) = drive(world, a_run())
    status = _status(driver)
    assert status.job.effect is Effect.UNKNOWN
    assert status.job.reason == "JobVanished"
    assert kinds(world, "uid-1").count(CreateJob.__name__) == 1
    assert status.phase == "succeeded"
    assert "although the Job's end is not known" in status.message


def test_a_create_that_never_arrived_is_made_again_from_a_new_read() -> None:
    """Capture anew before the second try, under the same name."""
    calm = World(conditions=(pre(), post()))
    drive(calm, a_run())
    number = [entry for entry in kinds(calm, "uid-1") if entry not in ("EmitEvent", "RecordExecution")]
    number = [name for name in number if not name.startswith("Record")]
    world = World(conditions=(pre(), post()), faults={number.index(CreateJob.__name__): Fault.BEFORE})
    (driver,) = drive(world, a_run())
    done = kinds(world, "uid-1")
    assert done.count("CaptureRollback") == 2
    assert done.index(ReadJob.__name__) < done.index(CreateJob.__name__)
    assert _status(driver).phase == "succeeded"
    assert len(world.effects) == 1


def test_a_job_of_the_same_name_that_is_not_ours() -> None:
    """Fail, and leave it alone."""
    foreign = StandingJob(uid="foreign", execution_uid="somebody", created_s=0.0, plan=JobPlan(takes_s=1e6))
    world = World(jobs={"kubernaut-uid-1": foreign})
    (driver,) = drive(world, a_run())
    assert (_status(driver).phase, _status(driver).reason) == ("failed", "JobNameTaken")
    assert world.jobs == {"kubernaut-uid-1": foreign}


def test_a_job_that_may_not_be_created() -> None:
    """Fail with the API server's words; nothing was changed."""
    world = World(conditions=(post(),), refuses_job="exceeded quota: jobs")
    (driver,) = drive(world, a_run())
    assert (_status(driver).phase, _status(driver).reason) == ("failed", "JobRefused")
    assert "exceeded quota" in _status(driver).message
    assert _status(driver).post.verdict("running") is Verdict.SKIPPED


def test_a_job_that_can_never_be_created() -> None:
    """Give up after ten minutes of no answer; it was never there."""
    world = World(fails=lambda intent, _at: "no answer" if isinstance(intent, CreateJob) else "")
    (driver,) = drive(world, a_run())
    assert (_status(driver).phase, _status(driver).reason) == ("failed", "GaveUp")
    assert 600.0 <= world.now_s < 700.0
    assert not world.effects


def test_a_job_that_can_never_be_read_is_unknown() -> None:
    """Delete it unread in the end, and let the postconditions tell."""
    world = World(conditions=(post(),), fails=lambda intent, _at: "no answer" if isinstance(intent, ReadJob) else "")
    (driver,) = drive(world, a_run())
    assert _status(driver).job.effect is Effect.UNKNOWN
    assert _status(driver).phase == "succeeded"
    assert DeleteJob.__name__ in kinds(world, "uid-1")


def test_the_baseline_and_rollback_information_are_kept_from_before_the_change() -> None:
    """Keep only restless pods."""
    calm, restless = {"web": ContainerBaseline(restarts=0)}, {"web": ContainerBaseline(restarts=3)}
    world = World(conditions=(post(),), baseline=Baseline(replicas=2, containers={"a": calm, "b": restless}))
    (driver,) = drive(world, a_run())
    assert _status(driver).baseline == Baseline(replicas=2, containers={"b": restless})
    assert _status(driver).rollback.info == {"replicas": 2}


def test_a_large_target_has_no_baseline_for_crashes() -> None:
    """Say that it could not be kept instead of letting old restarts count as new ones."""
    many = {f"pod-{number}": {"web": ContainerBaseline(restarts=1)} for number in range(501)}
    world = World(conditions=(post(),), baseline=Baseline(replicas=501, containers=many))
    (driver,) = drive(world, a_run())
    kept = _status(driver).baseline
    assert not kept.containers
    assert "501 pods had restarts" in kept.unobserved.detail


def test_why_a_pod_has_not_started_is_told_while_it_runs() -> None:
    """Show it in the message, and store it once."""
    world = World(plans={"uid-1": JobPlan(takes_s=30.0, waits_for="image x cannot be pulled")})
    (driver,) = drive(world, a_run(), until_s=25.0)
    stored: Any = driver.resource.status
    assert stored["phase"] == "running"
    assert stored["message"] == "image x cannot be pulled"
    assert stored["job"]["reason"] == "ImagePull"
    explained = [entry.intent.explain for entry in world.of("uid-1") if isinstance(entry.intent, ReadJob)]
    assert explained[0] is False
    assert explained[-1] is True


def test_a_deadline_comes_with_what_was_last_known_of_the_pod() -> None:
    """Name the image that could not be pulled although the pod is gone."""
    plan = JobPlan(takes_s=60.0, applies=False, told=Effect.UNKNOWN, waits_for="image x cannot be pulled", late=True)
    world = World(plans={"uid-1": plan})
    (driver,) = drive(world, a_run())
    assert _status(driver).phase == "unknown"
    assert "not over within its 60 s (image x cannot be pulled)" in _status(driver).message


def test_verifying_waits_for_the_enforced_alone() -> None:
    """Have the result with the enforced one, and go on looking at the other beside it."""
    world = World(
        conditions=(post("waited"), post("watched", required=False)),
        verdicts=lambda phase, key, _at: FAILED if phase is Phase.POST and key == "watched" else PASSED,
    )
    (driver,) = drive(world, a_run(), until_s=10.0)
    status = _status(driver)
    assert status.phase == "succeeded"
    assert not status.over
    assert not world.leases
    assert not driver.resource.finalizer
    (driver,) = drive(World(conditions=world.conditions, verdicts=world.verdicts), a_run())
    assert _status(driver).over
    assert _status(driver).phase == "succeeded"
    assert _status(driver).post.verdict("watched") is Verdict.FAILED


def test_a_target_that_was_replaced_is_not_verified() -> None:
    """Stop looking when another object bears the target's name."""

    def replace(world: World) -> None:
        world.target.uid = "target-2"

    world = World(conditions=(post(hold_for_s=10.0),), happenings=[(5.0, replace)])
    (driver,) = drive(world, a_run())
    assert (_status(driver).phase, _status(driver).reason) == ("unknown", "NotVerified")
    assert "another object made under its name" in _status(driver).message


def test_an_action_that_deletes_its_target_expects_another_one() -> None:
    """Go on looking when the pod's successor bears its name."""

    def replace(world: World) -> None:
        world.target.uid = "target-2"

    world = World(conditions=(post(hold_for_s=10.0),), happenings=[(5.0, replace)], target_kind="Pod")
    run = a_run(action="restart_pod", parameters={"pod": {"name": "web", "namespace": "shop"}})
    (driver,) = drive(world, run)
    assert _status(driver).phase == "succeeded"


def test_reads_after_the_job_that_never_succeed_end_in_an_error() -> None:
    """Give up reading after ten minutes: the condition could not be judged, and it was enforced."""
    world = World(
        conditions=(post(),),
        fails=lambda intent, _at: "no answer" if kind_of(intent) == "ReadFacts/post" else "",
    )
    (driver,) = drive(world, a_run())
    assert (_status(driver).phase, _status(driver).reason) == ("failed", "PostconditionFailed")
    assert _status(driver).post.verdict("running") is Verdict.ERROR
    assert world.now_s < 700.0
