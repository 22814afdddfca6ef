"""What every action of the catalogue says of itself, and the base of its parameters.

Declarative: nothing here runs anything. Parameters come in the guide's nested form (``deployment: {name,
namespace, replicas}``) and are checked once, before anything is read or started; what passes is what policies
see as `input.parameters` and what a command line is made of.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

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
class ActionDefinition:
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
    """

    name: str
    description: str
    category: Category
    risk: Risk
    reversible: bool
    rollback: str
    parameters: type[ActionParameters]


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
