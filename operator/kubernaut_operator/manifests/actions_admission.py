"""What may happen in the actions' namespace: the operator starts Jobs there, and nobody else starts anything.

An action's account can change things, so whoever could start a pod with it, enter one, or have a token made for it
would hold its rights. Pods come from the Job controller alone. Both Jobs and pods carry the action's label, the account
follows from it, and the image is the one of this installation.
"""

from kubernaut.actions.catalogue import ACTIONS
from kubernaut.resources.names import ACTION_LABEL
from kubernaut_operator.manifests.admission import policy
from kubernaut_operator.manifests.objects import Manifest
from kubernaut_operator.manifests.options import InstallOptions

ACTIONS_POLICY = "kubernaut-actions"

_JOB_CONTROLLERS = ("system:serviceaccount:kube-system:job-controller", "system:kube-controller-manager")
"""The second where the controller manager uses one account for all of its controllers."""


def actions_policy(options: InstallOptions) -> list[Manifest]:
    """Give the policy of the actions' namespace, with its binding."""
    starts = _rule("", "pods", "CREATE", "UPDATE"), _rule("batch", "jobs", "CREATE", "UPDATE")
    others = (
        _rule("", "replicationcontrollers", "CREATE"),
        _rule("apps", "deployments replicasets statefulsets daemonsets", "CREATE"),
        _rule("batch", "cronjobs", "CREATE"),
        _rule("", "pods/exec pods/attach pods/portforward", "CONNECT"),
        _rule("", "pods/ephemeralcontainers", "UPDATE"),
        _rule("", "serviceaccounts/token secrets", "CREATE"),
    )
    return policy(
        ACTIONS_POLICY,
        [*starts, *others],
        namespace=options.actions_namespace,
        variables=_variables(options),
        validations=_validations(),
    )


def _rule(group: str, resources: str, *operations: str) -> Manifest:
    return {
        "apiGroups": [group],
        "apiVersions": ["*"],
        "resources": resources.split(),
        "operations": list(operations),
        "scope": "Namespaced",
    }


def _variables(options: InstallOptions) -> list[tuple[str, str]]:
    accounts = {action.name: action.account for action in ACTIONS.values()}
    table = ", ".join(f"'{name}': '{account}'" for name, account in sorted(accounts.items()))
    user = "request.userInfo.username"
    sub = "has(request.subResource) && request.subResource != ''"
    controllers = ", ".join(f"'{name}'" for name in _JOB_CONTROLLERS)
    return [
        (
            "resource",
            f"request.resource.resource + ({sub} ? '/' + request.subResource : '')",
        ),
        ("operator", f"{user} == '{options.operator_username}'"),
        ("controller", f"{user} in [{controllers}]"),
        ("accounts", f"{{{table}}}"),
        ("template", "variables.resource == 'jobs' ? object.spec.template : object"),
        ("before", "variables.resource == 'jobs' ? oldObject.spec.template : oldObject"),
        # Finalizers and the like of what runs already are changed after an upgrade, too, which brings another image.
        (
            "runs",
            "variables.resource in ['pods', 'jobs'] &&"
            " (request.operation == 'CREATE' || variables.template.spec != variables.before.spec)",
        ),
        (
            "action",
            f"has(variables.template.metadata.labels) && '{ACTION_LABEL}' in variables.template.metadata.labels"
            f" ? variables.template.metadata.labels['{ACTION_LABEL}'] : ''",
        ),
        ("image", f"'{options.action_image}'"),
    ]


def _validations() -> list[tuple[str, str]]:
    spec = "variables.template.spec"
    return [
        (
            "request.operation != 'CREATE' ||"
            " (variables.resource == 'jobs' && variables.operator) ||"
            " (variables.resource == 'pods' && variables.controller) ||"
            " (variables.resource == 'secrets' && object.type != 'kubernetes.io/service-account-token') ||"
            " (variables.resource == 'serviceaccounts/token' &&"
            "  (variables.operator || 'system:nodes' in request.userInfo.groups))",
            "request.userInfo.username + ' may not create ' + variables.resource"
            " + ' here: the operator alone starts actions'",
        ),
        (
            "request.operation == 'CREATE' || variables.resource in ['pods', 'jobs']",
            "'nobody may use ' + variables.resource + ' here: it would lend an action\\'s rights'",
        ),
        (
            "!variables.runs || variables.action in variables.accounts",
            f"'label {ACTION_LABEL} names no action of this installation'",
        ),
        (
            f"!variables.runs || !(variables.action in variables.accounts) ||"
            f" (has({spec}.serviceAccountName) && {spec}.serviceAccountName == variables.accounts[variables.action])",
            "'action ' + variables.action + ' runs as ' + variables.accounts[variables.action] + ' and as nobody else'",
        ),
        (
            f"!variables.runs || ({spec}.containers + (has({spec}.initContainers) ? {spec}.initContainers : []))"
            ".all(c, c.image == variables.image)",
            "'actions run ' + variables.image + ' and nothing else'",
        ),
    ]
