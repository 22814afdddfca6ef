"""How `restart_pod` changes its Pod: a delete that names the UID it means.

A Pod that took its place under the same name (a StatefulSet's does) has another UID and is left alone. A Pod that
nobody would make anew is refused: deleting it would be a loss, no restart.
"""

from kubernaut.actions.change import Change, Verb
from kubernaut.actions.restart_pod.parameters import RestartPodParameters
from kubernaut.actions.targets import found, named
from kubernaut.errors import InputError
from kubernaut.facts.objects import KubeObject, ObjectSet, Owner
from kubernaut.json_types import JsonObject


def change(parameters: RestartPodParameters, seen: ObjectSet) -> Change:
    """Give the delete of the Pod that was seen."""
    here, _ = _recreated(parameters, seen)
    return Change(
        verb=Verb.DELETE,
        group="",
        version="v1",
        resource="pods",
        namespace=here.namespace,
        name=here.name,
        body={
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": parameters.grace_period_s,
            "preconditions": {"uid": here.uid},
        },
    )


def describe_change(parameters: RestartPodParameters, seen: ObjectSet) -> str:
    """Say it: ``Pod web-1 is deleted, with 30 s to end; ReplicaSet web makes another``."""
    here, owner = _recreated(parameters, seen)
    grace = parameters.grace_period_s
    how = f"with {grace} s to end" if grace else "without waiting for its processes"
    return f"Pod {here.name} is deleted, {how}; {owner.kind} {owner.name} makes another"


def rollback_info(parameters: RestartPodParameters, seen: ObjectSet) -> JsonObject:
    """Keep which Pod it was, of whom, and where it ran."""
    here, owner = _recreated(parameters, seen)
    return {
        "pod": named(here),
        "uid": here.uid,
        "owner": {"kind": owner.kind, "name": owner.name},
        "nodeName": here.spec.text("nodeName"),
    }


def _recreated(parameters: RestartPodParameters, seen: ObjectSet) -> tuple[KubeObject, Owner]:
    here = found(parameters.target, seen)
    if here.owner is None:
        raise InputError(f"{parameters.target} has no controller: nobody would make it anew after it is deleted")
    if here.owner.kind == "Node":
        raise InputError(f"{parameters.target} is a static Pod of its node: deleting it here does not restart it")
    return here, here.owner
