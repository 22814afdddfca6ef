"""Kinds of Kubernetes objects as the API's paths name them."""

from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote


class Key(NamedTuple):
    """Which object; `namespace` is empty for those of the whole cluster."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind.

    Attributes
    ----------
    group : str
        Empty for the core group.
    plural : str
        The word in the path.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As objects carry it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Give the path of one object, of a namespace's objects, or of all of them."""
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if namespace and self.namespaced:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        # A name that holds a slash must never reach another resource.
        return "/" + "/".join(quote(part, safe="") for part in parts)

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


def key_of(manifest: dict[str, object]) -> Key:
    """Give the key of an object."""
    metadata = manifest["metadata"]
    if not isinstance(metadata, dict):
        raise TypeError("an object's metadata is no mapping")
    return Key(str(metadata.get("namespace", "")), str(metadata["name"]))


def resource_of_path(path: str) -> str:
    """Give what a path is about without saying which one: ``pods``, ``deployments.apps/scale``."""
    parts = path.strip("/").split("/")
    if parts[0] == "apis" and len(parts) > 3:
        group, rest = parts[1], parts[3:]
    elif parts[0] == "api" and len(parts) > 2:
        group, rest = "", parts[2:]
    else:
        return "other"
    if rest[0] == "namespaces" and len(rest) > 2:
        rest = rest[2:]
    subresource = f"/{rest[2]}" if len(rest) > 2 else ""
    return f"{rest[0]}{f'.{group}' if group else ''}{subresource}"


LEASES = Resource(group="coordination.k8s.io", version="v1", plural="leases", kind="Lease")
EVENTS = Resource(group="events.k8s.io", version="v1", plural="events", kind="Event")
