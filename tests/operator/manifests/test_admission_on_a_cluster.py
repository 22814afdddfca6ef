"""The admission policies on a real API server: who may say and start what, on CREATE and UPDATE, for both kinds."""

import json
import time

import pytest
from cluster.errors import ClusterError
from helpers.person import Person
from kubernaut_operator.manifests.actions_admission import actions_policy
from kubernaut_operator.manifests.admission import ADMISSION_NAMES, MAX_OTHER_NAMESPACES
from kubernaut_operator.manifests.install import manifests_text
from kubernaut_operator.manifests.options import OPERATOR, InstallOptions

from kubernaut.resources.names import ACTION_LABEL

# What these tests write is not to be started between two of their steps.
pytestmark = [
    pytest.mark.xdist_group("control-plane"),
    pytest.mark.cluster,
    pytest.mark.usefixtures("no_operator"),
]


def execution(namespace, *, target=None, parameters=None, annotations=None):
    return {
        "apiVersion": "execution.kubernaut.io/v1alpha1",
        "kind": "KubernetesExecution",
        "metadata": {"name": "one", "namespace": namespace, "annotations": annotations or {}},
        "spec": {
            "action": "scale_deployment",
            "targetResource": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": "web",
                **({"namespace": namespace} if target is None else target),
            },
            "parameters": named(namespace) if parameters is None else parameters,
        },
    }


def named(namespace):
    return {"deployment": {"name": "web", "namespace": namespace, "replicas": 5}}


def workflow(namespace, *, targets=(), annotations=None, rollback=None):
    steps = [
        {"stepNumber": number, "action": "scale_deployment", "parameters": named(target)}
        for number, target in enumerate(targets or (namespace,), start=1)
    ]
    if rollback is not None:
        steps[0]["rollback"] = {"action": "scale_deployment", "parameters": rollback}
    return {
        "apiVersion": "workflow.kubernaut.io/v1alpha1",
        "kind": "WorkflowExecution",
        "metadata": {"name": "one", "namespace": namespace, "annotations": annotations or {}},
        "spec": {"workflowDefinition": {"steps": steps}},
    }


KINDS = {"kubernetesexecution": execution, "workflowexecution": workflow}
BOTH = pytest.mark.parametrize("kind", KINDS)


def create(person, manifest, *flags):
    return person.kubectl("create", "-f", "-", *flags, stdin=json.dumps(manifest))


def refused(call, *arguments):
    with pytest.raises(ClusterError) as error:
        call(*arguments)
    return str(error.value)


def answer(call, *arguments):
    try:
        return call(*arguments)
    except ClusterError as error:
        return str(error)


def wait_until(holds, limit_s=30):
    deadline = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def override(by, **changed):
    fields = {"condition": "no_crashloop_pods", "by": by, "reason": "nodes are on their way", **changed}
    return {f"kubernaut.io/override-{name}": value for name, value in fields.items()}


def annotate(person, kind, annotations):
    words = [f"{name}-" if value is None else f"{name}={value}" for name, value in annotations.items()]
    return person.kubectl("annotate", "--overwrite", kind, "one", *words)


# --- annotations ---


@BOTH
def test_an_override_takes_the_verb_whenever_it_is_said(person, kind):
    manifest = KINDS[kind](person.namespace, annotations=override(person.name))
    said = f"{person.name} may not override conditions: that takes the verb override on {kind}s"

    assert said in refused(create, person, manifest)
    create(person, KINDS[kind](person.namespace))
    assert said in refused(annotate, person, kind, override(person.name))


@BOTH
def test_whoever_holds_the_verb_overrides_in_their_own_name(person, kind):
    person.given("kubernaut-override")
    said = f"kubernaut.io/override-by must be {person.name}: an override names who set it"

    assert said in refused(create, person, KINDS[kind](person.namespace, annotations=override("alice")))
    create(person, KINDS[kind](person.namespace, annotations=override(person.name)))
    assert said in refused(annotate, person, kind, {"kubernaut.io/override-by": "alice"})
    assert said in refused(annotate, person, kind, {"kubernaut.io/override-by": None})
    annotate(person, kind, {"kubernaut.io/override-until": "2026-03-01T12:00:00Z"})


@BOTH
def test_an_override_of_another_is_neither_changed_nor_withdrawn_without_the_verb(person, kind):
    create(person, KINDS[kind](person.namespace))
    author = (
        Person(person._cluster, f"author-{person.name}", person.namespace).given("edit").given("kubernaut-override")
    )
    annotate(author, kind, override(author.name))

    assert "may not override" in refused(annotate, person, kind, {"kubernaut.io/override-reason": "none"})
    assert "may not override" in refused(annotate, person, kind, dict.fromkeys(override(""), None))
    annotate(person, kind, {"team": "shop"})
    second = person.given("kubernaut-override")
    assert f"must be {second.name}" in refused(annotate, second, kind, {"kubernaut.io/override-until": "later"})
    annotate(second, kind, dict.fromkeys(override(""), None))


@BOTH
@pytest.mark.parametrize("verb", ["approve", "outcome"])
def test_approvals_and_outcomes_take_their_own_verbs(person, kind, verb):
    value = {f"kubernaut.io/{verb}": "effective"}
    said = f"may not set kubernaut.io/{verb}: that takes the verb {verb}"

    assert said in refused(create, person, KINDS[kind](person.namespace, annotations=value))
    create(person, KINDS[kind](person.namespace))
    person.given("kubernaut-override")
    assert said in refused(annotate, person, kind, value)
    person.given(f"kubernaut-{verb}")
    annotate(person, kind, value)


def test_nobody_passes_an_execution_off_as_a_step_of_a_workflow_with_its_overrides(person):
    step = execution(person.namespace)
    step["spec"]["workflowRef"] = {"name": "one", "uid": "0b4b0f5c-7f43-4d0e-8f8b-6f2f5b3c8a11"}
    said = f"{person.name} may not set spec.workflowRef: the operator makes the steps of a workflow"

    assert said in refused(create, person, step)
    create(person, execution(person.namespace))
    change = json.dumps({"spec": {"workflowRef": step["spec"]["workflowRef"]}})
    assert said in refused(person.kubectl, "patch", "kubernetesexecution", "one", "--type=merge", f"--patch={change}")


# --- targets ---


@pytest.fixture
def elsewhere(installed, namespace):
    """Another namespace."""
    name = f"{namespace[:50]}-elsewhere"
    installed.cluster.kubectl("create", "namespace", name)
    yield name
    installed.cluster.kubectl("delete", "namespace", name, "--wait=false")


def test_a_target_elsewhere_takes_the_verb_remediate_there(person, elsewhere):
    said = f"may not act on namespace {elsewhere} from here: that takes the verb remediate"
    declared = execution(person.namespace, target={"namespace": elsewhere})
    hidden = execution(person.namespace, parameters=named(elsewhere))
    flat = execution(person.namespace, parameters={"namespace": elsewhere})
    steps = workflow(person.namespace, targets=(person.namespace, elsewhere))
    rollback = workflow(person.namespace, rollback=named(elsewhere))

    for manifest in (declared, hidden, flat, steps, rollback):
        assert said in refused(create, person, manifest, "--dry-run=server")
    person.given("kubernaut-remediate", namespace=elsewhere)
    for manifest in (declared, hidden, flat, steps, rollback):
        create(person, manifest, "--dry-run=server")


def test_a_target_is_not_moved_elsewhere_later(person, elsewhere):
    create(person, execution(person.namespace))
    moved = json.dumps({"spec": {"targetResource": {"namespace": elsewhere}}})

    said = refused(person.kubectl, "patch", "kubernetesexecution", "one", "--type=merge", "--patch", moved)

    assert f"may not act on namespace {elsewhere}" in said


def test_an_object_of_the_whole_cluster_takes_the_verb_everywhere(person):
    said = "may not act on objects of the whole cluster"
    node = {"node": {"name": "worker-1"}}

    for parameters in (node, {"deployment": {"name": "web", "namespace": ""}}):
        assert said in refused(create, person, execution(person.namespace, parameters=parameters), "--dry-run=server")
    assert said in refused(create, person, execution(person.namespace, target={}), "--dry-run=server")
    person.given("kubernaut-remediate", everywhere=True)
    create(person, execution(person.namespace, target={}, parameters=node), "--dry-run=server")


def test_each_other_namespace_is_asked_about_and_there_are_not_too_many(person, elsewhere):
    others = [f"{elsewhere[:40]}-{number}" for number in range(MAX_OTHER_NAMESPACES + 1)]
    for number, name in enumerate(others):
        person._cluster.kubectl("create", "namespace", name)
        if number != MAX_OTHER_NAMESPACES - 1:
            person.given("kubernaut-remediate", namespace=name)
    try:
        few = workflow(person.namespace, targets=[*others[: MAX_OTHER_NAMESPACES - 1] * 20, person.namespace])
        last = workflow(person.namespace, targets=others[:MAX_OTHER_NAMESPACES])
        many = workflow(person.namespace, targets=others)

        create(person, few, "--dry-run=server")
        assert f"namespace {others[MAX_OTHER_NAMESPACES - 1]}" in refused(create, person, last, "--dry-run=server")
        person.given("kubernaut-remediate", namespace=others[MAX_OTHER_NAMESPACES - 1])
        create(person, last, "--dry-run=server")
        assert "more than 4 other namespaces" in refused(create, person, many, "--dry-run=server")
    finally:
        for name in others:
            person._cluster.kubectl("delete", "namespace", name, "--wait=false")


def test_odd_parameters_are_the_operators_business(person):
    for odd in ({"deployment": 5}, {"deployment": ["web"]}, {"deployment": None}, {}):
        create(person, execution(person.namespace, parameters=odd), "--dry-run=server")


def test_who_may_label_need_not_hold_the_verb(person, elsewhere):
    allowed = Person(person._cluster, f"author-{person.name}", person.namespace).given("edit")
    allowed.given("kubernaut-remediate", namespace=elsewhere)
    create(allowed, execution(person.namespace, target={"namespace": elsewhere}))

    person.kubectl("label", "kubernetesexecution", "one", "team=shop")


# --- what runs ---


def job(image, *, action="scale_deployment", account=None, **pod):
    security = {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    template = {
        "metadata": {"labels": {ACTION_LABEL: action}},
        "spec": {
            "serviceAccountName": account or f"kubernaut-{action.replace('_', '-')}",
            "restartPolicy": "Never",
            "containers": [{"name": "action", "image": image, "securityContext": security}],
            **pod,
        },
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "trial", "namespace": "kubernaut-actions"},
        "spec": {"template": template},
    }


def pod_of(manifest):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**manifest["metadata"], **manifest["spec"]["template"]["metadata"]},
        "spec": manifest["spec"]["template"]["spec"],
    }


@pytest.fixture
def operator(installed):
    """The operator's account."""
    return Person(installed.cluster, f"system:serviceaccount:kubernaut-system:{OPERATOR}", "kubernaut-actions")


@pytest.fixture
def administrator(installed):
    """Somebody who may do everything that RBAC knows."""
    return Person(installed.cluster, "admin", "kubernaut-actions")


def test_the_operator_alone_starts_jobs(installed, operator, administrator):
    manifest = job(installed.action_image)

    create(operator, manifest, "--dry-run=server")

    masters = ("--as-group=system:masters", "--dry-run=server")
    said = refused(create, administrator, manifest, *masters)
    assert "admin may not create jobs here: the operator alone starts actions" in said
    assert "may not create pods here" in refused(create, administrator, pod_of(manifest), *masters)


def test_the_job_controller_makes_the_pods(installed):
    controller = Person(installed.cluster, "system:serviceaccount:kube-system:job-controller", "kubernaut-actions")

    create(controller, pod_of(job(installed.action_image)), "--dry-run=server")
    assert "runs as kubernaut-restart-pod and as nobody else" in refused(
        create,
        controller,
        pod_of(job(installed.action_image, action="restart_pod", account="kubernaut-scale-deployment")),
        "--dry-run=server",
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"image": "evil.example.org/kubectl"}, "and nothing else"),
        ({"account": "kubernaut-rollback-deployment"}, "runs as kubernaut-scale-deployment and as nobody else"),
        ({"account": "default"}, "runs as kubernaut-scale-deployment and as nobody else"),
        ({"action": "rm_rf"}, "names no action of this installation"),
        ({"initContainers": [{"name": "first", "image": "evil"}]}, "and nothing else"),
    ],
)
def test_image_and_account_are_pinned_even_for_the_operator(installed, operator, changed, said):
    manifest = job(**{"image": installed.action_image, **changed})

    assert said in refused(create, operator, manifest, "--dry-run=server")


def test_what_runs_already_is_let_go_after_an_upgrade(person):
    """The image of a running Job is no longer the one that is pinned: it is recorded and retired all the same."""
    cluster, namespace = person._cluster, person.namespace
    options = InstallOptions(actions_namespace=namespace, operator_user=person.name, action_image="kubectl:2")
    policy, binding = actions_policy(options)
    for manifest in (policy, binding):
        manifest["metadata"]["name"] = f"upgraded-{namespace}"
    binding["spec"]["policyName"] = policy["metadata"]["name"]
    running = job("kubectl:1")
    running["metadata"]["namespace"] = namespace
    running["spec"]["suspend"] = True
    create(person, running)
    cluster.kubectl("create", "-f", "-", stdin=manifests_text([policy, binding]))
    try:
        wait_until(
            lambda: "actions run kubectl:2 and nothing else" in answer(create, person, running, "--dry-run=server")
        )

        person.kubectl("label", "job", "trial", "recorded=yes")
        person.kubectl("patch", "job", "trial", "--type=merge", "--patch", '{"spec": {"suspend": false}}')
    finally:
        cluster.kubectl("delete", "-f", "-", stdin=manifests_text([policy, binding]))


def test_nobody_else_starts_anything_or_takes_a_token(installed, administrator):
    masters = "--as-group=system:masters"
    words = {
        "deployments": ("create", "deployment", "x", "--image=x"),
        "cronjobs": ("create", "cronjob", "x", "--image=x", "--schedule=* * * * *"),
        "serviceaccounts/token": ("create", "token", "kubernaut-scale-deployment"),
    }

    for resource, command in words.items():
        assert f"may not create {resource} here" in refused(administrator.kubectl, masters, *command)


def test_no_secret_takes_a_token_either(installed, administrator):
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "lent",
            "namespace": "kubernaut-actions",
            "annotations": {"kubernetes.io/service-account.name": "kubernaut-scale-deployment"},
        },
        "type": "kubernetes.io/service-account-token",
    }
    masters = ("--as-group=system:masters", "--dry-run=server")

    assert "may not create secrets here" in refused(create, administrator, secret, *masters)
    create(administrator, {**secret, "type": "Opaque"}, *masters)


@pytest.mark.parametrize("door", ["exec?command=ls&stdout=true", "attach?stdout=true", "portforward"])
def test_nobody_enters_a_pod(administrator, door):
    path = f"/api/v1/namespaces/kubernaut-actions/pods/one/{door}"

    said = refused(administrator.kubectl, "--as-group=system:masters", "create", f"--raw={path}", "-f", "/dev/null")

    assert f"nobody may use pods/{door.partition('?')[0]} here: it would lend an action's rights" in said


def test_the_operator_takes_tokens_of_actions_and_of_nobody_else(operator):
    assert operator.kubectl("create", "token", "kubernaut-scale-deployment").count(".") == 2
    assert "cannot create resource" in refused(operator.kubectl, "create", "token", "default")


def test_other_namespaces_are_left_alone(installed, namespace):
    installed.cluster.kubectl("create", "job", "x", "--image=x", "-n", namespace, "--dry-run=server")


# --- in force ---


def test_the_operator_sees_whether_the_policies_are_there(operator):
    for name in ADMISSION_NAMES:
        for kind in ("validatingadmissionpolicy", "validatingadmissionpolicybinding"):
            operator.kubectl("get", kind, name)
    assert "cannot get" in refused(operator.kubectl, "get", "validatingadmissionpolicy", "another")


def test_the_api_server_finds_nothing_wrong_with_the_policies(installed):
    text = installed.cluster.kubectl("get", "validatingadmissionpolicies", "--output=json")

    for policy in json.loads(text)["items"]:
        if policy["metadata"]["name"].startswith("kubernaut-"):
            assert policy["spec"].get("failurePolicy") == "Fail"
            assert not policy.get("status", {}).get("typeChecking", {}).get("expressionWarnings")
