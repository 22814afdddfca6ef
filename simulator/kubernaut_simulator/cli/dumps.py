"""Dumps of objects and parameters as users give them: files, the target, ``key=value``."""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import yaml

from kubernaut.conditions.yaml_text import read_yaml
from kubernaut.errors import FactsError, InputError, SettingsError
from kubernaut_simulator.cli.loading import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kubernaut.facts.objects import KubeObject, ObjectSet, Target
    from kubernaut.json_types import JsonObject


STDIN = "-"
NAMES_SHOWN = 10
"""Objects of a dump that are named where the target is not among them."""


def read_dumps(paths: Sequence[Path]) -> list[Any]:
    """Read objects from files of JSON or YAML, one or several documents each, folders one level deep; `-` is stdin.

    Raises
    ------
    FactsError
        A file is neither, or holds no object.
    """
    objects: list[Any] = []
    for path in paths:
        if str(path) == STDIN:
            objects += _objects_of(_standard_input(), "standard input")
            continue
        files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
        if not files:
            raise FactsError(f"{path}: an empty folder; {_HOW_TO_SAVE}")
        for file in files:
            objects += _objects(file)
    return objects


_HOW_TO_SAVE = "save a dump with kubectl get deploy,rs,pods,nodes,resourcequotas,pdb,events -A -o json"


def _standard_input() -> str:
    try:
        return sys.stdin.read().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InputError(f"standard input: not UTF-8 text (byte {error.start})") from error


def _objects(file: Path) -> list[Any]:
    return _objects_of(read_text(file), str(file))


def _objects_of(text: str, file: str) -> list[Any]:
    found: list[Any] = []
    for document in _documents(text, file):
        found += document if isinstance(document, list) else [document] if document is not None else []
    if not any(isinstance(one, dict) and ("metadata" in one or "items" in one) for one in found):
        raise FactsError(f"{file}: no Kubernetes object in it; {_HOW_TO_SAVE}")
    return found


def _documents(text: str, file: str) -> list[Any]:
    if text.lstrip()[:1] in ("{", "["):
        # JSON by JSON's own reader: it is faster, and YAML refuses JSON that is indented by tabs.
        try:
            return list(_json_documents(text))
        except json.JSONDecodeError as error:
            problem = f"{file}:{error.lineno}:{error.colno}: not JSON ({error.msg})"
            reason: Exception = error
        except RecursionError as error:
            problem, reason = f"{file}: nested too deep to be read", error
    else:
        try:
            return list(yaml.load_all(text, Loader=_loader()))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"{file}:{mark.line + 1}" if mark is not None else file
            problem, reason = f"{where}: not YAML ({getattr(error, 'problem', None) or error})", error
        except (ValueError, RecursionError) as error:
            problem, reason = f"{file}: not YAML ({error})", error
    raise FactsError(f"{problem}; {_HOW_TO_SAVE}") from reason


def _json_documents(text: str) -> Iterator[Any]:
    """Give every JSON value of a text, one after the other, as `kubectl get ... >> dump.json` writes them."""
    decoder = json.JSONDecoder()
    at = _next_value(text, 0)
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        yield value
        at = _next_value(text, at)


def _next_value(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


@cache
def _loader() -> Any:
    """Give YAML as kubectl writes it, where an instant stays the text that JSON would hold."""

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # chosen at run time
        yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, Any]]]] = {
            first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    return Loader


def target_kind(action: str) -> str:
    """Give the kind of object that an action acts on, which is what the nested part of its parameters is called.

    Raises
    ------
    InputError
        There is no such action.
    """
    from kubernaut.actions.catalogue import action_definition, top_level_parameters
    from kubernaut.actions.definition import ActionParameters

    model: type[ActionParameters] = action_definition(action).parameters
    beside = top_level_parameters(action)
    names = [field.alias or name for name, field in model.model_fields.items()]
    part = next(name for name in names if name not in beside)
    return part[0].upper() + part[1:]


def chosen_target(objects: ObjectSet, text: str | None, *, kind: str = "Deployment") -> Target:
    """Give the target that the user named, or the only object of the kind in the dump.

    Raises
    ------
    InputError
        Not NAMESPACE/NAME, or no single object to choose.
    """
    from kubernaut.facts.dumps import targets_in
    from kubernaut.facts.objects import Target

    if text is not None:
        namespace, slash, name = text.partition("/")
        if not slash or not namespace or not name:
            raise InputError(f"--target {text!r}: write NAMESPACE/NAME, e.g. shop/web")
        return Target(kind=kind, namespace=namespace, name=name)
    found = targets_in(objects, kind)
    if len(found) == 1:
        return found[0]
    raise InputError(
        f"say which {kind} with --target NAMESPACE/NAME; in the dump: {_names(found)}"
        if found
        else f"no {kind} in the dump; say which one is meant with --target NAMESPACE/NAME"
    )


def others_of_the_kind(objects: ObjectSet, target: Target) -> str:
    """Name the objects of the target's kind in a dump that has some, but not the target; else empty."""
    return "" if objects.find(target) is not None else _names(objects.of(target.kind))


def _names(found: Sequence[Target | KubeObject]) -> str:
    names = [f"{one.namespace}/{one.name}" for one in found]
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return f"{', '.join(names[:NAMES_SHOWN])}{more}"


def given_parameters(action: str, target: Target, texts: Sequence[str]) -> JsonObject:
    """Check an action's parameters, given as files and ``key=value``; the target fills in its own part.

    Raises
    ------
    InputError
        A file or a pair that cannot be read, or parameters that the action refuses.
    """
    from kubernaut.actions.catalogue import checked_parameters, top_level_parameters

    beside = top_level_parameters(action)
    part: dict[str, Any] = {"name": target.name, "namespace": target.namespace}
    raw: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raw |= _mapping(read_text(Path(text)), text)
        elif "." in key or key in beside:
            _put(raw, key, _value(value, text))
        else:
            part[key] = _value(value, text)
    own = target.kind[0].lower() + target.kind[1:]
    given = raw.get(own, {})
    if not isinstance(given, dict):
        raise InputError(f"--parameters: {own} is a mapping, e.g. {own}: {{replicas: 5}}")
    raw[own] = {**part, **given}
    return checked_parameters(action, raw).as_input


def _mapping(text: str, source: str) -> dict[str, Any]:
    value = read_yaml(text, source=source).value
    if not isinstance(value, dict):
        raise SettingsError(f"{source}: parameters are a mapping, e.g. deployment: {{name: web, replicas: 5}}")
    return value


def _value(text: str, pair: str) -> Any:
    return read_yaml(text, source=f"--parameters {pair}").value


def _put(tree: dict[str, Any], key: str, value: Any) -> None:
    *parts, last = key.split(".")
    for part in parts:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            raise InputError(f"--parameters {key}: {part} is a value already, and no mapping")
    tree[last] = value
