"""Roles for people. The first two join Kubernetes' own `view`, `edit` and `admin`; the others are given by hand.

`override`, `approve`, `outcome` and `remediate` are verbs of ours: the admission policies ask whether the caller holds
them.
"""

from collections.abc import Sequence

from kubernaut.resources.names import (
    KUBERNETES_EXECUTION,
    RESOURCE_KINDS,
    VERB_APPROVE,
    VERB_OUTCOME,
    VERB_OVERRIDE,
    VERB_REMEDIATE,
)
from kubernaut_operator.manifests.objects import RBAC, Manifest, role, rule
from kubernaut_operator.manifests.options import InstallOptions
from kubernaut_operator.settings import HISTORY_READER

_COMPONENT = "people"


def people(options: InstallOptions) -> list[Manifest]:
    """Give the roles that people are bound to."""
    view = _on_both("view", ("get", "list", "watch"))
    edit = _on_both("edit", ("create", "update", "patch", "delete"))
    for manifest, roles in ((view, ("view", "edit", "admin")), (edit, ("edit", "admin"))):
        manifest["metadata"]["labels"] |= {f"{RBAC}/aggregate-to-{name}": "true" for name in roles}
    decide = [_on_both(verb, (verb,)) for verb in (VERB_OVERRIDE, VERB_APPROVE, VERB_OUTCOME)]
    remediate = role(
        "kubernaut-remediate",
        _COMPONENT,
        [rule(KUBERNETES_EXECUTION.group, KUBERNETES_EXECUTION.plural, (VERB_REMEDIATE,))],
    )
    return [view, edit, *decide, remediate, _history_reader(options)]


def _history_reader(options: InstallOptions) -> Manifest:
    """Give the Role by which `kubernaut history pull` may read what the operator recorded."""
    return role(
        HISTORY_READER,
        _COMPONENT,
        [
            rule("", "pods", ("list",)),
            # `get` is what a port-forward over a websocket asks for, `create` any other, and from v1.35 on every one.
            rule("", "pods/portforward", ("get", "create")),
        ],
        namespace=options.namespace,
    )


def _on_both(name: str, verbs: Sequence[str]) -> Manifest:
    rules = [rule(kind.group, kind.plural, verbs) for kind in RESOURCE_KINDS]
    return role(f"kubernaut-{name}", _COMPONENT, rules)
