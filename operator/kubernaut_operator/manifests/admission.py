"""Admission policies: who may say what on the custom resources, and what may run in the actions' namespace.

They run in the API server, before anything is stored, and fail closed. Three of them:

- *annotations*: whoever changes an override, an approval or an outcome holds that verb, and an override
  names its author; nobody but the operator makes an execution a step of a workflow, for a step has its workflow's
  overrides;
- *targets*: whoever asks for an action in another namespace holds `remediate` there;
- *actions*: in the actions' namespace only the operator starts Jobs, image and account are pinned, and nobody enters a
  pod or takes a token of its account.

The operator counts on the first two and therefore looks whether they are there (`ADMISSION_NAMES`). CEL's cost limit
lets one expression ask the authorizer twice, so each namespace is asked about by an expression of its own.
"""

from collections.abc import Sequence

from kubernaut.enforcement import overrides
from kubernaut.resources.names import (
    APPROVE,
    KUBERNETES_EXECUTION,
    OUTCOME,
    RESOURCE_KINDS,
    VERB_APPROVE,
    VERB_OUTCOME,
    VERB_OVERRIDE,
    VERB_REMEDIATE,
)
from kubernaut_operator.manifests.objects import Manifest, metadata
from kubernaut_operator.manifests.options import InstallOptions

ANNOTATIONS = "kubernaut-annotations"
TARGETS = "kubernaut-targets"
ADMISSION_NAMES = (ANNOTATIONS, TARGETS)
"""Names of the policies, and of their bindings, that the operator counts on."""

MAX_OTHER_NAMESPACES = 4
"""Of one resource: how many namespaces beside its own its targets may lie in."""

_COMPONENT = "admission"
_CLUSTER = "*"

Variables = Sequence[tuple[str, str]]
Validations = Sequence[tuple[str, str]]


def resource_policies(options: InstallOptions) -> list[Manifest]:
    """Give the policies on the custom resources, with their bindings."""
    rules = [
        {
            "apiGroups": [kind.group],
            "apiVersions": [kind.version],
            "resources": [kind.plural],
            "operations": ["CREATE", "UPDATE"],
            "scope": "Namespaced",
        }
        for kind in RESOURCE_KINDS
    ]
    # The operator makes executions for workflows, and those were asked about when the workflow came.
    not_operator = [("not-the-operator", f"request.userInfo.username != '{options.operator_username}'")]
    return [
        *policy(ANNOTATIONS, rules, variables=_ANNOTATION_VARIABLES, validations=_annotation_validations(options)),
        *policy(TARGETS, rules, variables=_target_variables(), validations=_target_validations(), only=not_operator),
    ]


def policy(
    name: str,
    rules: Sequence[Manifest],
    *,
    validations: Validations,
    variables: Variables = (),
    only: Sequence[tuple[str, str]] = (),
    namespace: str = "",
) -> list[Manifest]:
    """Give a policy and the binding that puts it in force.

    Parameters
    ----------
    rules : sequence of dict
        Which requests it is about.
    validations : sequence of tuple
        CEL expression, and CEL expression of the message when it is false.
    variables : sequence of tuple
        Name and CEL expression.
    only : sequence of tuple
        Name and CEL expression; requests for which one is false are none of its business.
    namespace : str
        Where it holds; empty means everywhere.
    """
    spec: Manifest = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": list(rules)},
        "matchConditions": [{"name": one, "expression": text} for one, text in only],
        "variables": [{"name": one, "expression": text} for one, text in variables],
        "validations": [
            {"expression": expression, "messageExpression": message, "reason": "Forbidden"}
            for expression, message in validations
        ],
    }
    if namespace:
        spec["matchConstraints"]["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    api = "admissionregistration.k8s.io/v1"
    return [
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": metadata(name, _COMPONENT),
            "spec": {key: value for key, value in spec.items() if value},
        },
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": metadata(name, _COMPONENT),
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        },
    ]


# --- annotations ---

_OVERRIDE = f"k.startsWith('{overrides.PREFIX}')"
_ANNOTATION_VARIABLES: Variables = (
    ("now", "has(object.metadata.annotations) ? object.metadata.annotations : {}"),
    (
        "before",
        "oldObject != null && has(oldObject.metadata.annotations) ? oldObject.metadata.annotations : {}",
    ),
    (
        "overridden",
        f"variables.now.exists(k, {_OVERRIDE} && !(k in variables.before && variables.before[k] == variables.now[k]))"
        f" || variables.before.exists(k, {_OVERRIDE} && !(k in variables.now))",
    ),
    ("step", "has(object.spec.workflowRef) ? [object.spec.workflowRef] : []"),
    (
        "step_before",
        "oldObject != null && has(oldObject.spec.workflowRef) ? [oldObject.spec.workflowRef] : []",
    ),
)
_WHO = "request.userInfo.username"
_WHERE = "request.resource.resource + ' in namespace ' + request.namespace"


def _annotation_validations(options: InstallOptions) -> Validations:
    by = f"'{overrides.BY}'"
    left = f"variables.now.exists(k, {_OVERRIDE})"
    return (
        (
            f"!variables.overridden || {_holds(VERB_OVERRIDE)}",
            f"{_WHO} + ' may not override conditions: that takes the verb {VERB_OVERRIDE} on ' + {_WHERE}",
        ),
        (
            f"!variables.overridden || !{left} ||"
            f" ({by} in variables.now && variables.now[{by}] == request.userInfo.username)",
            f"'{overrides.BY} must be ' + request.userInfo.username + ': an override names who set it'",
        ),
        *(
            (
                f"{_same(annotation)} || {_holds(verb)}",
                f"{_WHO} + ' may not set {annotation}: that takes the verb {verb} on ' + {_WHERE}",
            )
            for annotation, verb in ((APPROVE, VERB_APPROVE), (OUTCOME, VERB_OUTCOME))
        ),
        (
            "variables.step.size() == 0 || variables.step == variables.step_before ||"
            f" {_WHO} == '{options.operator_username}'",
            f"{_WHO} + ' may not set spec.workflowRef: the operator makes the steps of a workflow'",
        ),
    )


def _holds(verb: str) -> str:
    return (
        "authorizer.group(request.resource.group).resource(request.resource.resource)"
        f".namespace(request.namespace).name(request.name).check('{verb}').allowed()"
    )


def _same(annotation: str) -> str:
    key = f"'{annotation}'"
    now, before = (f"({key} in variables.{when} ? variables.{when}[{key}] : '')" for when in ("now", "before"))
    return f"{now} == {before} && ({key} in variables.now) == ({key} in variables.before)"


# --- targets ---


def _target_variables() -> Variables:
    """Give the namespaces that are asked about, one variable each: `n1` is the first other one, `rest1` all but it."""
    steps = "object.spec.workflowDefinition.steps"
    parameters = (
        "has(object.spec.workflowDefinition)"
        f" ? {steps}.map(s, s.parameters) + {steps}.filter(s, has(s.rollback)).map(s, s.rollback.parameters)"
        " : [object.spec.parameters]"
    )
    # A target is {name, namespace}; one without namespace is an object of the whole cluster.
    named = (
        "variables.parameters.map(p, p.map(k, type(p[k]) == map && ('namespace' in p[k] || 'name' in p[k])"
        f" ? ('namespace' in p[k] ? string(p[k].namespace) : '{_CLUSTER}')"
        " : (k == 'namespace' ? string(p[k]) : request.namespace)))"
    )
    declared = (
        "has(object.spec.targetResource)"
        " ? [has(object.spec.targetResource.namespace)"
        f" ? object.spec.targetResource.namespace : '{_CLUSTER}']"
        " : []"
    )
    found = [
        ("unchanged", "oldObject != null && object.spec == oldObject.spec"),
        ("parameters", parameters),
        ("named", named),
        ("declared", declared),
        # An empty namespace is none.
        ("all", f"([variables.declared] + variables.named).map(l, l.map(n, n == '' ? '{_CLUSTER}' : n))"),
        ("rest0", "variables.all.map(l, l.filter(n, n != request.namespace))"),
    ]
    for number in range(1, MAX_OTHER_NAMESPACES + 1):
        rest = f"variables.rest{number - 1}"
        found += [
            (f"n{number}", f"{rest}.exists(l, l.size() > 0) ? {rest}.filter(l, l.size() > 0)[0][0] : ''"),
            (f"rest{number}", f"{rest}.map(l, l.filter(n, n != variables.n{number}))"),
        ]
    return found


def _target_validations() -> Validations:
    kind = KUBERNETES_EXECUTION
    found = []
    for number in range(1, MAX_OTHER_NAMESPACES + 1):
        name = f"variables.n{number}"
        allowed = (
            f"authorizer.group('{kind.group}').resource('{kind.plural}')"
            f".namespace({name} == '{_CLUSTER}' ? '' : {name}).check('{VERB_REMEDIATE}').allowed()"
        )
        where = f"({name} == '{_CLUSTER}' ? 'objects of the whole cluster' : 'namespace ' + {name})"
        found.append(
            (
                f"variables.unchanged || {name} == '' || {allowed}",
                f"{_WHO} + ' may not act on ' + {where} + ' from here: that takes the verb"
                f" {VERB_REMEDIATE} on {kind.plural}.{kind.group} there'",
            )
        )
    found.append(
        (
            f"variables.unchanged || !variables.rest{MAX_OTHER_NAMESPACES}.exists(l, l.size() > 0)",
            f"'targets lie in more than {MAX_OTHER_NAMESPACES} other namespaces: split the workflow'",
        )
    )
    return found
