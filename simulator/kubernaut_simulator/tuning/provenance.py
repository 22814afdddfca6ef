"""What the two ConfigMaps of a file say of themselves: version, data, and the annotations that an export leaves.

The names of the annotations stand here once: `export` writes them, rollouts, differences and the way back read them.
Nothing is judged; a file written by hand has no annotations, and that is all that is said of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kubernaut.conditions.configmap_texts import configmap_data, configmap_name
from kubernaut.conditions.configmaps import DEFAULT_NAMES
from kubernaut.conditions.yaml_text import read_yaml_documents
from kubernaut.errors import InputError
from kubernaut.identity import Level

ANNOTATIONS = "kubernaut.io"
EVIDENCE = f"{ANNOTATIONS}/evidence"
HISTORY_DIGEST = f"{ANNOTATIONS}/history-digest"
HISTORY_WINDOW = f"{ANNOTATIONS}/history-window"
TOOL_VERSION = f"{ANNOTATIONS}/tool-version"
TUNING = f"{ANNOTATIONS}/tuning"
PREVIOUS = f"{ANNOTATIONS}/previous"
"""What the ConfigMap replaced: see `previous`."""
RESTORED_FROM = f"{ANNOTATIONS}/restored-from"
"""Version of the ConfigMap that was taken back."""
TRACED = (EVIDENCE, HISTORY_DIGEST, HISTORY_WINDOW, TOOL_VERSION, TUNING)
"""From where settings come; they go with the settings wherever those are kept."""

COUNTED = re.compile(r"(\d+)/(\d+)")
"""How an annotation writes k of n."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenConfigMap:
    """One of the two ConfigMaps as it stands in a file.

    Attributes
    ----------
    source : str
        The file, for messages.
    namespace, version : str or None
        `version` is the label: of the set when it was exported.
    data : mapping of str to str
        Its keys and texts, unread.
    annotations : mapping of str to str
        All of them.
    """

    level: Level
    source: str
    namespace: str | None
    version: str | None
    data: Mapping[str, str] = field(repr=False)
    annotations: Mapping[str, str] = field(repr=False)

    @property
    def name(self) -> str:
        """Its name in the cluster."""
        return DEFAULT_NAMES[self.level]

    @property
    def traced(self) -> Mapping[str, str]:
        """The annotations that say where its settings come from."""
        return {key: self.annotations[key] for key in TRACED if key in self.annotations}

    def json(self, key: str) -> Mapping[str, Any]:
        """Give an annotation that holds an object; empty without it.

        Raises
        ------
        InputError
            It is none.
        """
        try:
            found = json.loads(self.annotations.get(key, "{}"))
        except ValueError as error:
            raise InputError(
                f"{self.source}: the annotation {key} is not JSON ({error}); export the ConfigMaps anew"
            ) from error
        if not isinstance(found, dict):
            raise InputError(f"{self.source}: the annotation {key} is no object; export the ConfigMaps anew")
        return found


def written_configmaps(text: str, *, source: str) -> dict[Level, WrittenConfigMap]:
    """Find the two ConfigMaps in a text.

    Parameters
    ----------
    text : str
        One or both, or what `kubectl get -o yaml` gives of them; other objects are passed over.
    source : str
        Its name, for messages.

    Raises
    ------
    SettingsError
        The text is no YAML, or one of them holds something else than texts.
    """
    levels = {name: level for level, name in DEFAULT_NAMES.items()}
    found: dict[Level, WrittenConfigMap] = {}
    for item in _objects(text, source=source):
        name = configmap_name(item)
        if name in levels and item.get("kind", "ConfigMap") == "ConfigMap":
            metadata = item["metadata"]
            found[levels[name]] = WrittenConfigMap(
                level=levels[name],
                source=source,
                namespace=metadata.get("namespace"),
                version=_texts(metadata.get("labels")).get("version"),
                data=configmap_data(item, name=name),
                annotations=_texts(metadata.get("annotations")),
            )
    return {level: found[level] for level in Level if level in found}


def _objects(text: str, *, source: str) -> Iterator[Mapping[str, Any]]:
    for document in read_yaml_documents(text, source=source):
        value = document.value
        if isinstance(value, dict):
            items = value.get("items") if str(value.get("kind", "")).endswith("List") else [value]
            yield from (one for one in items or [] if isinstance(one, dict))


def _texts(found: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
