"""One request to the API server: the whole effect of an action.

An action says once what it changes. The dry run sends this very request with the action's account, and the Job's
command line (`kubernaut.actions.command_line`) performs it, so the two cannot differ. Each carries what makes a second
try harmless: a JSON patch tests the object's UID and the value that it replaces, a delete names the UID that it means.

Who sends it, and with whose token, is not known here.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from kubernaut.errors import InputError
from kubernaut.json_types import JsonObject, JsonValue
from kubernaut.kubernetes_names import is_namespace, is_object_name

JSON_PATCH = "application/json-patch+json"
JSON = "application/json"

FIELD_MANAGER = "kubernaut"
"""Who `metadata.managedFields` says wrote a field."""

MAX_BODY_BYTES = 200 * 1024
"""What a change's body may hold: it travels in an annotation of the Job's pod, and all annotations together may hold
256 KiB."""

_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
"""kubectl reads a patch as YAML, which takes some letters for line ends and refuses others; written as escapes they
mean the same to both. Letters beyond the 16-bit plane stay as they are: YAML knows no pairs of escapes."""

_PLURAL = re.compile(r"[a-z][a-z0-9]{0,62}", re.ASCII)
_GROUP_VERSION = re.compile(r"v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?", re.ASCII)


class Verb(StrEnum):
    """What is asked of the API server."""

    PATCH = "PATCH"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A change as HTTP.

    Attributes
    ----------
    path : str
        Without query; nothing in it needs escaping.
    query : mapping of str to str
    body : JsonValue
    """

    method: str
    path: str
    query: Mapping[str, str]
    content_type: str
    body: JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One request to the API server.

    Attributes
    ----------
    verb : Verb
    group : str
        API group; empty for the core one.
    resource : str
        Plural, e.g. ``deployments``.
    namespace : str
        Empty for an object of the whole cluster.
    subresource : str
        e.g. ``scale``; empty for the object itself.
    body : JsonValue
        A JSON patch (list of operations) for PATCH, DeleteOptions for DELETE.

    Raises
    ------
    InputError
        A name that cannot be one, or a body that is too large.
    """

    verb: Verb
    group: str
    version: str
    resource: str
    namespace: str
    name: str
    body: JsonValue
    subresource: str = ""

    def __post_init__(self) -> None:
        wrong = [
            f"{what} {value!r}"
            for what, value, fits in (
                ("group", self.group, not self.group or is_object_name(self.group)),
                ("version", self.version, _GROUP_VERSION.fullmatch(self.version) is not None),
                ("resource", self.resource, _PLURAL.fullmatch(self.resource) is not None),
                ("namespace", self.namespace, not self.namespace or is_namespace(self.namespace)),
                ("name", self.name, is_object_name(self.name)),
                ("subresource", self.subresource, not self.subresource or _PLURAL.fullmatch(self.subresource)),
            )
            if not fits
        ]
        if wrong:
            raise InputError(f"a change cannot be asked for: no {', no '.join(wrong)} can exist")
        size = len(self.body_text.encode())
        if size > MAX_BODY_BYTES:
            raise InputError(
                f"the change of {self.what} takes {size} bytes; at most {MAX_BODY_BYTES} can be handed to a Job"
            )

    @property
    def what(self) -> str:
        """The object that is changed, for a message."""
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.resource}/{self.name}{where}"

    @property
    def content_type(self) -> str:
        """Media type of the body."""
        return JSON_PATCH if self.verb is Verb.PATCH else JSON

    @property
    def path(self) -> str:
        """Path of the request, without query."""
        prefix = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        place = f"/namespaces/{self.namespace}" if self.namespace else ""
        below = f"/{self.subresource}" if self.subresource else ""
        return f"{prefix}{place}/{self.resource}/{self.name}{below}"

    @property
    def body_text(self) -> str:
        """The body as JSON: what the Job's command reads from its file."""
        return _text(self.body)

    def request(self, *, dry_run: bool) -> Request:
        """Give the change as HTTP.

        Notes
        -----
        An API server that is given a body with a DELETE does not read the query at all: a dry run that stood only
        there would delete. It therefore stands in the body.
        """
        query: dict[str, str] = {"fieldManager": FIELD_MANAGER} if self.verb is Verb.PATCH else {}
        body = self.body
        if dry_run:
            query["dryRun"] = "All"
            if self.verb is Verb.DELETE and isinstance(body, Mapping):
                body = {**body, "dryRun": ["All"]}
        return Request(
            method=self.verb.value,
            path=self.path,
            query=MappingProxyType(query),
            content_type=self.content_type,
            body=body,
        )

    def as_json(self) -> JsonObject:
        """Give it as a JSON object, for a status; `change_from_json` reads it back."""
        return {
            "verb": self.verb.value,
            "group": self.group,
            "version": self.version,
            "resource": self.resource,
            "namespace": self.namespace,
            "name": self.name,
            "subresource": self.subresource,
            "body": self.body,
        }


def change_from_json(raw: Mapping[str, Any]) -> Change:
    """Read a change back from what `Change.as_json` gave.

    Raises
    ------
    InputError
        It is not one.
    """
    try:
        return Change(verb=Verb(raw["verb"]), **{key: raw[key] for key in _FIELDS}, body=raw["body"])
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"no change can be read from a stored one: {error!r}") from error


_FIELDS = ("group", "version", "resource", "namespace", "name", "subresource")


def _text(value: JsonValue) -> str:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=_plain)
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
