"""The objects of one look: sorted, by kind, each with its identity; and the target among them.

Accepts what people have: single objects, ``kind: List`` of `kubectl get -o json`, typed lists
(``PodList``), and items that lack ``kind`` (an API server leaves it out inside typed lists), which are
then told by their structure (`kubernaut.facts.kinds`). The order of the input never matters.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kubernaut.errors import FactsError
from kubernaut.facts.fields import Fields
from kubernaut.facts.kinds import infer_kind
from kubernaut.history.rows import ObjectVersion

T = TypeVar("T")

DEFAULT_NAMESPACE = "default"
"""Where `kubectl apply` would put an object that names no namespace."""

CLUSTER_KINDS = frozenset({"Node", "Namespace", "PersistentVolume", "StorageClass", "PriorityClass"})
"""Kinds without a namespace, as far as they are met here."""

_LISTED = object()
"""Stands for a list of a kind, empty or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the action acts on.

    Attributes
    ----------
    kind : str
        ``Deployment`` or ``Pod``.
    uid : str
        Pinned when the run began, so that an object made anew under the same name is not taken for it;
        empty: any.
    """

    kind: str = "Deployment"
    namespace: str
    name: str
    uid: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The controller that an object names in its owner references."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeObject:
    """One object with its identity read.

    Attributes
    ----------
    owner : Owner or None
        The owner reference marked `controller`, or the only one.
    fields : Fields
        The whole object.
    """

    kind: str
    namespace: str
    name: str
    uid: str
    resource_version: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    owner: Owner | None
    terminating: bool
    fields: Fields
    _told: dict[Callable[["KubeObject"], Any], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, tell: "Callable[[KubeObject], T]") -> T:
        """Give what a function of the object alone says; asked a second time it is not computed again.

        Facts ask the same of a pod many times over, and one object may be part of many looks.
        """
        if tell not in self._told:
            self._told[tell] = tell(self)
        known: T = self._told[tell]
        return known

    def once_for(self, tell: "Callable[[KubeObject], T]", name: Callable[..., Any], *others: object) -> T:
        """Give what a function of the object and of others says; computed again when one of the others is another.

        Parameters
        ----------
        tell : callable
            Computes it; may differ from call to call.
        name : callable
            What the result is kept under.
        others : object
            What it depends on beside the object; compared by identity.
        """
        known = self._told.get(name)
        if known is None or any(one is not other for one, other in zip(known[0], others, strict=True)):
            known = self._told[name] = (others, tell(self))
        told: T = known[1]
        return told

    @property
    def spec(self) -> Fields:
        """Its `spec`; empty when missing."""
        return self.once(_spec)

    @property
    def status(self) -> Fields:
        """Its `status`; empty when missing."""
        return self.once(_status)

    @property
    def version(self) -> ObjectVersion:
        """What of it is kept in history."""
        return ObjectVersion(
            kind=self.kind,
            namespace=self.namespace,
            name=self.name,
            uid=self.uid,
            resource_version=self.resource_version,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSet:
    """Objects of one look.

    Attributes
    ----------
    by_kind : mapping of str to tuple of KubeObject
        Each tuple sorted by namespace, name, UID.
    listed_kinds : frozenset of str
        Kinds that the input holds or lists, even with nothing in the list (an empty ``PodList``).
    unreadable : mapping of str to str
        By kind: why one of its objects has no readable identity. Nobody can say whose it is, so every fact
        that needs the kind is unobserved.
    unrecognised : tuple of str
        Items of the input that are no object of a known kind; for a warning.
    """

    by_kind: Mapping[str, tuple[KubeObject, ...]]
    listed_kinds: frozenset[str] = frozenset()
    unreadable: Mapping[str, str]
    unrecognised: tuple[str, ...] = ()

    @classmethod
    def from_objects(cls, objects: Iterable[Any], *, listed: Iterable[str] = ()) -> "ObjectSet":
        """Sort objects by kind.

        Parameters
        ----------
        objects : iterable of mapping
            Objects and lists of objects, nested as one likes; never raises for their contents.
        listed : iterable of str
            Kinds that were asked for, whether or not any was there.
        """
        found: dict[tuple[str, str, str, str], KubeObject] = {}
        kinds = set(listed)
        unreadable: dict[str, str] = {}
        unrecognised: list[str] = []
        for kind, item in _flatten(objects):
            if item is _LISTED:
                kinds.add(kind)
                continue
            if not kind:
                unrecognised.append(_describe(item))
                continue
            kinds.add(kind)
            try:
                read = read_object(item, kind)
            except FactsError as error:
                unreadable[kind] = min(str(error), unreadable.get(kind, str(error)))
                continue
            key = (read.kind, read.namespace, read.name, read.uid)
            if key not in found or _age(found[key]) < _age(read):
                found[key] = read
        by_kind: dict[str, list[KubeObject]] = {}
        for key in sorted(found):
            by_kind.setdefault(key[0], []).append(found[key])
        return cls(
            by_kind={kind: tuple(members) for kind, members in by_kind.items()},
            listed_kinds=frozenset(kinds),
            unreadable=unreadable,
            unrecognised=tuple(sorted(unrecognised)),
        )

    def of(self, kind: str, namespace: str | None = None) -> tuple[KubeObject, ...]:
        """Give the objects of a kind, in one namespace or (None) in all."""
        members = self.by_kind.get(kind, ())
        return members if namespace is None else tuple(o for o in members if o.namespace == namespace)

    def find(self, target: Target) -> KubeObject | None:
        """Give the target itself, or None when it is not there (or is another of the same name)."""
        for member in self.of(target.kind, target.namespace):
            if member.name == target.name and target.uid in ("", member.uid):
                return member
        return None


def read_object(item: Mapping[str, Any], kind: str) -> KubeObject:
    """Read an object's identity.

    Raises
    ------
    FactsError
        Its metadata cannot be read.
    """
    metadata = Fields(item.get("metadata"), f"{kind}: metadata")
    name = metadata.text("name")
    if not name:
        raise FactsError(f"{kind} without a name")
    namespace = "" if kind in CLUSTER_KINDS else metadata.text("namespace") or DEFAULT_NAMESPACE
    title = f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"
    metadata = Fields(item.get("metadata"), f"{title}: metadata")
    return KubeObject(
        kind=kind,
        namespace=namespace,
        name=name,
        uid=metadata.text("uid"),
        resource_version=metadata.text("resourceVersion"),
        labels=metadata.labels("labels"),
        annotations=metadata.labels("annotations"),
        owner=_owner(metadata),
        terminating="deletionTimestamp" in metadata,
        fields=Fields(item, f"{title}: "),
    )


def _spec(item: KubeObject) -> Fields:
    return item.fields.at("spec")


def _status(item: KubeObject) -> Fields:
    return item.fields.at("status")


def _owner(metadata: Fields) -> Owner | None:
    references = metadata.each("ownerReferences")
    controllers = [reference for reference in references if reference.flag("controller")]
    chosen = controllers or (references if len(references) == 1 else [])
    if not chosen:
        return None
    return Owner(kind=chosen[0].text("kind"), name=chosen[0].text("name"), uid=chosen[0].text("uid"))


def _flatten(objects: Iterable[Any], kind: str = "") -> Iterator[tuple[str, Any]]:
    """Give (kind, object); (kind, _LISTED) for a list of a kind; ("", item) for what is no known object."""
    stack: list[tuple[str, Any]] = [(kind, item) for item in objects]
    while stack:
        expected, item = stack.pop()
        if not isinstance(item, Mapping):
            yield "", item
            continue
        stated = item.get("kind")
        own = stated if isinstance(stated, str) and stated else expected
        items = item.get("items")
        if isinstance(items, list) and (own.endswith("List") or not own):
            inner = own.removesuffix("List")
            if inner:
                yield inner, _LISTED
            stack.extend((inner, member) for member in items)
        else:
            yield own or infer_kind(item), item


def _age(item: KubeObject) -> tuple[int, str, str]:
    # The same object twice: the newer version stands; between equals the text decides, so order is nothing.
    version = item.resource_version
    text = json.dumps(item.fields.whole, sort_keys=True, default=str)
    return (int(version) if version.isascii() and version.isdigit() else -1, version, text)


def _describe(item: Any) -> str:
    if not isinstance(item, Mapping):
        return f"{type(item).__name__}, not an object"
    return f"object of no known kind with the fields {', '.join(sorted(map(str, item))[:6]) or '(none)'}"
