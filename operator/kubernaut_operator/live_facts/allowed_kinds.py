"""Which kinds custom facts may read: the usual ones, and those that a flag names as an RBAC rule would.

facts.yaml and the engine speak of kinds (``Widget``), flags and rights of resources (``widgets.example.org/v1``); the
API server knows which is which.
"""

from collections.abc import Collection

from kubernaut.conditions.custom_facts import DEFAULT_KINDS, NEVER_KINDS
from kubernaut.errors import SettingsError
from kubernaut_operator.kernel.api import Api
from kubernaut_operator.kernel.resources import Resource


def custom_kinds(api: Api, named: Collection[str]) -> tuple[str, ...]:
    """Give the kinds that custom facts may read: the usual ones, and those that the flags name by their resource.

    Raises
    ------
    SettingsError
        The API server serves no such resource, or it is never read.
    """
    kinds = list(DEFAULT_KINDS)
    for name in named:
        resource, _, version = name.rpartition("/")
        plural, _, group = resource.partition(".")
        served = api.get(Resource(group=group, version=version, plural="", kind="APIResourceList"), "")
        kind = next((str(one["kind"]) for one in served.get("resources", ()) if one.get("name") == plural), "")
        if not kind or kind in NEVER_KINDS:
            raise SettingsError(
                f"--custom-kind={name}: {'never read' if kind else 'not served'}; write <plural>.<group>/<version>"
            )
        kinds.append(kind)
    return tuple(kinds)
