"""The target itself, as it is now, for whoever is about to change it.

Unlike a look, this raises when nobody could look: before a change there is nothing to judge without its target.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from kubernaut.errors import NotFoundError
from kubernaut.facts.objects import ObjectSet, Target
from kubernaut_operator.kernel.api import Api, Manifest
from kubernaut_operator.live_facts.fetching import Deadline, patiently
from kubernaut_operator.live_facts.kinds import resource_of
from kubernaut_operator.live_facts.question import SeenTarget


def read_target(
    api: Api, target: Target, *, related: Iterable[str], deadline: Deadline, clock: Callable[[], datetime]
) -> SeenTarget:
    """Read the target, and all objects of some kinds in its namespace.

    Parameters
    ----------
    related : iterable of str
        Kinds (keys of `kubernaut.facts.definitions.RIGHTS`), as `ActionDefinition.related` names them.

    Raises
    ------
    ForbiddenError, BusyError, UnreachableError
        Nobody could look.
    """
    resource = resource_of(target.kind)
    try:
        manifest = patiently(lambda: api.get(resource, target.name, target.namespace), deadline)
    except NotFoundError:
        return SeenTarget(found=False, read_at=clock())
    if target.uid not in ("", manifest["metadata"]["uid"]):
        return SeenTarget(found=False, replaced=True, read_at=clock())
    beside = [one for kind in sorted(related) for one in _all(api, kind, target, deadline)]
    objects = ObjectSet.from_objects([manifest, *beside], listed=[target.kind, *related])
    return SeenTarget(found=True, manifest=manifest, objects=objects, read_at=clock())


def _all(api: Api, kind: str, target: Target, deadline: Deadline) -> list[Manifest]:
    found, _ = patiently(lambda: api.list_all(resource_of(kind), target.namespace), deadline)
    return found
