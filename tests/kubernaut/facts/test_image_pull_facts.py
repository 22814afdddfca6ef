import pytest
from helpers.kube_objects import container_status, deployment, event, pod, pod_template, replica_set, waiting
from helpers.looking import look, why

from kubernaut.facts.snapshot import UnobservedReason

SECRET = {"imagePullSecrets": [{"name": "registry"}]}
WEB = deployment(template=pod_template(**SECRET))
RS = replica_set(owner=WEB)


def user(name="web-a", **more):
    return pod(name, owner=RS, spec=SECRET, **more)


def held_up(message="Back-off pulling image", reason="ImagePullBackOff", name="web-b"):
    return user(
        name,
        phase="Pending",
        ready=False,
        statuses=[container_status(state=waiting(reason, message), image_id="", ready=False)],
    )


def facts(*objects, **more):
    found = look(WEB, RS, *objects, **more).facts
    return found.get("image_pull_secrets_exist", "unobserved"), found.get("image_pull_secrets_valid", "unobserved")


def test_none_named_is_well():
    snapshot = look(deployment(), replica_set(), pod())

    assert snapshot.facts["image_pull_secrets_exist"] is True
    assert snapshot.facts["image_pull_secrets_valid"] is True


def test_none_named_needs_no_pods():
    assert look(deployment(), unavailable=["Pod"]).facts["image_pull_secrets_exist"] is True


def test_secrets_of_the_service_account_show_in_the_pods():
    plain, rs = deployment(), replica_set()
    injected = pod(spec=SECRET, statuses=[container_status(image_id="", state=waiting("ContainerCreating"))])

    assert why(look(plain, rs, injected), "image_pull_secrets_valid")[0] is UnobservedReason.NOT_PROVIDED


def test_a_container_with_its_image_is_evidence():
    assert facts(user()) == (True, True)
    crashing = user(ready=False, statuses=[container_status(state=waiting("CrashLoopBackOff"))])
    assert facts(crashing) == (True, True)
    assert facts(user(), unavailable=["Event"]) == (True, True)


def test_no_use_no_evidence():
    assert facts() == ("unobserved", "unobserved")
    assert why(look(WEB, RS), "image_pull_secrets_exist") == (
        UnobservedReason.NOT_PROVIDED,
        "no current pod has pulled an image with registry yet",
    )
    # A pod of an older template that named no secret proves nothing; nor does one that has ended.
    assert facts(pod(owner=RS)) == ("unobserved", "unobserved")
    assert facts(user(phase="Succeeded")) == ("unobserved", "unobserved")


def test_an_unreadable_pod_list_is_unobserved():
    assert why(look(WEB, RS, unavailable=["Pod"]), "image_pull_secrets_valid")[0] is UnobservedReason.FORBIDDEN


def test_the_kubelet_misses_the_secret():
    one = user()

    assert facts(one, event("FailedToRetrieveImagePullSecret", about=one)) == (False, False)


@pytest.mark.parametrize(
    ("at", "expected"), [("2024-01-01T00:50:00Z", False), ("2024-01-01T00:49:59Z", True), (None, False)]
)
def test_an_event_that_has_not_come_again_is_over(at, expected):
    one = user()
    missing = event("FailedToRetrieveImagePullSecret", about=one)
    missing["lastTimestamp"] = at

    assert facts(one, missing)[0] is expected


def test_an_event_about_another_pod_is_none_of_ours():
    former = pod("web-a", owner=RS)
    former["metadata"]["uid"] = "former"

    assert facts(user(), event("FailedToRetrieveImagePullSecret", about=former)) == (True, True)
    about_node = event("FailedToRetrieveImagePullSecret", about=user())
    about_node["involvedObject"]["kind"] = "Node"
    assert facts(user(), about_node) == (True, True)


def test_events_of_the_newer_api():
    one = user()
    missing = event("FailedToRetrieveImagePullSecret", about=one)
    missing["regarding"] = missing.pop("involvedObject")
    del missing["lastTimestamp"]
    missing["series"] = {"lastObservedTime": "2024-01-01T00:55:00.000000Z", "count": 3}
    missing["eventTime"] = "2024-01-01T00:00:00.000000Z"

    assert facts(one, missing) == (False, False)


def test_names_stand_for_uids_of_events():
    one = user()
    missing = event("FailedToRetrieveImagePullSecret", about=one)
    del missing["involvedObject"]["uid"]

    assert facts(one, missing) == (False, False)


@pytest.mark.parametrize(
    "message",
    [
        "failed to pull: unexpected status from HEAD request to https://r/v2: 401 Unauthorized",
        "rpc error: pull access denied, repository does not exist or may require authorization: authorization failed",
        "Error response from daemon: Get https://r/v2/: no basic auth credentials",
        "denied: requested access to the resource is denied",
        "403 Forbidden",
        "unauthorized: incorrect username or password",
    ],
)
def test_the_registry_refuses(message):
    assert facts(user(), held_up(message)) == (True, False)
    assert facts(user(), held_up(message, reason="ErrImagePull"), unavailable=["Event"]) == ("unobserved", False)


def test_the_refusal_may_stand_in_an_event_only():
    pod_b = held_up()
    failed = event("Failed", about=pod_b, message='Failed to pull image "web:1": 401 Unauthorized')

    assert facts(user(), pod_b, failed) == (True, False)
    assert facts(user(), pod_b) == (True, True)


def test_a_missing_image_is_no_refusal():
    assert facts(held_up("manifest for web:9 not found: manifest unknown")) == ("unobserved", "unobserved")


def test_an_old_refusal_of_a_pod_that_runs_now_is_over():
    one = user()

    assert facts(one, event("Failed", about=one, message="401 Unauthorized")) == (True, True)


def test_an_unreadable_event_is_unreadable():
    one = user()
    broken = event("FailedToRetrieveImagePullSecret", about=one)
    broken["lastTimestamp"] = "lately"

    assert why(look(WEB, RS, one, broken), "image_pull_secrets_exist")[0] is UnobservedReason.UNREADABLE
