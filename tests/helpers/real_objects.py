"""Load dumps of Kubernetes objects as people save them, for tests on real material.

JSON, YAML (several documents too), and the text files of a recorder that put lines of its own before the output of
kubectl. What is no YAML of an object (the text of `kubectl describe`) gives an empty list.
"""

import csv
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_HEADER_KEYS = ("toolset_name", "schema_version")


class _Loader(yaml.SafeLoader):
    """YAML as kubectl writes it, where an instant stays the text that JSON would hold."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def real_data() -> Path | None:
    """Give the folder of real material, or None where there is none."""
    folder = os.environ.get("KUBERNAUT_REAL_DATA")
    return Path(folder) if folder else None


def real_object_files(root: Path) -> list[str]:
    """Give the files that the index of `k8s-objects` lists."""
    with (root / "k8s-objects" / "index.csv").open(newline="", encoding="utf-8") as lines:
        return [row["file"] for row in csv.DictReader(lines)]


def load_objects(path: Path) -> list[dict[str, Any]]:
    """Give the objects (and lists of objects) of one file; text that holds none gives an empty list."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    while lines and (
        lines[0].lstrip().startswith(tuple(f'{{"{key}"' for key in _HEADER_KEYS)) or lines[0] == "stdout:\n"
    ):
        lines.pop(0)
    body = "".join(lines)
    try:
        documents = [json.loads(body)]
    except json.JSONDecodeError:
        try:
            documents = list(yaml.load_all(body, Loader=_Loader))
        except yaml.YAMLError:
            return []
    return [document for document in documents if isinstance(document, dict) and _is_object(document)]


def _is_object(document: Mapping[str, Any]) -> bool:
    return "metadata" in document or "items" in document
