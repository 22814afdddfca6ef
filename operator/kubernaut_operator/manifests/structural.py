"""From a pydantic model to a structural schema, the dialect of OpenAPI v3 that a CustomResourceDefinition takes.

A structural schema has no references, no `null` among alternatives and no closed objects: references are put
in place, an optional value is one that may be left out. Texts for `kubectl explain` come from the models'
docstrings, rules in CEL and keys of lists from tables that the caller gives, by name of model or property.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from kubernaut.resources.fields import models_of

Schema = dict[str, Any]

_KEPT = (
    "type",
    "format",
    "pattern",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "x-kubernetes-preserve-unknown-fields",
)
_PLAIN = {"string": str, "boolean": bool, "integer": int}
_ATTRIBUTE = re.compile(r"(\w+(?:, \w+)*) : .*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Additions:
    """What a schema has beside the model.

    Attributes
    ----------
    rules : mapping of str to sequence of tuple
        CEL rule and message, by the name of the model they are about.
    list_keys : mapping of str to str
        By property, the key that may stand in its list once.
    sets : sequence of str
        Properties whose list holds each value once.
    """

    rules: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    list_keys: Mapping[str, str] = field(default_factory=dict)
    sets: Sequence[str] = ()


def structural_schema(model: type[BaseModel], additions: Additions) -> Schema:
    """Give the structural schema of a model.

    Parameters
    ----------
    model : type of BaseModel
    additions : Additions
    """
    document = model.model_json_schema(by_alias=True, mode="validation")
    return _Conversion(document.get("$defs", {}), additions, _texts(model)).schema(document, name=model.__name__)


@dataclass(frozen=True, slots=True)
class _Conversion:
    definitions: Mapping[str, Schema]
    additions: Additions
    texts: Mapping[str, Mapping[str, str]]

    def schema(self, source: Schema, *, name: str = "") -> Schema:
        if "$ref" in source:
            name = source["$ref"].rpartition("/")[2]
            return self.schema(self.definitions[name], name=name)
        if "anyOf" in source:
            (one,) = [choice for choice in source["anyOf"] if choice != {"type": "null"}]
            return self.schema({**{key: source[key] for key in source if key != "anyOf"}, **one})
        found: Schema = {key: source[key] for key in _KEPT if key in source}
        if _is_plain(source):
            found["default"] = source["default"]
        if "items" in source:
            found["items"] = self.schema(source["items"])
        if "properties" in source:
            found |= self._object(source, name)
        return found

    def _object(self, source: Schema, name: str) -> Schema:
        texts = self.texts.get(name, {})
        found: Schema = {"description": texts[""]} if texts.get("") else {}
        found["properties"] = {key: self._property(key, part, texts) for key, part in source["properties"].items()}
        if source.get("required"):
            found["required"] = list(source["required"])
        if rules := self.additions.rules.get(name):
            found["x-kubernetes-validations"] = [{"rule": rule, "message": message} for rule, message in rules]
        return found

    def _property(self, key: str, source: Schema, texts: Mapping[str, str]) -> Schema:
        found = self.schema(source)
        if text := texts.get(key):
            found["description"] = text
        if key in self.additions.list_keys:
            found |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [self.additions.list_keys[key]]}
        elif key in self.additions.sets:
            found["x-kubernetes-list-type"] = "set"
        return dict(sorted(found.items()))


def _is_plain(source: Schema) -> bool:
    default = source.get("default")
    # A duration is text here and seconds in the model: its default stays the model's.
    return default not in (None, "") and type(default) is _PLAIN.get(source.get("type", ""))


def _texts(model: type[BaseModel]) -> dict[str, dict[str, str]]:
    """Give what the docstrings of a model and its parts say, by name of model and key as written in YAML."""
    found: dict[str, dict[str, str]] = {}
    for part in models_of(model):
        for ancestor in reversed(part.__mro__):
            if issubclass(ancestor, BaseModel) and ancestor is not BaseModel:
                texts = _docstring(ancestor.__doc__ or "")
                mine = found.setdefault(part.__name__, {})
                mine |= {
                    field_.alias or name: texts[name] for name, field_ in part.model_fields.items() if name in texts
                }
                mine[""] = texts[""]
    return found


def _docstring(docstring: str) -> dict[str, str]:
    """Give the summary under an empty key and the attributes' texts by name."""
    head, _, attributes = docstring.partition("Attributes\n")
    found = {"": " ".join(head.split("\n\n")[0].split())}
    names: list[str] = []
    for line in (line.strip() for line in attributes.splitlines()[1:]):
        if match := _ATTRIBUTE.fullmatch(line):
            names = match[1].split(", ")
        elif line:
            for name in names:
                found[name] = f"{found[name]} {line}" if name in found else line
    return found
