"""Facts of a Deployment's revisions: which there are, which one is meant, how long it stood, whether it is back."""

from datetime import UTC, datetime, timedelta

import pytest
from helpers.kube_objects import container, deployment, pod_template, replica_set
from helpers.looking import FORBIDDEN, NOW, WEB, look, why
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.actions.rollback_deployment.parameters import RollbackDeploymentParameters
from kubernaut.actions.rollback_deployment.revisions import rollback_of
from kubernaut.errors import FactsError, InputError
from kubernaut.facts.baseline import Baseline, RevisionsBaseline
from kubernaut.facts.extract import take_baseline
from kubernaut.facts.objects import ObjectSet
from kubernaut.facts.snapshot import UnobservedReason

START = datetime(2024, 1, 1, tzinfo=UTC)
HISTORY = "deployment.kubernetes.io/revision-history"


def template(version):
    return pod_template(containers=[{**container(), "image": f"shop/web:{version}"}])


def kept(version, number, *, minute=0, history="", available=0):
    """Make the ReplicaSet of a version of the template, by its revision."""
    made = replica_set(
        template_hash=f"v{version}", uid=f"rs-{version}", template=template(version), revision=f"{number}"
    )
    made["metadata"]["creationTimestamp"] = (START + timedelta(minutes=minute)).isoformat()
    if history:
        made["metadata"]["annotations"][HISTORY] = history
    if available:
        made["status"]["availableReplicas"] = available
    return made


def web(version, **more):
    return deployment(template=template(version), **more)


def to(revision):
    return {"deployment": {"name": "web", "namespace": "shop"}, "toRevision": revision}


WORLD = (web(3), kept(1, 1), kept(2, 2, minute=10, available=1), kept(3, 3, minute=40, available=2))
ASKED = {"deployment": {"name": "web", "namespace": "shop"}}


def facts(*objects, **more):
    return look(*objects, **{"parameters": ASKED, **more}).facts


def looked_before(*objects):
    return take_baseline(ObjectSet.from_objects(objects), WEB)


def test_the_revisions_and_the_one_before():
    found = facts(*WORLD)

    assert [(one["revision"], one["replica_set"], one["is_current"]) for one in found["revisions"]] == [
        (1, "web-v1", False),
        (2, "web-v2", False),
        (3, "web-v3", True),
    ]
    assert found["revisions"][1]["images"] == "main=shop/web:2"
    assert found["revisions"][1]["template_hash"] == "v2"
    assert (found["current_revision"], found["wanted_revision"]) == (3, 2)
    assert (found["wanted_revision_exists"], found["wanted_revision_is_current"]) == (True, False)
    assert found["wanted_revision_images_differ"] is True
    assert found["wanted_revision_available_replicas"] == 1
    assert found["wanted_revision_served_s"] == 30 * 60
    assert found["rollout_before_incident_s"] == 20 * 60
    assert found["deployment_paused"] is False
    assert found["available_replicas"] == 3


@pytest.mark.parametrize(
    ("revision", "expected"),
    [
        (1, (1, True, False)),
        (3, (3, True, True)),
        (7, (7, False, None)),
        (None, (2, True, False)),
        (0, (2, True, False)),
    ],
)
def test_which_revision_is_meant(revision, expected):
    found = facts(*WORLD, parameters=to(revision))

    assert (
        found["wanted_revision"],
        found["wanted_revision_exists"],
        found["wanted_revision_is_current"],
    ) == expected


def test_a_first_revision_has_none_before():
    found = facts(web(1), kept(1, 1))

    assert (found["wanted_revision"], found["wanted_revision_exists"]) == (None, False)
    for name in ("is_current", "images_differ", "available_replicas", "served_s"):
        assert found[f"wanted_revision_{name}"] is None, name


def test_a_template_that_has_no_number_yet_goes_back_to_the_newest():
    found = facts(web(4), *WORLD[1:])

    assert (found["current_revision"], found["wanted_revision"]) == (None, 3)
    assert why(look(web(4), *WORLD[1:], parameters=ASKED), "rollout_before_incident_s")[1] == (
        "the controller has not numbered the current template yet"
    )


@pytest.mark.parametrize("revision", ["3", -1, 1.5, True])
def test_a_revision_that_is_no_number_is_unreadable(revision):
    assert why(look(*WORLD, parameters=to(revision)), "wanted_revision")[0] is UnobservedReason.UNREADABLE


def test_without_deployment_or_replica_sets():
    nothing = look(kept(1, 1), parameters=ASKED)
    hidden = look(*WORLD, parameters=ASKED, unavailable=["ReplicaSet"])

    assert nothing.facts["revisions"] is None
    assert nothing.facts["wanted_revision_exists"] is None
    assert hidden.unobserved["wanted_revision"] == FORBIDDEN
    assert hidden.facts["deployment_paused"] is False


def test_replica_sets_without_a_number_are_no_revisions():
    odd = kept(2, "two", minute=10)

    assert [one["revision"] for one in facts(web(3), odd, kept(3, 3))["revisions"]] == [3]
    assert facts(web(3), odd, kept(3, 3))["wanted_revision"] is None


def test_how_long_a_revision_stood_when_it_was_taken_up_again_since():
    # 1 -> 2 -> back to 1, now 3 -> 4.
    world = (web(4), kept(1, 3, history="1"), kept(2, 2, minute=10), kept(4, 4, minute=25))

    assert facts(*world)["wanted_revision"] == 3
    assert facts(*world)["wanted_revision_served_s"] == 10 * 60
    # From 2 on a rollback took over, whose time is not kept.
    told = why(look(*world, parameters=to(2)), "wanted_revision_served_s")
    assert told[0] is UnobservedReason.NOT_PROVIDED
    assert told[1].startswith("how long revision 2 stood is not told: revision 3 is not kept")


def test_how_long_is_not_told_when_the_next_was_dropped():
    assert "wanted_revision_served_s" in look(web(3), kept(1, 1), kept(3, 3), parameters=to(1)).unobserved


def test_the_current_revision_stands_until_now():
    assert facts(*WORLD, parameters=to(3))["wanted_revision_served_s"] == 20 * 60


def test_the_last_rollout_and_the_incident():
    at = NOW - timedelta(minutes=50)

    assert facts(*WORLD, incident_detected_at=at)["rollout_before_incident_s"] == -30 * 60
    again = (web(1), kept(1, 3, history="1"), kept(2, 2, minute=10))
    assert why(look(*again, parameters=ASKED), "rollout_before_incident_s")[1] == (
        "revision 3 took an older ReplicaSet up again, which leaves no time"
    )


def test_a_replica_set_of_unknown_age():
    young = kept(3, 3)
    del young["metadata"]["creationTimestamp"]

    assert why(look(web(3), young, parameters=ASKED), "rollout_before_incident_s") == (
        UnobservedReason.UNREADABLE,
        "ReplicaSet shop/web-v3: metadata.creationTimestamp is missing",
    )


def test_after_a_rollback_the_revision_that_was_meant_stays_the_same():
    before = looked_before(*WORLD)
    back = (web(2), kept(1, 1), kept(2, 4, minute=10, history="2", available=3), kept(3, 3, minute=40))

    found = facts(*back, baseline=before)

    assert found["current_revision"] == 4
    assert (found["wanted_revision"], found["wanted_revision_exists"]) == (2, True)
    assert found["wanted_revision_is_current"] is True
    assert found["wanted_revision_images_differ"] is False
    assert found["wanted_revision_available_replicas"] == 3
    assert found["revision_advanced"] is True
    assert facts(*back, baseline=before, parameters=to(1))["wanted_revision_is_current"] is False
    # Alone, without the look before, the previous one would be the sick one.
    assert facts(*back)["wanted_revision"] == 3


def test_nothing_has_happened_yet():
    found = facts(*WORLD, baseline=looked_before(*WORLD))

    assert (found["revision_advanced"], found["wanted_revision_is_current"]) == (False, False)


def test_between_the_change_and_the_controller():
    # The template is back, the number is not given yet.
    found = facts(web(2), *WORLD[1:], baseline=looked_before(*WORLD))

    assert (found["revision_advanced"], found["wanted_revision_is_current"]) == (False, True)


def test_a_look_before_that_saw_no_revisions():
    blind = take_baseline(ObjectSet.from_objects(WORLD), WEB, unavailable={"ReplicaSet": FORBIDDEN})
    snapshot = look(*WORLD, parameters=ASKED, baseline=blind, action_ended_at=NOW)

    assert blind.revisions is None
    for name in ("wanted_revision", "wanted_revision_is_current", "revision_advanced"):
        assert why(snapshot, name)[0] is UnobservedReason.NOT_PROVIDED, name
    assert snapshot.facts["current_revision"] == 3


def test_a_precondition_is_told_the_revision_though_the_run_knows_but_the_replicas():
    snapshot = look(*WORLD, parameters=ASKED, baseline=Baseline(replicas=3))

    assert snapshot.facts["wanted_revision"] == 2


def test_the_look_before_survives_the_runs_status():
    before = looked_before(*WORLD)

    assert before.revisions == RevisionsBaseline(
        current=3, previous=2, replica_sets={1: "web-v1", 2: "web-v2", 3: "web-v3"}
    )
    assert Baseline.from_json(before.to_json()) == before
    with pytest.raises(FactsError, match="its keys are revisions' numbers"):
        Baseline.from_json({"revisions": {"replicaSets": {"first": "web-v1"}}})


def went_to(*objects, to_revision=None):
    """Give the revision that the action itself goes to, or what it says when there is no way."""
    asked = RollbackDeploymentParameters.model_validate(
        {"deployment": {"name": "web", "namespace": "shop"}, "toRevision": to_revision}
    )
    try:
        return rollback_of(asked, ObjectSet.from_objects(objects)).wanted.number
    except InputError as error:
        return next(said for said in ("is in force already", "has no revision before") if said in str(error))


@given(st.data())
def test_histories_of_rollouts_and_rollbacks(data):
    """Play rollouts as the Deployment's controller numbers them; facts and action mean the same revision."""
    made_at, numbers, took_over, clock, current = {}, {}, {}, 0, None
    for _ in range(data.draw(st.integers(1, 7))):
        version = data.draw(st.integers(1, 4))
        if version == current:
            continue
        clock += data.draw(st.integers(1, 50))
        number = 1 + max((past[-1] for past in numbers.values()), default=0)
        took_over[number] = (clock, version not in made_at)
        made_at.setdefault(version, clock)
        numbers.setdefault(version, []).append(number)
        current = version
    world = [
        kept(version, past[-1], minute=made_at[version] / 60, history=",".join(map(str, past[:-1])))
        for version, past in numbers.items()
    ]
    now = START + timedelta(seconds=clock + 5)

    found = facts(web(current), *data.draw(st.permutations(world)), now=now)

    latest = sorted(past[-1] for past in numbers.values())
    assert [one["revision"] for one in found["revisions"]] == latest
    assert found["current_revision"] == latest[-1]
    assert found["wanted_revision"] == (latest[-2] if len(latest) > 1 else None)
    assert went_to(web(current), *world) == (found["wanted_revision"] or "has no revision before")
    for version, past in numbers.items():
        assert went_to(web(current), *world, to_revision=past[-1]) == (
            "is in force already" if version == current else past[-1]
        )
        snapshot = look(web(current), *world, now=now, parameters=to(past[-1]))
        assert snapshot.facts["wanted_revision_is_current"] is (version == current)
        ended = took_over.get(past[0] + 1)
        until, is_told = (clock + 5, True) if ended is None else ended
        expected = until - made_at[version] if is_told else None
        assert snapshot.facts.get("wanted_revision_served_s") == expected
