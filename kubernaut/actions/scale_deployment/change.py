"""How `scale_deployment` changes its Deployment: a JSON patch of the subresource `scale`.

The patch tests the UID and the replicas that were seen, so that it does nothing once somebody else has scaled.
"""

from kubernaut.actions.change import Change, Verb
from kubernaut.actions.definition import Undo
from kubernaut.actions.scale_deployment.parameters import ScaleDeploymentParameters
from kubernaut.actions.targets import found, kept_name, named, same_object
from kubernaut.facts.deployment import spec_replicas
from kubernaut.facts.fields import Fields
from kubernaut.facts.objects import ObjectSet
from kubernaut.json_types import JsonObject


def change(parameters: ScaleDeploymentParameters, seen: ObjectSet) -> Change:
    """Give the patch from the replicas that were seen to those wanted."""
    here = found(parameters.target, seen)
    return Change(
        verb=Verb.PATCH,
        group="apps",
        version="v1",
        resource="deployments",
        subresource="scale",
        namespace=here.namespace,
        name=here.name,
        body=[
            same_object(here),
            _still(spec_replicas(here)),
            # `add` sets a field whether or not it is there; `replace` refuses one that is not.
            {"op": "add", "path": "/spec/replicas", "value": parameters.deployment.replicas},
        ],
    )


def describe_change(parameters: ScaleDeploymentParameters, seen: ObjectSet) -> str:
    """Say it: ``replicas 2 -> 5``."""
    return f"replicas {spec_replicas(found(parameters.target, seen))} -> {parameters.deployment.replicas}"


def rollback_info(parameters: ScaleDeploymentParameters, seen: ObjectSet) -> JsonObject:
    """Keep the replicas that were seen, and those that will be there."""
    here = found(parameters.target, seen)
    return {
        "deployment": named(here),
        "uid": here.uid,
        "replicas": spec_replicas(here),
        "changedTo": parameters.deployment.replicas,
    }


def undo(info: JsonObject) -> Undo:
    """Scale back to what was seen, expecting what was made of it."""
    kept = Fields(info, "rollbackInfo: ")
    return Undo(
        action="scale_deployment",
        parameters={
            "deployment": {**kept_name(kept.at("deployment")), "replicas": kept.number("replicas")},
            "expectedReplicas": kept.number("changedTo"),
        },
    )


def _still(replicas: int) -> JsonObject:
    # A Scale leaves out a number of replicas that is zero.
    if replicas == 0:
        return {"op": "test", "path": "/spec", "value": {}}
    return {"op": "test", "path": "/spec/replicas", "value": replicas}
