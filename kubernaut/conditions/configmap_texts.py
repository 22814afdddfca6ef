"""A ConfigMap's texts, checked for what is true of any of the three: it is one, and of bounded size."""

from collections.abc import Mapping
from typing import Any

from kubernaut.errors import SettingsError

MAX_CONFIGMAP_BYTES = 1024 * 1024
"""The API server refuses a ConfigMap whose values are larger."""

MAX_POLICIES = 512
"""Policies and libraries of one ConfigMap: all actions' suites at one level and their challengers."""


def configmap_data(configmap: Mapping[str, Any], *, name: str) -> dict[str, str]:
    """Give a ConfigMap's keys and texts.

    Raises
    ------
    SettingsError
        It is no ConfigMap of texts, above 1 MiB, or of more policies than are accepted.
    """
    data = configmap.get("data") or {}
    if configmap.get("kind", "ConfigMap") != "ConfigMap":
        raise SettingsError(f"{name}: a {configmap['kind']} where a ConfigMap is expected")
    if not isinstance(data, Mapping):
        raise SettingsError(f"{name}: data is no mapping of keys to texts")
    for key, value in data.items():
        if not isinstance(value, str):
            raise SettingsError(f"{name}: the value of key {key} is no text; write it as a block: `{key}: |`")
    check_size(data, name=name)
    check_count(data, name=name)
    return dict(data)


def configmap_name(item: Mapping[str, Any]) -> str:
    """Give an object's name; empty without one."""
    metadata = item.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return name if isinstance(name, str) else ""


def configmap_bytes(data: Mapping[str, str]) -> int:
    """Give the size that the API server counts: the values, in UTF-8."""
    return sum(len(value.encode("utf-8", "surrogatepass")) for value in data.values())


def check_size(data: Mapping[str, str], *, name: str) -> None:
    """Refuse data that the API server would refuse.

    Raises
    ------
    SettingsError
        Above 1 MiB.
    """
    size = configmap_bytes(data)
    if size > MAX_CONFIGMAP_BYTES:
        largest = max(data, key=lambda key: len(data[key]))
        raise SettingsError(
            f"{name}: {size:,} bytes; a ConfigMap holds at most {MAX_CONFIGMAP_BYTES:,} (the largest key is {largest})"
        )


def check_count(data: Mapping[str, str], *, name: str) -> None:
    """Refuse more policies than anybody can oversee, or compile in time.

    Raises
    ------
    SettingsError
        Above 512.
    """
    count = sum(key.endswith(".rego") for key in data)
    if count > MAX_POLICIES:
        raise SettingsError(
            f"{name}: {count:,} policies and libraries; at most {MAX_POLICIES} are accepted: take out those that "
            f"settings.yaml does not name"
        )
