"""A ServiceAccount and a ClusterRole for each action, and what binds the two where a namespace opts in.

An account can do nothing until a RoleBinding in some namespace lets it: whoever owns that namespace decides which
actions may run there, and can take it back at any time.
"""

from collections.abc import Sequence

from kubernaut.actions.catalogue import ACTIONS, action_definition
from kubernaut.actions.definition import AnyAction
from kubernaut.errors import InputError
from kubernaut.kubernetes_names import is_namespace
from kubernaut_operator.manifests.objects import Manifest, binding, role, service_account
from kubernaut_operator.manifests.options import InstallOptions

COMPONENT = "actions"


def action_accounts(options: InstallOptions) -> list[Manifest]:
    """Give each action's account and role, by name."""
    found: list[Manifest] = []
    for _, action in sorted(ACTIONS.items()):
        found += [service_account(action.account, COMPONENT, namespace=options.actions_namespace), _role(action)]
    return found


def opt_in(namespace: str, actions: Sequence[str], options: InstallOptions) -> list[Manifest]:
    """Give the RoleBindings that let actions run in a namespace.

    Parameters
    ----------
    namespace : str
    actions : sequence of str
        Empty means all of the catalogue.

    Raises
    ------
    InputError
        No such action, or a name that no namespace can have.
    """
    if not is_namespace(namespace):
        raise InputError(f"namespace {namespace!r} is none: lower-case letters, digits and `-`, at most 63")
    chosen = [action_definition(name) for name in dict.fromkeys(actions)] or [ACTIONS[name] for name in sorted(ACTIONS)]
    return [
        binding(
            action.account,
            COMPONENT,
            to=_role(action),
            account=(options.actions_namespace, action.account),
            namespace=namespace,
        )
        for action in chosen
    ]


def _role(action: AnyAction) -> Manifest:
    manifest = role(action.account, COMPONENT, [dict(rule.as_manifest) for rule in action.rules])
    manifest["metadata"]["annotations"] = {"kubernetes.io/description": action.description}
    return manifest
