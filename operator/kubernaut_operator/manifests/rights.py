"""What the operator's account may do; nothing on Secrets, no wildcard.

What facts read comes from the fact registry, what accounts may be acted for from the action catalogue. In its own two
namespaces the operator has Roles; cluster-wide it may read what facts need, look after executions, say Events and ask
whether an account may do something.

Where RBAC cannot name objects: `list` and `watch` of ConfigMaps hold for all of the operator's namespace, which holds
no others, and what does not exist yet has no name to be bound to.
"""

from collections.abc import Mapping, Sequence

from kubernaut.actions.catalogue import ACTIONS
from kubernaut.errors import InputError
from kubernaut.facts.definitions import RIGHTS
from kubernaut.resources.names import KUBERNETES_EXECUTION, WORKFLOW_EXECUTION
from kubernaut_operator.manifests.admission import ADMISSION_NAMES
from kubernaut_operator.manifests.objects import Manifest, binding, role, rule, service_account
from kubernaut_operator.manifests.options import OPERATOR, InstallOptions

_COMPONENT = "operator"
_READ = ("get", "list", "watch")


CUSTOM_FACT_RESOURCES: Mapping[str, tuple[str, str]] = {
    "CronJob": ("batch", "cronjobs"),
    "DaemonSet": ("apps", "daemonsets"),
    "Deployment": ("apps", "deployments"),
    "HorizontalPodAutoscaler": ("autoscaling", "horizontalpodautoscalers"),
    "Job": ("batch", "jobs"),
    "LimitRange": ("", "limitranges"),
    "PersistentVolumeClaim": ("", "persistentvolumeclaims"),
    "Pod": ("", "pods"),
    "PodDisruptionBudget": ("policy", "poddisruptionbudgets"),
    "ReplicaSet": ("apps", "replicasets"),
    "ResourceQuota": ("", "resourcequotas"),
    "Service": ("", "services"),
    "StatefulSet": ("apps", "statefulsets"),
}
"""API group and plural of each of `kubernaut.conditions.custom_facts.DEFAULT_KINDS`."""


def operator_rights(options: InstallOptions) -> list[Manifest]:
    """Give the operator's account, its roles and what binds them."""
    account = (options.namespace, OPERATOR)
    cluster = role(OPERATOR, _COMPONENT, _cluster_rules(options))
    own = role(OPERATOR, _COMPONENT, _own_rules(options), namespace=options.namespace)
    actions = role(OPERATOR, _COMPONENT, _action_rules(), namespace=options.actions_namespace)
    return [
        service_account(OPERATOR, _COMPONENT, namespace=options.namespace),
        cluster,
        binding(OPERATOR, _COMPONENT, to=cluster, account=account),
        own,
        binding(OPERATOR, _COMPONENT, to=own, account=account, namespace=options.namespace),
        actions,
        binding(OPERATOR, _COMPONENT, to=actions, account=account, namespace=options.actions_namespace),
    ]


def _cluster_rules(options: InstallOptions) -> list[Manifest]:
    executions, workflows = KUBERNETES_EXECUTION, WORKFLOW_EXECUTION
    return [
        # Those that are steps of workflows it makes, and cancels by deleting them.
        rule(executions.group, executions.plural, (*_READ, "create", "patch", "delete")),
        rule(executions.group, f"{executions.plural}/status", ("update",)),
        rule(workflows.group, workflows.plural, (*_READ, "patch")),
        rule(workflows.group, f"{workflows.plural}/status", ("update",)),
        rule("events.k8s.io", "events", ("create",)),
        rule("", "namespaces", ("get",)),
        rule("authorization.k8s.io", "subjectaccessreviews", ("create",)),
        rule(
            "admissionregistration.k8s.io",
            "validatingadmissionpolicies validatingadmissionpolicybindings",
            ("get",),
            names=ADMISSION_NAMES,
        ),
        *fact_rules(options.custom_kinds),
    ]


def fact_rules(custom_kinds: Sequence[str] = ()) -> list[Manifest]:
    """Give what looking at facts needs, one rule a resource.

    Parameters
    ----------
    custom_kinds : sequence of str
        Beside those that custom facts may read anyway; as `FactSettings.custom_kinds`.

    Raises
    ------
    InputError
        One is not written as it should be, or never read.
    """
    verbs: dict[tuple[str, str], set[str]] = {}
    for right in RIGHTS.values():
        verbs.setdefault((right.group, right.resource), set()).update(right.verbs)
    for resource in (*CUSTOM_FACT_RESOURCES.values(), *map(_custom_resource, custom_kinds)):
        verbs.setdefault(resource, set()).add("get")
    return [rule(group, resource, sorted(verbs[group, resource])) for group, resource in sorted(verbs)]


def _custom_resource(kind: str) -> tuple[str, str]:
    resource, _, version = kind.rpartition("/")
    plural, _, group = resource.partition(".")
    if not plural or not version:
        raise InputError(
            f"custom kind {kind!r}: write <plural>.<group>/<version>, e.g. pods/v1 or widgets.example.org/v1"
        )
    if plural in ("secrets", "configmaps") and not group:
        raise InputError(f"custom kind {kind!r}: Secrets and ConfigMaps never enter facts")
    return group, plural


def _own_rules(options: InstallOptions) -> list[Manifest]:
    maps = options.config_maps
    return [
        rule("", "configmaps", ("get",), names=(maps.step, maps.action, maps.safety)),
        # The one that it writes: what was counted against the block budgets.
        rule("", "configmaps", ("get", "update"), names=(maps.budgets,)),
        rule("", "configmaps", ("create",)),
        rule("", "configmaps", ("list", "watch")),
        rule("coordination.k8s.io", "leases", ("get", "update"), names=(options.lease,)),
        rule("coordination.k8s.io", "leases", ("create",)),
    ]


def _action_rules() -> list[Manifest]:
    accounts = sorted(action.account for action in ACTIONS.values())
    return [
        rule("batch", "jobs", (*_READ, "create", "patch", "delete")),
        rule("", "pods", ("list",)),
        rule("", "events", ("list",)),
        rule("coordination.k8s.io", "leases", (*_READ, "create", "update", "delete")),
        rule("", "serviceaccounts/token", ("create",), names=accounts),
    ]
