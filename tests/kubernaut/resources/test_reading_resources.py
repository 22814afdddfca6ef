"""Custom resources read from dicts: what is understood, and what is refused with path and advice."""

import copy
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from kubernaut.conditions.added import MAX_INLINE_BYTES
from kubernaut.errors import SettingsError
from kubernaut.history.rows import Purpose
from kubernaut.identity import Level, Phase
from kubernaut.resources.names import KUBERNETES_EXECUTION, RESOURCE_KINDS
from kubernaut.resources.reading import read_execution, read_workflow
from kubernaut.resources.workflow import RollbackStrategy

EXAMPLE = Path(__file__).parents[1] / "conditions/data/scale-web-app-workflow.yaml"
NOON = "2026-01-02T12:00:00Z"


def execution(**spec):
    return {
        "apiVersion": "execution.kubernaut.io/v1alpha1",
        "kind": "KubernetesExecution",
        "metadata": {"name": "scale-web", "namespace": "shop"},
        "spec": {
            "action": "scale_deployment",
            "targetResource": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"},
            "parameters": {"deployment": {"name": "web", "namespace": "shop", "replicas": 5}},
            **spec,
        },
    }


def workflow(*steps, **spec):
    return {
        "apiVersion": "workflow.kubernaut.io/v1alpha1",
        "kind": "WorkflowExecution",
        "metadata": {"name": "scale-web", "namespace": "shop"},
        "spec": {"workflowDefinition": {"steps": list(steps)}, **spec},
    }


def step(number, **fields):
    return {"stepNumber": number, "action": "scale_deployment", "parameters": {}, **fields}


def test_the_least_that_can_be_asked_for():
    found = read_execution(execution())

    assert str(found.metadata) == "shop/scale-web"
    assert found.spec.target.name == "web"
    assert (found.spec.purpose, found.spec.step_number, found.spec.dry_run) == (Purpose.FORWARD, 1, False)
    assert found.spec.timeout_s is None
    assert found.status is None
    assert found.added == {1: ()}


def test_all_that_can_be_asked_for():
    document = execution(
        timeout="1m30s",
        dryRun=True,
        stepNumber=3,
        purpose="rollback",
        workflowRef={"name": "heal", "uid": "7"},
        incident={"id": "pager/4711", "detectedAt": NOON},
        preConditions=[{"type": "room", "rego": "package room", "timeout": "5s"}],
        postConditions=[{"type": "calm", "required": False, "holdFor": "20s"}],
    )
    document["metadata"] |= {
        "uid": "u",
        "resourceVersion": "9",
        "generation": 2,
        "creationTimestamp": NOON,
        "deletionTimestamp": NOON,
        "labels": {"team": "shop"},
        "annotations": {"note": "x"},
        "finalizers": ["kubernaut.io/run"],
    }

    found = read_execution(document)

    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    assert (found.metadata.created_at, found.metadata.deleted_at) == (noon, noon)
    assert (found.metadata.uid, found.metadata.resource_version, found.metadata.generation) == ("u", "9", 2)
    assert found.metadata.finalizers == ("kubernaut.io/run",)
    assert found.spec.incident.detected_at == noon
    assert (found.spec.timeout_s, found.spec.purpose) == (90.0, Purpose.ROLLBACK)
    pre, post = found.added[3]
    assert (pre.id.level, pre.id.phase, pre.timeout_s) == (Level.ACTION, Phase.PRE, 5.0)
    assert (post.place, post.required, post.hold_for_s) == ("spec.postConditions[0]", False, 20.0)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"tmieout": "3s"}, "spec.tmieout: unknown key; did you mean `timeout`?"),
        ({"action": "Scale"}, "spec.action: string should match"),
        ({"action": None}, "spec.action: input should be a valid string"),
        ({"timeout": 30}, "spec.timeout: 30 of what? write a duration, e.g. 30s"),
        ({"timeout": "3d"}, "spec.timeout: '3d' is not a duration"),
        ({"timeout": "2h"}, "spec.timeout: input should be less than or equal to 3600"),
        ({"stepNumber": 0}, "spec.stepNumber: input should be greater than or equal to 1"),
        ({"dryRun": "yes"}, "spec.dryRun: input should be a valid boolean"),
        ({"purpose": "fun"}, "spec.purpose: input should be 'forward' or 'rollback'"),
        ({"incident": {"id": "a\nb"}}, "spec.incident.id: string should match"),
        (
            {"incident": {"id": "a", "detectedAt": "noon"}},
            "spec.incident.detectedAt: 'noon' is not a moment in RFC 3339",
        ),
        ({"incident": {"id": "a", "detectedAt": 5}}, "spec.incident.detectedAt: '5' is not a moment in RFC 3339"),
        ({"parameters": {"x": "y" * 20_000}}, "spec.parameters: 20,008 bytes; at most 16,384 are accepted"),
        ({"serviceAccountName": "admin"}, "spec.serviceAccountName: no key of this place; remove it"),
        (
            {"preConditions": [{"type": "a", "rego": "x" * (MAX_INLINE_BYTES + 1)}]},
            "spec.preConditions[0]: 8,193 bytes",
        ),
        ({"preConditions": [{"type": "a"}] * 2}, "spec.preConditions[1]: a stands in this list twice"),
        ({"postConditions": [{"type": "a", "timeout": "5h"}]}, "spec.postConditions[0].timeout: 5h is too long"),
        (
            {"preConditions": [{"type": f"c{number}", "rego": "é" * 4096} for number in range(33)]},
            "270,336 bytes of inline rego; at most 262,144 are accepted in all",
        ),
    ],
)
def test_what_does_not_fit_is_named(spec, said):
    with pytest.raises(SettingsError, match=r"^KubernetesExecution shop/scale-web: ") as refused:
        read_execution(execution(**spec))

    assert said in str(refused.value)


@pytest.mark.parametrize("name", ["--server=http://evil", "web; rm -rf /", "$(id)", "Web", "a" * 254, ""])
def test_a_name_is_a_name(name):
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": name}

    with pytest.raises(SettingsError, match=r"spec\.targetResource\.name: .* is no name"):
        read_execution(execution(targetResource=target))


def test_every_problem_is_told_at_once():
    with pytest.raises(SettingsError) as refused:
        read_execution(execution(timeout="3d", stepNumber=-1, dryrun=True))

    assert len(str(refused.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(kind="WorkflowExecution"), "is not read here; write execution.kubernaut.io/v1alpha1"),
        (lambda d: d.update(apiVersion="execution.kubernaut.io/v2"), "is not read here"),
        (lambda d: d.pop("spec"), "spec: missing; add it"),
        (lambda d: d["metadata"].pop("namespace"), "no name and namespace"),
        (lambda d: d.pop("metadata"), "no name and namespace"),
    ],
)
def test_what_is_no_execution_is_refused(change, said):
    document = execution()
    change(document)

    with pytest.raises(SettingsError, match=re.escape(said)):
        read_execution(document)


def test_a_status_survives_what_newer_versions_add():
    document = execution()
    document["status"] = {
        "phase": "verifying",
        "startedAt": NOON,
        "newer": {"thing": 1},
        "engine": {"version": 1},
        "job": {"name": "kubernaut-1", "newer": True},
        "conditions": [
            {"type": "Succeeded", "status": "Unknown", "reason": "Running", "lastTransitionTime": NOON, "message": ""}
        ],
    }

    status = read_execution(document).status

    assert status.to_json() == {
        "phase": "verifying",
        "message": "",
        "startedAt": "2026-01-02T12:00:00.000000Z",
        "engine": {"version": 1},
        "job": {"name": "kubernaut-1", "message": ""},
        "conditions": [
            {
                "type": "Succeeded",
                "status": "Unknown",
                "reason": "Running",
                "lastTransitionTime": "2026-01-02T12:00:00.000000Z",
                "message": "",
            }
        ],
    }


def test_a_status_without_phase_is_none_yet():
    assert read_execution(execution() | {"status": {}}).status is None


def test_a_status_that_nobody_wrote_is_refused():
    with pytest.raises(SettingsError, match=r"status\.startedAt: 'soon' is not a moment"):
        read_execution(execution() | {"status": {"phase": "running", "startedAt": "soon"}})


def test_the_guides_workflow_is_read_as_it_stands():
    found = read_workflow(yaml.safe_load(EXAMPLE.read_text()))

    (only,) = found.spec.definition.steps
    assert (only.step_number, only.critical, only.depends_on) == (1, True, ())
    assert found.spec.strategy.rollback_strategy is RollbackStrategy.MANUAL
    assert found.spec.strategy.max_parallel == 5
    assert found.spec.effectiveness.stabilization_window_s == 300.0
    assert [added.id.type for added in found.added[1]] == [
        "deployment_exists",
        "cluster_capacity_available",
        "desired_replicas_running",
        "deployment_health_check",
    ]


def test_a_step_carries_conditions_of_both_levels():
    found = read_workflow(
        workflow(
            step(1),
            step(
                2,
                dependsOn=[1],
                rollback={"action": "restart_pod", "parameters": {}},
                preConditions=[{"type": "room"}],
                actionConditions={"postConditions": [{"type": "calm"}]},
            ),
            executionStrategy={"rollbackStrategy": "automatic", "maxParallel": 1},
            effectiveness={"stabilizationWindow": "10m", "query": "up"},
        )
    )

    assert [added.id.level for added in found.added[2]] == [Level.STEP, Level.ACTION]
    assert found.added[1] == ()
    assert found.spec.effectiveness.stabilization_window_s == 600.0
    assert found.spec.definition.steps[1].rollback.action == "restart_pod"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (workflow(step(1), step(1)), "steps.1.stepNumber: 1 stands here twice; number each step once"),
        (workflow(), "spec.workflowDefinition.steps: tuple should have at least 1 item"),
        (workflow(step(1, name="a\nb")), "steps[0].name: holds line breaks"),
        (workflow(step(1, preCondition=[])), "did you mean `preConditions`?"),
        (
            workflow(step(1, actionConditions={"preConditions": [{"type": "a"}, {"type": "a"}]})),
            "steps[0].actionConditions.preConditions[1]: a stands in this list twice",
        ),
        (workflow(step(1), executionStrategy={"rollbackStrategy": "auto"}), "input should be 'automatic', 'manual'"),
        (workflow(step(1), effectiveness={"stabilizationWindow": "25h"}), "less than or equal to 86400"),
    ],
)
def test_a_workflow_that_does_not_fit_is_named(document, said):
    with pytest.raises(SettingsError, match=r"^WorkflowExecution shop/scale-web: ") as refused:
        read_workflow(document)

    assert said in str(refused.value)


def test_reading_changes_nothing():
    document = execution(preConditions=[{"type": "room"}])
    before = copy.deepcopy(document)

    read_execution(document)

    assert document == before


def test_kinds_are_called_once():
    assert KUBERNETES_EXECUTION.crd_name == "kubernetesexecutions.execution.kubernaut.io"
    assert len({name for kind in RESOURCE_KINDS for name in (kind.plural, kind.singular, *kind.short_names)}) == 6
