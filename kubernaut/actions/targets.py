"""What actions on namespaced objects share: how the target is named, and how it is found among what was read."""

from kubernaut.actions.definition import ActionTarget, Namespace, ObjectName, StrictPart
from kubernaut.errors import InputError
from kubernaut.facts.fields import Fields
from kubernaut.facts.objects import KubeObject, ObjectSet, Target
from kubernaut.json_types import JsonObject


class NamedObject(StrictPart):
    """A namespaced object by its name."""

    name: ObjectName
    namespace: Namespace


def deployment_target(named: NamedObject) -> ActionTarget:
    """Give the Deployment of that name as a target."""
    return ActionTarget(api_version="apps/v1", kind="Deployment", namespace=named.namespace, name=named.name)


def found(target: ActionTarget, seen: ObjectSet) -> KubeObject:
    """Give the target among the objects that were read.

    Raises
    ------
    InputError
        It is not among them, has no UID (a manifest, no object of a cluster), or is being deleted.
    """
    here = seen.find(Target(kind=target.kind, namespace=target.namespace, name=target.name))
    if here is None:
        raise InputError(f"{target} is not there")
    if not here.uid:
        raise InputError(f"{target} has no UID: a manifest, no object of a cluster")
    if here.terminating:
        raise InputError(f"{target} is being deleted")
    return here


def same_object(here: KubeObject) -> JsonObject:
    """Give the JSON-patch operation that lets a patch through only while the object is the one that was seen."""
    return {"op": "test", "path": "/metadata/uid", "value": here.uid}


def named(here: KubeObject) -> JsonObject:
    """Give an object's name as parameters and rollback information hold it."""
    return {"name": here.name, "namespace": here.namespace}


def kept_name(kept: Fields) -> JsonObject:
    """Read back what `named` gave."""
    return {"name": kept.text("name"), "namespace": kept.text("namespace")}
