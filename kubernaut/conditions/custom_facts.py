"""`facts.yaml`: facts that a platform team adds, by JSONPath or by PromQL; checked here, read elsewhere.

The file must not become a way around RBAC. So an object is looked for in the target's namespace only, its
kind must be on the operator's list and is never a Secret or a ConfigMap, and PromQL gets two names put in and
nothing else. A policy reads a fact as `input.custom.<name>`.
"""

import re
from collections.abc import Collection
from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from kubernaut.conditions.fields import Name, StrictModel
from kubernaut.conditions.problems import describe, known_keys
from kubernaut.conditions.yaml_text import read_yaml
from kubernaut.errors import SettingsError
from kubernaut.kubernetes_names import is_object_name

FACTS_KEY = "facts.yaml"

MAX_EXPRESSION_BYTES = 4096
"""Of a JSONPath or a query; also the most that a fact's value may be when it is read."""

NEVER_KINDS = frozenset({"Secret", "ConfigMap"})
"""Secrets never enter facts, and ConfigMaps are where people put them by mistake."""

DEFAULT_KINDS = (
    "CronJob",
    "DaemonSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "Job",
    "LimitRange",
    "PersistentVolumeClaim",
    "Pod",
    "PodDisruptionBudget",
    "ReplicaSet",
    "ResourceQuota",
    "Service",
    "StatefulSet",
)
"""Kinds that may be read when the operator's flag says nothing."""

_PLACEHOLDER = re.compile(r"\$(\{[^}]*\}|\w+)?")
_QUERY_NAMES = frozenset({"namespace", "name"})
_JSON_PATH = re.compile(r"""(?:\.[A-Za-z_][\w-]*|\[\d+\]|\[\*\]|\['[^'\\]+'\])+""", re.ASCII)
_ALLOWED_KINDS = "allowed_kinds"

Expression = Annotated[str, StringConstraints(min_length=1)]


class CustomFact(StrictModel):
    """One fact: either `kind` and `jsonPath`, or `promql`.

    Attributes
    ----------
    type : str
        What a value must be; another one makes the fact unobserved.
    unit, description : str
        For the documentation table.
    kind, api_version : str or None
        Of the object, e.g. ``PodDisruptionBudget``, ``policy/v1``.
    name : str
        Of the object; ``$name`` is the target's own.
    json_path : str or None
        kubectl's form without filters, e.g. ``{.spec.minAvailable}``.
    promql : str or None
        A query giving one number; ``$namespace`` and ``$name`` are put in after a DNS-1123 check.
    """

    type: Literal["number", "string", "boolean", "array", "object"]
    unit: str = ""
    description: str = ""
    kind: str | None = None
    api_version: str | None = Field(default=None, alias="apiVersion")
    name: str = "$name"
    json_path: Expression | None = Field(default=None, alias="jsonPath")
    promql: Expression | None = None

    @field_validator("json_path")
    @classmethod
    def _path_is_plain(cls, value: str | None) -> str | None:
        if value is not None:
            _limited(value)
            inner = value[1:-1] if value.startswith("{") and value.endswith("}") else value
            if not _JSON_PATH.fullmatch(inner):
                raise ValueError(
                    f"{value!r} is no path that can be read here; write fields, [n], [*] and ['key'] as in "
                    "{.status.conditions[0].reason} (no filters, no `..`)"
                )
        return value

    @field_validator("promql")
    @classmethod
    def _only_two_names(cls, value: str | None) -> str | None:
        if value is not None:
            _limited(value)
            for found in _PLACEHOLDER.finditer(value):
                if (found[1] or "") not in _QUERY_NAMES:
                    raise ValueError(f"{found[0]!r} is not put in; only $namespace and $name are")
        return value

    @field_validator("name")
    @classmethod
    def _name_is_one(cls, value: str) -> str:
        if value != "$name" and not is_object_name(value):
            raise ValueError(f"{value!r} is no object's name; write one, or $name for the target's own")
        return value

    @field_validator("kind")
    @classmethod
    def _kind_is_allowed(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value in NEVER_KINDS:
            raise ValueError(f"{value}s are never read as facts")
        allowed: Collection[str] = (info.context or {}).get(_ALLOWED_KINDS, DEFAULT_KINDS)
        if value is not None and value not in allowed:
            raise ValueError(
                f"{value} is not on the operator's list of kinds ({', '.join(sorted(allowed)) or 'empty'}); "
                "have it added there"
            )
        return value

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        of_object = [self.kind, self.api_version, self.json_path]
        if self.promql is not None and any(part is not None for part in of_object):
            raise ValueError("promql together with kind, apiVersion or jsonPath; a fact has one source")
        if self.promql is None and any(part is None for part in of_object):
            raise ValueError("needs kind, apiVersion and jsonPath, or promql")
        if self.promql is not None and self.type != "number":
            raise ValueError(f"type: promql gives a number, not a {self.type}")
        return self


class CustomFacts(StrictModel):
    """A facts.yaml: facts by name."""

    version: Literal[1] = 1
    facts: dict[Name, CustomFact] = Field(default_factory=dict)


def load_custom_facts(
    text: str, *, source: str = FACTS_KEY, allowed_kinds: Collection[str] = DEFAULT_KINDS
) -> CustomFacts:
    """Read a facts.yaml.

    Parameters
    ----------
    text : str
        YAML.
    allowed_kinds : collection of str
        Kinds of objects that the operator may read; Secrets and ConfigMaps are refused whatever it says.

    Raises
    ------
    SettingsError
        Everything that is wrong with it, with line and path.
    """
    document = read_yaml(text, source=source)
    value = {} if document.value is None else document.value
    try:
        return CustomFacts.model_validate(value, context={_ALLOWED_KINDS: allowed_kinds}, by_alias=True, by_name=False)
    except ValidationError as error:
        keys = known_keys(CustomFacts, CustomFact)
        raise SettingsError(describe(error, place=document.place, keys=keys)) from error


def _limited(value: str) -> None:
    if len(value.encode()) > MAX_EXPRESSION_BYTES:
        raise ValueError(f"{len(value.encode())} bytes; at most {MAX_EXPRESSION_BYTES} are accepted")
