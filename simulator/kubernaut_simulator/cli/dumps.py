"""Dumps of objects and parameters as users give them: files, the target, ``key=value``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from kubernaut.errors import FactsError, InputError, SettingsError
from kubernaut_simulator.cli.loading import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kubernaut.facts.objects import ObjectSet, Target
    from kubernaut.json_types import JsonObject


def read_dumps(paths: Sequence[Path]) -> list[Any]:
    """Read objects from files of JSON or YAML, one or several documents each, folders one level deep.

    Raises
    ------
    FactsError
        A file is neither.
    """
    objects: list[Any] = []
    for path in paths:
        files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
        for file in files:
            objects += _documents(file)
    return objects


def _documents(file: Path) -> Iterator[Any]:
    try:
        # JSON is YAML, but for tabs between tokens; the C loader reads both at a fair speed.
        for document in yaml.load_all(read_text(file).replace("\t", "  "), Loader=_loader()):
            if isinstance(document, list):
                yield from document
            elif document is not None:
                yield document
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark is not None else str(file)
        problem = getattr(error, "problem", None) or error
        raise FactsError(f"{where}: neither JSON nor YAML ({problem}); save it with kubectl get -o json") from error


def _loader() -> Any:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def chosen_target(objects: ObjectSet, text: str | None) -> Target:
    """Give the target that the user named, or the only Deployment of the dump.

    Raises
    ------
    InputError
        Not NAMESPACE/NAME, or no single Deployment to choose.
    """
    from kubernaut.facts.dumps import targets_in
    from kubernaut.facts.objects import Target

    if text is not None:
        namespace, slash, name = text.partition("/")
        if not slash or not namespace or not name:
            raise InputError(f"--target {text!r}: write NAMESPACE/NAME, e.g. shop/web")
        return Target(kind="Deployment", namespace=namespace, name=name)
    found = targets_in(objects)
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{one.namespace}/{one.name}" for one in found)
    raise InputError(
        f"say which Deployment with --target NAMESPACE/NAME; in the dump: {names}"
        if found
        else "no Deployment in the dump; say which one is meant with --target NAMESPACE/NAME"
    )


def given_parameters(action: str, target: Target, texts: Sequence[str]) -> JsonObject:
    """Check an action's parameters, given as files and ``key=value``; the target fills in its own part.

    Raises
    ------
    InputError
        A file or a pair that cannot be read, or parameters that the action refuses.
    """
    from kubernaut.actions.catalogue import checked_parameters

    part: dict[str, Any] = {"name": target.name, "namespace": target.namespace}
    raw: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raw |= _parameter_file(Path(text))
        elif "." in key or key == "expectedReplicas":
            _put(raw, key.split("."), yaml.safe_load(value))
        else:
            part[key] = yaml.safe_load(value)
    own = target.kind[0].lower() + target.kind[1:]
    raw[own] = {**part, **raw.get(own, {})}
    return checked_parameters(action, raw).as_input


def _parameter_file(path: Path) -> dict[str, Any]:
    value = yaml.safe_load(read_text(path))
    if not isinstance(value, dict):
        raise SettingsError(f"{path}: parameters are a mapping, e.g. deployment: {{name: web, replicas: 5}}")
    return value


def _put(tree: dict[str, Any], parts: Sequence[str], value: Any) -> None:
    for part in parts[:-1]:
        tree = tree.setdefault(part, {})
    tree[parts[-1]] = value
