"""settings.yaml to `Settings` and back: the strict reader, the canonical writer, and the digest.

The writer gives the same bytes for equal settings: fields in the model's order, names sorted, durations in
their shortest form. What the simulator exports and what the operator loads meet here.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from kubernaut.conditions.fields import FROM_TEXT
from kubernaut.conditions.problems import describe, known_keys
from kubernaut.conditions.settings import (
    ActionSettings,
    BlockRate,
    EnvironmentSettings,
    Evidence,
    PostSettings,
    Settings,
    TimeToPass,
)
from kubernaut.conditions.yaml_text import YamlText, read_yaml
from kubernaut.durations import format_duration
from kubernaut.errors import SettingsError

SETTINGS_KEY = "settings.yaml"
_LINE_WIDTH = 110
_KEYS = known_keys(Settings, ActionSettings, EnvironmentSettings, PostSettings, Evidence, TimeToPass, BlockRate)


def load_settings(text: str, *, source: str = SETTINGS_KEY) -> Settings:
    """Read a settings.yaml; an empty one is all defaults and names no condition.

    Parameters
    ----------
    text : str
        YAML.
    source : str
        Its name, for messages.

    Raises
    ------
    SettingsError
        Everything that is wrong with it, each with line, path and what to do.
    """
    return settings_from_yaml(read_yaml(text, source=source))


def settings_from_yaml(document: YamlText) -> Settings:
    """Check a parsed document; see `load_settings`."""
    value = {} if document.value is None else document.value
    try:
        return Settings.model_validate(value, context=FROM_TEXT, by_alias=True, by_name=False)
    except ValidationError as error:
        raise SettingsError(describe(error, place=document.place, keys=_KEYS)) from error


def dump_settings(settings: Settings) -> str:
    """Write settings as YAML; equal settings give the same bytes, and `load_settings` gives them back."""
    text: str = yaml.safe_dump(
        _plain(settings), sort_keys=False, default_flow_style=False, allow_unicode=True, width=_LINE_WIDTH
    )
    return text


def settings_digest(settings: Settings) -> str:
    """Give the sha256 (hex) of the canonical text."""
    return hashlib.sha256(dump_settings(settings).encode()).hexdigest()


def _plain(value: object) -> Any:
    if isinstance(value, BaseModel):
        plain: dict[str, Any] = {}
        for name, field in type(value).model_fields.items():
            content = getattr(value, name)
            if content is None or content in ({}, ""):
                continue
            is_duration = name.endswith("_s")
            plain[field.alias or name] = format_duration(content) if is_duration else _plain(content)
        return plain
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in sorted(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
