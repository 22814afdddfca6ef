"""The way back: an exported ConfigMap carries what it replaced, so that nobody must have kept it.

Texts that did not change stand in the new ConfigMap anyway; of those only a digest is kept, the others go whole into
an annotation, together with the evidence that the replaced one had. One step back is kept, not the whole past: that
belongs into version control. Whether somebody has edited the ConfigMap since is seen by the digests, and refused:
what would be given back would be something that never was in force.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kubernaut.block_yaml import dump_document
from kubernaut.conditions.configmaps import load_condition_sets
from kubernaut.conditions.defaults import shipped_defaults
from kubernaut.errors import InputError
from kubernaut.identity import Level
from kubernaut_simulator.tuning.provenance import PREVIOUS, RESTORED_FROM, WrittenConfigMap, written_configmaps

COMPONENTS: Mapping[Level, str] = {
    Level.STEP: "workflow-execution",
    Level.ACTION: "kubernetes-execution",
}
"""Guide 3.5.3: the label `component` of each ConfigMap."""

_DIGEST_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """What an exported ConfigMap takes the place of.

    Attributes
    ----------
    version : str
        Of the set.
    data : mapping of str to str
    traced : mapping of str to str
        The annotations that say where it came from; empty for one written by hand, or what was recorded.
    """

    version: str
    data: Mapping[str, str] = field(repr=False)
    traced: Mapping[str, str] = field(default_factory=dict, repr=False)

    def kept_in(self, data: Mapping[str, str]) -> dict[str, Any]:
        """Give what the annotation must hold beside the new data."""
        same = {key for key, text in self.data.items() if data.get(key) == text}
        found: dict[str, Any] = {
            "version": self.version,
            "texts": {key: text for key, text in self.data.items() if key not in same},
            "unchanged": {key: _digest(self.data[key]) for key in same},
        }
        return found | ({"annotations": dict(self.traced)} if self.traced else {})


def configmap_object(
    level: Level,
    data: Mapping[str, str],
    *,
    name: str,
    namespace: str | None,
    version: str,
    annotations: Mapping[str, str],
) -> dict[str, Any]:
    """Give one of the two as an object, with its labels."""
    metadata: dict[str, Any] = {"name": name} | ({"namespace": namespace} if namespace else {})
    metadata["labels"] = {"app": "kubernaut", "component": COMPONENTS[level], "version": version}
    metadata["annotations"] = dict(annotations)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}


def previous_configmaps(text: str, *, source: str = "export") -> str:
    """Give the ConfigMaps that those of a file replaced.

    Parameters
    ----------
    text : str
        An export, or what `kubectl get configmap -o yaml` gives of it.
    source : str
        Its name, for messages.

    Raises
    ------
    InputError
        It holds none of the two, does not say what it replaced, or was edited since.
    """
    found = written_configmaps(text, source=source)
    if not found:
        raise InputError(f"{source}: neither of the two ConfigMaps is in it; give an export, or what kubectl get shows")
    restored = "---\n".join(dump_document(_restored(one)) for one in found.values())
    load_condition_sets(restored, source=f"what {source} replaced", shipped=shipped_defaults())
    return restored


def _restored(one: WrittenConfigMap) -> dict[str, Any]:
    if PREVIOUS not in one.annotations:
        again = one.annotations.get(RESTORED_FROM)
        why = (
            f"it is itself a way back (from {again}), and only one step is kept"
            if again
            else "it was written by hand, or by an earlier version"
        )
        raise InputError(
            f"{one.source}: {one.name} does not say what it replaced: {why}; take the file before it from "
            "version control"
        )
    kept = one.json(PREVIOUS)
    try:
        texts, unchanged = dict(kept["texts"]), dict(kept["unchanged"])
        version, traced = str(kept["version"]), dict(kept.get("annotations", {}))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{one.source}: the annotation {PREVIOUS} of {one.name} is incomplete ({error})") from error
    edited = [key for key, digest in unchanged.items() if _digest(one.data.get(key, "")) != digest]
    if edited:
        raise InputError(
            f"{one.source}: {one.name} was edited after its export ({', '.join(sorted(edited))}), and it replaced "
            "another text than it shows now; give the file as it was exported"
        )
    return configmap_object(
        one.level,
        texts | {key: one.data[key] for key in unchanged},
        name=one.name,
        namespace=one.namespace,
        version=version,
        annotations=traced | {RESTORED_FROM: one.version or "unknown"},
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
