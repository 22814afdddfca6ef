"""Workflows and executions in a person's YAML files."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kubernaut.conditions.yaml_text import read_yaml_documents
from kubernaut.errors import InputError
from kubernaut.resources.names import RESOURCE_KINDS
from kubernaut_operator.kernel.api import Manifest

STDIN = "-"


def runs_in(path: Path) -> list[Manifest]:
    """Read the workflows and executions of a file; ``-`` is standard input, a List is looked into.

    Raises
    ------
    InputError
        No file, no YAML, or nothing of ours in it.
    """
    found = [
        dict(document)
        for text in read_yaml_documents(_text(path), source=str(path))
        for document in _objects(text.value)
        if any(
            (document.get("apiVersion"), document.get("kind")) == (kind.api_version, kind.kind)
            for kind in RESOURCE_KINDS
        )
    ]
    if not found:
        known = " or ".join(f"{kind.kind} ({kind.api_version})" for kind in RESOURCE_KINDS)
        raise InputError(f"{path}: no {known} in it")
    return found


def placed(document: Mapping[str, Any], namespace: str | None, *, default: str) -> Manifest:
    """Give an object with its namespace filled in, as kubectl fills it in.

    Parameters
    ----------
    namespace : str or None
        Of a flag; None where there was none.

    Raises
    ------
    InputError
        The object names another one than the flag.
    """
    metadata = dict(document.get("metadata") or {})
    own = metadata.get("namespace")
    if own and namespace and own != namespace:
        raise InputError(f"{metadata.get('name')}: its namespace is {own}, and --namespace says {namespace}; drop one")
    return {**document, "metadata": {**metadata, "namespace": own or namespace or default}}


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(value, Mapping):
        return
    if value.get("kind") == "List" and isinstance(value.get("items"), list):
        for item in value["items"]:
            yield from _objects(item)
    else:
        yield value


def _text(path: Path) -> str:
    try:
        if str(path) == STDIN:
            return sys.stdin.read()
        return path.read_text(encoding="utf-8").removeprefix("\ufeff")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error
