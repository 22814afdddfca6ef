"""Both kinds on a real API server: what is accepted, what is refused with which words, what stays fixed."""

import json
from pathlib import Path

import pytest
import yaml
from cluster.errors import ClusterError

from kubernaut.conditions.added import MAX_CONDITIONS, MAX_INLINE_BYTES
from kubernaut.resources.execution import KubernetesExecutionStatus
from kubernaut.resources.reading import read_execution, read_workflow

# What these tests write is not to be started between two of their steps.
pytestmark = [
    pytest.mark.xdist_group("control-plane"),
    pytest.mark.cluster,
    pytest.mark.usefixtures("no_operator"),
]

EXAMPLE = Path(__file__).parents[2] / "kubernaut/conditions/data/scale-web-app-workflow.yaml"


def execution(namespace, **spec):
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": namespace, "name": "web"}
    return {
        "apiVersion": "execution.kubernaut.io/v1alpha1",
        "kind": "KubernetesExecution",
        "metadata": {"name": "scale-web", "namespace": namespace},
        "spec": {
            "action": "scale_deployment",
            "targetResource": target,
            "parameters": {"deployment": {"name": "web", "namespace": namespace, "replicas": 5}},
            **spec,
        },
    }


def workflow(namespace, *steps, **spec):
    return {
        "apiVersion": "workflow.kubernaut.io/v1alpha1",
        "kind": "WorkflowExecution",
        "metadata": {"name": "scale-web", "namespace": namespace},
        "spec": {"workflowDefinition": {"steps": list(steps)}, **spec},
    }


def step(number, **fields):
    return {"stepNumber": number, "action": "scale_deployment", "parameters": {}, **fields}


def apply(installed, manifest, *flags):
    text = installed.cluster.kubectl(
        "apply", "--server-side", "--output=json", "--validate=strict", *flags, "-f", "-", stdin=json.dumps(manifest)
    )
    return json.loads(text)


def refusal(installed, manifest):
    with pytest.raises(ClusterError) as refused:
        installed.cluster.kubectl(
            "create", "--dry-run=server", "--validate=strict", "-f", "-", stdin=json.dumps(manifest)
        )
    return str(refused.value)


def test_the_guides_example_applies_as_it_stands(installed, namespace):
    example = yaml.safe_load(EXAMPLE.read_text().replace("namespace: production", f"namespace: {namespace}"))

    text = installed.cluster.kubectl("apply", "--dry-run=server", "--output=json", "-f", "-", stdin=json.dumps(example))

    stored = json.loads(text)
    given = example["spec"]["workflowDefinition"]["steps"]
    assert stored["spec"]["workflowDefinition"]["steps"] == [{"criticalStep": True, **given[0]}]
    assert len(read_workflow(stored).added[1]) == 4


def test_what_is_stored_is_read_back(installed, namespace):
    stored = apply(
        installed,
        execution(
            namespace,
            timeout="90s",
            incident={"id": "pager/4711", "detectedAt": "2026-01-02T03:04:05Z"},
            postConditions=[{"type": "calm", "rego": "package calm", "timeout": "1m30s", "holdFor": "20s"}],
        ),
    )

    found = read_execution(stored)

    assert found.spec.timeout_s == 90.0
    assert found.spec.step_number == 1
    assert not found.spec.dry_run
    assert found.spec.incident.id == "pager/4711"
    (added,) = found.added[1]
    assert (added.timeout_s, added.hold_for_s, added.required) == (90.0, 20.0, True)


LONG = "x" * (MAX_INLINE_BYTES + 1)
HALF = [{"type": f"c{number}", "rego": "x" * MAX_INLINE_BYTES} for number in range(33)]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        pytest.param({"action": "--scale"}, "spec.action", id="an action like a flag"),
        pytest.param(
            {"targetResource": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "--server=http://evil"}},
            "spec.targetResource.name",
            id="a name like a flag",
        ),
        pytest.param(
            {"targetResource": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web; rm -rf /"}},
            "spec.targetResource.name",
            id="a name like a shell line",
        ),
        pytest.param(
            {"serviceAccountName": "cluster-admin"}, 'unknown field "spec.serviceAccountName"', id="an account"
        ),
        pytest.param({"image": "evil"}, 'unknown field "spec.image"', id="an image"),
        pytest.param({"timeout": "2h"}, "timeout: write at least 1s, and at most 1h", id="a long timeout"),
        pytest.param({"timeout": "3d"}, "spec.timeout in body should match", id="days"),
        pytest.param({"purpose": "fun"}, 'supported values: "forward", "rollback"', id="a purpose"),
        pytest.param({"stepNumber": 0}, "should be greater than or equal to 1", id="step 0"),
        pytest.param(
            {"preConditions": [{"type": "a", "rego": LONG}]},
            "Too long: may not be more than 8192 bytes",
            id="long rego",
        ),
        pytest.param({"preConditions": HALF}, "more than 256 KiB of inline rego in all: move policies", id="much rego"),
        pytest.param(
            {"preConditions": [{"type": f"c{number}"} for number in range(MAX_CONDITIONS + 1)]},
            "must have at most 64 items",
            id="many conditions",
        ),
        pytest.param({"preConditions": [{"type": "a"}, {"type": "a"}]}, "Duplicate value", id="a type twice"),
        pytest.param(
            {"preConditions": [{"type": "a", "holdFor": "2s"}]},
            "a precondition is looked at once: remove pollInterval and holdFor",
            id="a precondition that holds",
        ),
        pytest.param(
            {"postConditions": [{"type": "a", "holdFor": "2m"}]},
            "holdFor does not fit into the timeout",
            id="a hold as long as the timeout",
        ),
        pytest.param(
            {"postConditions": [{"type": "a", "timeout": "0s"}]}, "timeout: write at least 100ms", id="no time"
        ),
    ],
)
def test_bounds_are_refused_in_words(installed, spec, said):
    assert said in refusal(installed, execution("default", **spec))


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([step(1), step(1)], "Duplicate value"),
        ([step(1, dependsOn=[1])], "dependsOn: a step waits for others"),
        ([step(1), step(2, dependsOn=[3])], "dependsOn names a step that is not there"),
        ([step(number) for number in range(1, 66)], "must have at most 64 items"),
        ([], "should have at least 1 items"),
    ],
)
def test_steps_that_cannot_be_carried_out_are_refused(installed, steps, said):
    assert said in refusal(installed, workflow("default", *steps))


def test_a_large_workflow_fits_what_rules_may_cost(installed):
    conditions = [{"type": f"c{number}", "timeout": "10s", "rego": "package x"} for number in range(MAX_CONDITIONS)]
    steps = [
        step(number, preConditions=conditions, postConditions=conditions, dependsOn=list(range(1, number)))
        for number in range(1, 65)
    ]

    installed.cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(workflow("default", *steps)))


def test_the_spec_is_fixed_once_it_has_started(installed, namespace):
    kubectl = installed.cluster.kubectl
    place = ("kubernetesexecution", "scale-web", f"--namespace={namespace}", "--type=merge")
    apply(installed, execution(namespace))
    apply(installed, execution(namespace, dryRun=True))
    status = KubernetesExecutionStatus(phase="pending", engine={"any": {"thing": [1]}}).to_json()
    kubectl("patch", *place, "--subresource=status", "--patch", json.dumps({"status": status}))

    for spec in ({"dryRun": False}, {"parameters": {"deployment": {"replicas": 9}}}, {"timeout": "5s"}):
        with pytest.raises(ClusterError, match=r"spec: Invalid value.*once it has started, the spec is fixed"):
            kubectl("patch", *place, "--patch", json.dumps({"spec": spec}))
    kubectl("patch", *place, "--patch", '{"metadata": {"labels": {"team": "shop"}}}')

    stored = json.loads(kubectl("get", *place[:3], "--output=json"))
    assert stored["status"]["engine"] == {"any": {"thing": [1]}}
    assert stored["metadata"]["labels"] == {"team": "shop"}


def test_people_see_what_they_look_for(installed, namespace):
    apply(installed, execution(namespace))

    short = installed.cluster.kubectl("get", "kex", f"--namespace={namespace}")
    both = installed.cluster.kubectl("get", "kubernaut", f"--namespace={namespace}")
    explained = installed.cluster.kubectl("explain", "kex.spec.postConditions.holdFor")

    assert short.split("\n")[0].split() == ["NAME", "PHASE", "ACTION", "TARGET", "REASON", "AGE"]
    assert "scale_deployment" in short
    assert "kubernetesexecution.execution.kubernaut.io/scale-web" in both
    assert "How long it must stay true before it passes" in explained
