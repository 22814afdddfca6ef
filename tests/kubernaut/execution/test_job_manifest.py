"""The Job's manifest: one try, one pod, restricted, nothing of the custom resource in image, account or command."""

import json
from typing import Any

from helpers.execution_world import a_change, a_run
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.actions.change import Change, Verb
from kubernaut.actions.command_line import CHANGE_ANNOTATION, CHANGE_FILE
from kubernaut.execution.intents import CreateJob
from kubernaut.execution.job import (
    EXECUTION_LABEL,
    JOB_FINALIZER,
    REQUEST_ANNOTATION,
    TARGET_LABEL,
    JobSettings,
    change_of,
    job_manifest,
)
from kubernaut.execution.names import job_name, lock_name
from kubernaut.facts.fields import Fields
from kubernaut.kubernetes_names import is_namespace

SETTINGS = JobSettings(image="registry/kubectl:1")


def _manifest(change: Change | None = None, **settings: Any) -> Any:
    run = a_run()
    create = CreateJob(name=job_name(run.uid), change=change or a_change(), timeout_s=60)
    return job_manifest(run, "target-1", create, JobSettings(image="registry/kubectl:1", **settings))


def test_one_try_with_an_end() -> None:
    """Never a second pod beside the first, and always a deadline; no TTL before the result is recorded."""
    spec = _manifest()["spec"]
    assert (spec["backoffLimit"], spec["completions"], spec["parallelism"]) == (0, 1, 1)
    assert spec["podReplacementPolicy"] == "Failed"
    assert spec["activeDeadlineSeconds"] == 60
    assert "ttlSecondsAfterFinished" not in spec
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


def test_found_by_name_and_labels_and_held_by_a_finalizer() -> None:
    """Name the execution and the target, on the Job and on its pod."""
    manifest = _manifest()
    metadata = manifest["metadata"]
    assert metadata["name"] == "kubernaut-uid-1"
    assert metadata["finalizers"] == [JOB_FINALIZER]
    for labels in (metadata["labels"], manifest["spec"]["template"]["metadata"]["labels"]):
        assert labels[EXECUTION_LABEL] == "uid-1"
        assert labels[TARGET_LABEL] == "target-1"
        assert labels["kubernaut.io/action"] == "scale_deployment"


def test_the_pod_is_restricted() -> None:
    """Meet what Pod Security calls `restricted`, with a read-only root."""
    pod = _manifest()["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["serviceAccountName"] == "kubernaut-scale-deployment"
    assert [set(volume) for volume in pod["volumes"]] == [{"name", "downwardAPI"}]
    assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_the_body_reaches_the_pod_as_a_file() -> None:
    """Point the downward API at the annotation that holds the body, and the command at the file."""
    template = _manifest()["spec"]["template"]
    (volume,), (container,) = template["spec"]["volumes"], template["spec"]["containers"]
    (item,) = volume["downwardAPI"]["items"]
    assert item["fieldRef"]["fieldPath"] == f"metadata.annotations['{CHANGE_ANNOTATION}']"
    assert f"{container['volumeMounts'][0]['mountPath']}/{item['path']}" == CHANGE_FILE
    assert json.loads(template["metadata"]["annotations"][CHANGE_ANNOTATION]) == a_change().body
    assert container["command"][0] == "kubectl"
    assert "args" not in container


def test_the_pull_policy_is_kubernetes_own_unless_said() -> None:
    """Leave it out when nobody set it."""
    assert "imagePullPolicy" not in _manifest()["spec"]["template"]["spec"]["containers"][0]
    never = _manifest(image_pull_policy="Never")
    assert never["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] == "Never"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


@given(body=st.lists(st.dictionaries(st.sampled_from(["op", "path", "value"]), values), max_size=3))
def test_what_a_job_was_told_can_be_read_back(body: list[dict[str, Any]]) -> None:
    """Round trip any change, by the Job alone."""
    change = Change(
        verb=Verb.PATCH,
        group="apps",
        version="v1",
        resource="deployments",
        namespace="shop",
        name="web",
        body=body,
    )
    assert change_of(Fields(_manifest(change), "Job")) == change


def test_a_job_that_lost_its_annotations_tells_nothing() -> None:
    """Give None instead of a guess."""
    manifest = _manifest()
    manifest["metadata"]["annotations"] = {REQUEST_ANNOTATION: "{"}
    assert change_of(Fields(manifest, "Job")) is None
    manifest["metadata"]["annotations"] = {}
    assert change_of(Fields(manifest, "Job")) is None
    manifest["metadata"]["annotations"] = {REQUEST_ANNOTATION: '{"verb": "EXPLODE"}'}
    assert change_of(Fields(manifest, "Job")) is None


@given(uid=st.text(min_size=1, max_size=80))
def test_names_are_names_whatever_the_uid(uid: str) -> None:
    """Name Jobs and Leases by any UID; the same one always the same."""
    for name in (job_name, lock_name):
        assert is_namespace(name(uid))
        assert name(uid) == name(uid)


def test_a_usual_uid_is_in_the_name() -> None:
    """Let a person find the Job by the execution's UID."""
    uid = "0b2a9f6e-64a4-4dc1-8a8b-0a57b2ad1111"
    assert job_name(uid) == f"kubernaut-{uid}"
    assert lock_name(uid) == f"kubernaut-target-{uid}"
