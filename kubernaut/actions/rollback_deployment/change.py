"""How `rollback_deployment` changes its Deployment: a JSON patch that puts an earlier revision's template back.

The patch tests the UID and the generation that were seen, so that it does nothing once somebody has changed the spec:
an autoscaler's new number of replicas included, since a rollout then starts from another place. (Testing the template
itself would be closer, but an API server compares texts by their bytes, and the same letter can be written in two ways
in JSON.) As `kubectl rollout undo` does it, the hash label is left out and the change cause moves with its template; no
other annotation is touched, since they belong to the tools that wrote them.
"""

from kubernaut.actions.change import Change, Verb
from kubernaut.actions.definition import Undo
from kubernaut.actions.rollback_deployment.parameters import RollbackDeploymentParameters
from kubernaut.actions.rollback_deployment.revisions import Rollback, rollback_of, template_of
from kubernaut.actions.targets import kept_name, named, same_object
from kubernaut.facts.fields import Fields
from kubernaut.facts.objects import ObjectSet
from kubernaut.facts.revisions import Revision, images
from kubernaut.json_types import JsonObject

CHANGE_CAUSE = "kubernetes.io/change-cause"


def change(parameters: RollbackDeploymentParameters, seen: ObjectSet) -> Change:
    """Give the patch from the template that was seen to that of the revision."""
    rollback = rollback_of(parameters, seen)
    here = rollback.deployment
    return Change(
        verb=Verb.PATCH,
        group="apps",
        version="v1",
        resource="deployments",
        namespace=here.namespace,
        name=here.name,
        body=[
            same_object(here),
            {"op": "test", "path": "/metadata/generation", "value": rollback.generation},
            {"op": "replace", "path": "/spec/template", "value": template_of(rollback.wanted)},
            *_change_cause(rollback),
        ],
    )


def describe_change(parameters: RollbackDeploymentParameters, seen: ObjectSet) -> str:
    """Say it: ``revision 5 -> template of revision 4 (web: image shop/web:2 -> shop/web:1)``."""
    rollback = rollback_of(parameters, seen)
    before, after = _images(rollback.current), _images(rollback.wanted)
    changed = [
        f"{name}: image {before.get(name, '(none)')} -> {after.get(name, '(none)')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
    detail = "; ".join(changed) or "same images"
    return f"revision {rollback.current.number} -> template of revision {rollback.wanted.number} ({detail})"


def rollback_info(parameters: RollbackDeploymentParameters, seen: ObjectSet) -> JsonObject:
    """Keep the revision in force and the one whose template takes its place."""
    rollback = rollback_of(parameters, seen)
    return {
        "deployment": named(rollback.deployment),
        "uid": rollback.deployment.uid,
        "revision": rollback.current.number,
        "replicaSet": rollback.current.name,
        "changedTo": rollback.wanted.number,
    }


def undo(info: JsonObject) -> Undo:
    """Roll forward again, to the revision that was in force."""
    kept = Fields(info, "rollbackInfo: ")
    return Undo(
        action="rollback_deployment",
        parameters={"deployment": kept_name(kept.at("deployment")), "toRevision": kept.number("revision")},
    )


def _change_cause(rollback: Rollback) -> list[JsonObject]:
    path = f"/metadata/annotations/{CHANGE_CAUSE.replace('/', '~1')}"
    cause = rollback.wanted.replica_set.annotations.get(CHANGE_CAUSE)
    if cause is not None:
        return [{"op": "add", "path": path, "value": cause}]
    if CHANGE_CAUSE in rollback.deployment.annotations:
        return [{"op": "remove", "path": path}]
    return []


def _images(revision: Revision) -> dict[str, str]:
    return dict(images(revision.replica_set.spec.at("template")))
