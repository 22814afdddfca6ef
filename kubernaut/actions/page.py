"""The catalogue as a page: `docs/operator/actions.md` is the text of `markdown()`; a test holds them equal."""

import json
import types
from collections.abc import Iterator
from typing import Any, get_args

import annotated_types
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from kubernaut.actions.catalogue import ACTIONS, checked_parameters
from kubernaut.actions.definition import AnyAction

_HEAD = """# Actions

An action is one change to one object. It is sent as a single request to the API server by a short-lived Job, whose
account may do that and nothing else, in namespaces that opted in. The Job ends as soon as the API server took the
change: what comes of it is for the postconditions to see.

Every change is compared with what was seen before. When the object is not the same any more the API server refuses
the whole request, so a second attempt, a late one or one at another object changes nothing. The dry run sends the very
same request with the very same account, and asks the API server not to keep it.

Command lines have no shell and no templates. The body travels as a file, never as an argument. A name that Kubernetes
would not allow is refused before anything is read.
"""

_AN_EXECUTION: dict[str, Any] = {"apiVersion": "execution.kubernaut.io/v1alpha1", "kind": "KubernetesExecution"}


def markdown() -> str:
    """Give the page."""
    names = sorted(ACTIONS)
    table = [
        "| action | what it does | risk | undone by |",
        "|---|---|---|---|",
        *(_row(ACTIONS[name]) for name in names),
    ]
    return "\n".join([_HEAD, *table, "", *(_section(ACTIONS[name]) for name in names)])


def _row(action: AnyAction) -> str:
    undone = action.rollback if action.reversible else "cannot be undone"
    return f"| [`{action.name}`](#{action.name}) | {action.description} | {action.risk} | {undone} |"


def _section(action: AnyAction) -> str:
    target = checked_parameters(action.name, action.example).target
    rights = [
        f"- `{', '.join(rule.verbs)}` on `{rule.resource}`{f' of `{rule.group}`' if rule.group else ''}"
        for rule in action.rules
    ]
    undone = action.rollback if action.reversible else "It cannot be undone; this is shown before anybody approves it."
    return "\n".join(
        [
            f"## {action.name}",
            "",
            action.description,
            "",
            "| parameter | type | default | meaning |",
            "|---|---|---|---|",
            *_parameters(action.parameters),
            "",
            f"- category: {action.category}; risk: {action.risk}; time limit of its Job: {action.timeout_s} s",
            f"- compares: {action.compares}",
            f"- undone: {undone}",
            *([f"- reads beside its target: {', '.join(action.related)}"] if action.related else []),
            f"- conditions: [its suite](../policies/{action.name}.md)",
            "",
            f"Rights of its account `{action.account}`:",
            "",
            *rights,
            "",
            "```yaml",
            yaml.safe_dump(
                {
                    **_AN_EXECUTION,
                    "metadata": {"name": f"{action.name.replace('_', '-')}-1", "namespace": target.namespace},
                    "spec": {
                        "action": action.name,
                        "targetResource": {
                            "apiVersion": target.api_version,
                            "kind": target.kind,
                            "namespace": target.namespace,
                            "name": target.name,
                        },
                        "parameters": json.loads(json.dumps(action.example)),
                    },
                },
                sort_keys=False,
            ).rstrip(),
            "```",
            "",
        ]
    )


def _parameters(model: type[BaseModel], above: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        path = f"{above}{field.alias or name}"
        kind = _plain_type(field)
        if issubclass(kind, BaseModel):
            yield from _parameters(kind, f"{path}.")
            continue
        default = "required" if field.is_required() else "none" if field.default is None else f"`{field.default}`"
        yield f"| `{path}` | {_words(kind, field)} | {default} | {field.description or 'of the target'} |"


def _plain_type(field: FieldInfo) -> type:
    kind = field.annotation
    if isinstance(kind, types.UnionType):
        kind = next(one for one in get_args(kind) if one is not type(None))
    return kind if isinstance(kind, type) else object


def _words(kind: type, field: FieldInfo) -> str:
    if kind is not int:
        return "name" if kind is str else kind.__name__
    bounds = {type(one): one for one in field.metadata}
    low, high = bounds.get(annotated_types.Ge), bounds.get(annotated_types.Le)
    least = low.ge if isinstance(low, annotated_types.Ge) else None
    most = high.le if isinstance(high, annotated_types.Le) else None
    # The largest number that Kubernetes can hold is no bound that anybody need read.
    return f"whole number, {least} to {most}" if most != 2**63 - 1 else f"whole number, at least {least}"
