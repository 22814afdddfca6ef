"""What every action of the catalogue says of itself, and the base of its parameters.

Declarative: nothing here runs anything. Parameters come in the guide's nested form (``deployment: {name,
namespace, replicas}``) and are checked once, before anything is read or started; what passes is what policies
see as `input.parameters`. An action's effect is one `Change`, made by a pure function of its parameters and of the
objects that were just read: the dry run and the Job's command line both come from it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict

from kubernaut.actions.change import Change
from kubernaut.facts.objects import ObjectSet
from kubernaut.json_types import JsonObject
from kubernaut.kubernetes_names import is_namespace, is_object_name


class Category(StrEnum):
    """Which family an action belongs to."""

    CORE = "core"
    INFRASTRUCTURE = "infrastructure"
    APPLICATION = "application"
    SECURITY = "security"
    RESOURCE = "resource"
    STORAGE = "storage"
    DATABASE = "database"
    NETWORK = "network"
    MONITORING = "monitoring"


class Risk(StrEnum):
    """What can go wrong at most."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionTarget:
    """The object an action changes.

    Attributes
    ----------
    api_version : str
        ``apps/v1``.
    namespace : str
        Empty for an object of the whole cluster.
    """

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class StrictPart(BaseModel):
    """A part of parameters: frozen, unknown keys are refused, a text is no number."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", populate_by_name=True)


class ActionParameters(StrictPart, ABC):
    """Checked parameters of one action."""

    @property
    @abstractmethod
    def target(self) -> ActionTarget:
        """The object that is acted on."""

    @property
    def as_input(self) -> JsonObject:
        """Give `input.parameters`: the nested form, without what was not given."""
        plain: JsonObject = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return plain


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRule:
    """One right, as a rule of a Role.

    Attributes
    ----------
    group : str
        API group; empty for the core one.
    resource : str
        Plural, a subresource after a slash: ``deployments/scale``.
    verbs : tuple of str
    """

    group: str
    resource: str
    verbs: tuple[str, ...]

    @property
    def as_manifest(self) -> JsonObject:
        """Give the rule as a Role holds it."""
        return {"apiGroups": [self.group], "resources": [self.resource], "verbs": list(self.verbs)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """The action that takes another one back.

    Attributes
    ----------
    action : str
    parameters : JsonObject
        As a custom resource would hold them.
    """

    action: str
    parameters: JsonObject


P = TypeVar("P", bound=ActionParameters)


def irreversible(_info: JsonObject) -> None:
    """Undo nothing: what an action that cannot be undone says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDefinition(Generic[P]):
    """One entry of the catalogue.

    Attributes
    ----------
    name : str
        As written in a custom resource, e.g. ``scale_deployment``.
    parameters : type of ActionParameters
    reversible : bool
        False is a legal answer, shown before approval.
    rollback : str
        What undoing it means; empty when it cannot be undone.
    example : JsonObject
        Parameters as a person would write them, for the documentation.
    compares : str
        What the change demands of the object, so that it does nothing to any other or at any other time.
    rules : tuple of PolicyRule
        All that the action's account may do, in a namespace that opted in.
    timeout_s : int, unit s
        How long the Job may take when the custom resource does not say. It only sends the change: what comes of it
        is for the postconditions to see.
    related : tuple of str
        Kinds that are read beside the target, in its namespace, to make the change.
    change : callable
        ``change(parameters, seen) -> Change``, from the objects just read: the target and those of `related`.
        Raises InputError where the target, as it is, cannot be changed so.
    describe_change : callable
        ``describe_change(parameters, seen) -> str``: ``replicas 2 -> 5``. Raises as `change`.
    rollback_info : callable
        ``rollback_info(parameters, seen) -> JsonObject``: what `undo` will need, kept in the status before anything
        is changed. Raises as `change`.
    undo : callable
        ``undo(info) -> Undo | None``, from what `rollback_info` gave; None when it cannot be undone.
    """

    name: str
    description: str
    category: Category
    risk: Risk
    reversible: bool
    rollback: str
    parameters: type[P]
    example: JsonObject
    compares: str
    rules: tuple[PolicyRule, ...]
    timeout_s: int
    change: Callable[[P, ObjectSet], Change]
    describe_change: Callable[[P, ObjectSet], str]
    rollback_info: Callable[[P, ObjectSet], JsonObject]
    related: tuple[str, ...] = ()
    undo: Callable[[JsonObject], Undo | None] = irreversible

    @property
    def account(self) -> str:
        """Name of the ServiceAccount that the action runs as."""
        return f"kubernaut-{self.name.replace('_', '-')}"


AnyAction = ActionDefinition[Any]
"""An action whose parameters' type is its own affair."""


def _namespace(text: str) -> str:
    if not is_namespace(text):
        raise ValueError(f"{text!r} is no namespace: lower-case letters, digits and `-`, at most 63")
    return text


def _object_name(text: str) -> str:
    if not is_object_name(text):
        raise ValueError(f"{text!r} is no name: lower-case letters, digits, `-` and `.`, at most 253")
    return text


Namespace = Annotated[str, AfterValidator(_namespace)]
"""A DNS-1123 label."""

ObjectName = Annotated[str, AfterValidator(_object_name)]
"""A DNS-1123 subdomain."""
