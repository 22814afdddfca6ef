"""Building blocks of the custom resources' models: moments, durations, free-form objects, bounded texts.

Each type carries its own part of the schema, because what the API server checks is the text a person writes
(`30s`), while the model holds the value (30.0). A spec refuses unknown keys. A status leaves them alone: a newer
operator may have written them, and v1alpha1 changes by addition only.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from kubernaut.actions import definition
from kubernaut.actions.definition import Namespace
from kubernaut.conditions.fields import StrictModel
from kubernaut.errors import InputError
from kubernaut.json_types import JsonObject
from kubernaut.kubernetes_names import DNS_1123_LABEL, SUBDOMAIN
from kubernaut.verification.status_json import moment_of, rfc3339

MAX_MESSAGE = 1024
"""Of a status message; Kubernetes allows conditions 32 KiB, and nobody reads that."""

MAX_ERROR_MESSAGE = 256
"""Of one condition's result."""

MAX_PARAMETERS_BYTES = 16 * 1024
"""Of one action's parameters as JSON."""


class SpecModel(StrictModel):
    """A part of a spec: frozen, unknown keys refused."""


class StatusModel(BaseModel):
    """A part of a status: frozen, keys of newer versions are passed over."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", populate_by_name=True)

    def to_json(self) -> JsonObject:
        """Give it as the custom resource holds it: camelCase, without what is not known."""
        document: JsonObject = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return document


def models_of(annotation: Any) -> Iterator[type[BaseModel]]:
    """Give every model that a value of this type is made of, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for part in annotation.model_fields.values():
            yield from models_of(part.annotation)
    else:
        for argument in get_args(annotation):
            yield from models_of(argument)


def _moment(value: object) -> object:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    try:
        return moment_of(value if isinstance(value, str) else str(value))
    except InputError as error:
        raise ValueError(str(error)) from error


def _bounded_object(value: Mapping[str, Any]) -> Mapping[str, Any]:
    size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
    if size > MAX_PARAMETERS_BYTES:
        raise ValueError(f"{size:,} bytes; at most {MAX_PARAMETERS_BYTES:,} are accepted")
    return value


PRESERVED: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
"""Schema of an object whose keys are not the API server's business."""

Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "maxLength": 64}),
]
"""RFC 3339 with a zone; in memory a `datetime` in UTC."""

FreeObject = Annotated[dict[str, Any], WithJsonSchema(PRESERVED)]
"""Any JSON object."""

Parameters = Annotated[dict[str, Any], AfterValidator(_bounded_object), WithJsonSchema(PRESERVED)]
"""An action's parameters: checked against the action's own model before anything is done."""

Message = Annotated[str, StringConstraints(max_length=MAX_MESSAGE)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=63, pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
"""An open enumeration for people: a phase, a reason, a result."""

NamespaceName = Annotated[
    Namespace, WithJsonSchema({"type": "string", "maxLength": 63, "pattern": f"^{DNS_1123_LABEL.pattern}$"})
]
ObjectName = Annotated[
    definition.ObjectName, WithJsonSchema({"type": "string", "maxLength": 253, "pattern": f"^{SUBDOMAIN}$"})
]
Uid = Annotated[str, StringConstraints(max_length=128)]
Digest = Annotated[str, StringConstraints(max_length=128)]
Generation = Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})]
StepNumber = Annotated[int, Field(ge=1, le=1000)]
IncidentId = Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""Of whoever detected it; one line."""
