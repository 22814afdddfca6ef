"""The two ConfigMaps, from objects or YAML text to `ConditionSet`.

Keys: ``<action>.<phase>.<type>.rego`` names one condition, ``<type>.rego`` (the guide's form) all of that
type, ``...@candidate.rego`` a challenger, ``lib.<name>.rego`` a library, then ``settings.yaml`` and
``facts.yaml``. Anything else is ignored and said so. A ConfigMap without settings.yaml keeps the shipped
settings, one without a policy for a condition keeps the shipped policy; a condition with neither is an error
here and not at the first run.

No cluster is known here: who fetched the object, and when, does not matter.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kubernaut.conditions.condition_set import (
    ConditionSet,
    PolicyText,
    Shipped,
    shipped_set,
    shipped_texts,
)
from kubernaut.conditions.configmap_texts import configmap_bytes, configmap_data, configmap_name
from kubernaut.conditions.custom_facts import DEFAULT_KINDS, FACTS_KEY, CustomFacts, load_custom_facts
from kubernaut.conditions.settings import Settings
from kubernaut.conditions.settings_text import SETTINGS_KEY, load_settings
from kubernaut.conditions.spec import PolicySource
from kubernaut.conditions.yaml_text import read_yaml_documents
from kubernaut.errors import SettingsError
from kubernaut.identity import ConditionId, Level, Phase

DEFAULT_NAMES: Mapping[Level, str] = {
    Level.STEP: "kubernaut-workflow-conditions",
    Level.ACTION: "kubernaut-action-conditions",
}

MAX_CLIENT_SIDE_APPLY_BYTES = 256 * 1024
"""Client-side apply copies the object into an annotation, and annotations end here."""

MAX_SUITE = 64
"""Conditions of one action's phase; as many as one list of a custom resource may hold."""

CANDIDATE_SUFFIX = "@candidate"
_SUFFIX = ".rego"
_NAME = r"[a-z][a-z0-9_]{0,62}"
_EXACT = re.compile(rf"({_NAME})\.(pre|post)\.({_NAME})")
_TYPE = re.compile(_NAME)
_LIBRARY = re.compile(r"lib\.[a-z][a-z0-9_]*")
_FORMS = (
    "<action>.<pre|post>.<type>.rego, <type>.rego, either with @candidate before .rego, "
    "lib.<name>.rego, settings.yaml, facts.yaml"
)


def load_condition_sets(
    text: str,
    *,
    source: str,
    shipped: Shipped,
    names: Mapping[Level, str] = DEFAULT_NAMES,
    allowed_kinds: Collection[str] = DEFAULT_KINDS,
) -> dict[Level, ConditionSet]:
    """Read both ConfigMaps from one YAML text, e.g. an export of the simulator or of `kubectl get -o yaml`.

    Parameters
    ----------
    text : str
        One or more documents; a `List` is looked into, other objects are ignored with a warning.
    source : str
        Its name, for messages.
    shipped : Shipped
        The defaults; a level without ConfigMap is made of them.
    names : mapping of Level to str
        Which ConfigMap belongs to which level.

    Returns
    -------
    dict of Level to ConditionSet
        Both levels.

    Raises
    ------
    SettingsError
        Nothing in the text is one of the two, one is there twice, or one cannot be used.
    """
    found: dict[Level, Mapping[str, Any]] = {}
    strangers: list[str] = []
    by_name = {name: level for level, name in names.items()}
    for item in _objects(text, source=source):
        name = configmap_name(item)
        level = by_name.get(name) if item.get("kind") == "ConfigMap" else None
        if level is None:
            strangers.append(f"{item.get('kind', 'object without kind')} {name or 'without name'}")
        elif level in found:
            raise SettingsError(f"{source}: ConfigMap {name} is in it twice; keep one")
        else:
            found[level] = item
    wanted = " or ".join(names.values())
    if not found:
        there = f"; it holds {', '.join(strangers)}" if strangers else ""
        raise SettingsError(f"{source}: no ConfigMap named {wanted} in it{there}")
    sets = {
        level: condition_set(found[level], level=level, shipped=shipped, allowed_kinds=allowed_kinds)
        if level in found
        else shipped_set(level, shipped)
        for level in Level
    }
    if strangers:
        warning = f"{source}: ignored {', '.join(strangers)}; only {wanted} is read"
        first = next(iter(found))
        sets[first] = _warned(sets[first], warning)
    return sets


def condition_set(
    configmap: Mapping[str, Any],
    *,
    level: Level,
    shipped: Shipped,
    allowed_kinds: Collection[str] = DEFAULT_KINDS,
) -> ConditionSet:
    """Read one ConfigMap.

    Parameters
    ----------
    configmap : mapping
        The object, as the API server or a YAML document gives it.
    level : Level
        Whose conditions it holds.
    shipped : Shipped
        What it is laid over.
    allowed_kinds : collection of str
        Kinds that facts.yaml may name.

    Raises
    ------
    SettingsError
        Above 1 MiB, neither policies nor settings in it, settings.yaml or facts.yaml not usable, or a
        condition that has no policy.
    """
    name = configmap_name(configmap) or "ConfigMap without name"
    data = configmap_data(configmap, name=name)
    keys = _Keys(level=level, configmap=name)
    for key in sorted(data):
        keys.take(key, data[key])
    keys.warnings += [f"{name}: binary key {key} is ignored" for key in sorted(configmap.get("binaryData") or {})]
    if not (keys.exact or keys.by_type or keys.candidates or keys.candidates_by_type or keys.settings):
        there = f"its keys are {', '.join(sorted(data))}" if data else "it is empty"
        raise SettingsError(f"{name}: no policy and no settings.yaml in it ({there}); keys that are read: {_FORMS}")
    settings = shipped.settings.get(level, Settings()) if keys.settings is None else keys.settings
    facts = (
        CustomFacts()
        if keys.facts is None
        else load_custom_facts(keys.facts, source=f"{name}/{FACTS_KEY}", allowed_kinds=allowed_kinds)
    )
    if configmap_bytes(data) > MAX_CLIENT_SIDE_APPLY_BYTES:
        keys.warnings.append(f"{name}: above 256 KiB; apply it with kubectl apply --server-side")
    result = ConditionSet(
        level=level,
        settings=settings,
        exact=keys.exact,
        by_type=keys.by_type,
        shipped=shipped_texts(level, shipped),
        candidates=keys.candidates,
        candidates_by_type=keys.candidates_by_type,
        libraries={**shipped.libraries, **keys.libraries},
        custom_facts=facts,
    )
    _check_policies(result, name=name)
    _check_suites(result, name=name)
    return _warned(result, *keys.warnings, *_unused(result, name=name))


@dataclass(slots=True, kw_only=True)
class _Keys:
    """A ConfigMap's keys, sorted by what they are."""

    level: Level
    configmap: str
    exact: dict[ConditionId, PolicyText] = field(default_factory=dict)
    by_type: dict[str, PolicyText] = field(default_factory=dict)
    candidates: dict[ConditionId, PolicyText] = field(default_factory=dict)
    candidates_by_type: dict[str, PolicyText] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)
    settings: Settings | None = None
    facts: str | None = None
    warnings: list[str] = field(default_factory=list)

    def take(self, key: str, value: str) -> None:
        if key == SETTINGS_KEY:
            self.settings = load_settings(value, source=f"{self.configmap}/{SETTINGS_KEY}")
        elif key == FACTS_KEY:
            self.facts = value
        elif not (key.endswith(_SUFFIX) and self._take_rego(key, key.removesuffix(_SUFFIX), value)):
            self.warnings.append(f"{self.configmap}: key {key} is ignored; keys that are read: {_FORMS}")

    def _take_rego(self, key: str, stem: str, value: str) -> bool:
        if _LIBRARY.fullmatch(stem):
            self.libraries[key] = value
            return True
        is_candidate = stem.endswith(CANDIDATE_SUFFIX)
        stem = stem.removesuffix(CANDIDATE_SUFFIX)
        text = PolicyText(name=f"{self.configmap}/{key}", source=value, origin=PolicySource.CONFIGMAP)
        if match := _EXACT.fullmatch(stem):
            condition = ConditionId(match[1], self.level, Phase(match[2]), match[3])
            (self.candidates if is_candidate else self.exact)[condition] = text
        elif _TYPE.fullmatch(stem):
            (self.candidates_by_type if is_candidate else self.by_type)[stem] = text
        else:
            return False
        return True


def _check_policies(conditions: ConditionSet, *, name: str) -> None:
    missing = [condition for condition in conditions.suite if conditions.policy(condition) is None]
    if missing:
        first = missing[0]
        raise SettingsError(
            f"{name}/{SETTINGS_KEY}: no policy for {', '.join(map(str, missing))}; add a key "
            f"{first.action}.{first.phase.value}.{first.type}.rego "
            f"(or {first.type}.rego), or take the condition out"
        )


def _check_suites(conditions: ConditionSet, *, name: str) -> None:
    for (action, phase), count in Counter((one.action, one.phase) for one in conditions.suite).items():
        if count > MAX_SUITE:
            raise SettingsError(
                f"{name}/{SETTINGS_KEY}: actions.{action}.{phase.value}: {count:,} conditions; at most {MAX_SUITE} are "
                "accepted, since each is judged on every run: join some of them in one policy"
            )


def _unused(conditions: ConditionSet, *, name: str) -> list[str]:
    """Warn of texts that name a condition which no run will have."""
    suite = set(conditions.suite)
    types = {condition.type for condition in suite}
    texts = [(str(key), text) for key, text in conditions.exact.items() if key not in suite]
    texts += [(str(key), text) for key, text in conditions.candidates.items() if key not in suite]
    texts += [(key, text) for key, text in conditions.candidates_by_type.items() if key not in types]
    return [
        f"{text.name}: {SETTINGS_KEY} of {name} does not name {key}; "
        "it is judged only where a custom resource asks for it"
        for key, text in texts
    ]


def _warned(conditions: ConditionSet, *warnings: str) -> ConditionSet:
    return replace(conditions, warnings=(*conditions.warnings, *warnings))


def _objects(text: str, *, source: str) -> Iterable[Mapping[str, Any]]:
    for document in read_yaml_documents(text, source=source):
        items: Sequence[Any] = [document.value]
        if isinstance(document.value, Mapping) and "items" in document.value:
            items = document.value["items"] or []
        for item in items:
            if not isinstance(item, Mapping):
                raise SettingsError(f"{source}: holds something that is no Kubernetes object")
            yield item
