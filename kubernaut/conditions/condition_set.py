"""All that is configured for one level: policies by identity, libraries, settings, custom facts; as texts.

A set is what one ConfigMap, laid over what the package ships, comes to. It has a digest, so that a run can be
pinned to the set it started with, and two sets can be compared, so that a change which weakens a guard is
named. Whether the Rego compiles is not known here: see `compiled_set`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kubernaut.conditions.custom_facts import CustomFacts
from kubernaut.conditions.settings import Settings
from kubernaut.conditions.settings_text import dump_settings
from kubernaut.conditions.spec import PolicySource
from kubernaut.identity import ConditionId, Level


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyText:
    """A policy's Rego and where it came from.

    Attributes
    ----------
    name : str
        As the user knows it, e.g. ``kubernaut-workflow-conditions/deployment_exists.rego``; for messages
        only.
    """

    name: str
    source: str = field(repr=False)
    origin: PolicySource


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """What the package itself brings; the defaults under every ConfigMap.

    Attributes
    ----------
    policies : mapping of ConditionId to PolicyText
        Of every level.
    libraries : mapping of str to str
        ``lib.<name>.rego`` -> Rego.
    settings : mapping of Level to Settings
        A level without an entry has an empty suite.
    """

    policies: Mapping[ConditionId, PolicyText] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[Level, Settings] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionSet:
    """One level's conditions.

    Attributes
    ----------
    exact : mapping of ConditionId to PolicyText
        The ConfigMap's ``<action>.<phase>.<type>.rego``.
    by_type : mapping of str to PolicyText
        The ConfigMap's ``<type>.rego``: for every action and phase that has no exact one.
    shipped : mapping of ConditionId to PolicyText
        The package's, of this level; used where the ConfigMap has none.
    candidates, candidates_by_type : mapping
        Challengers, in the same two forms.
    libraries : mapping of str to str
        ``lib.<name>.rego`` -> Rego; the ConfigMap's replace shipped ones of the same name.
    custom_facts : CustomFacts
        facts.yaml.
    warnings : tuple of str
        What was ignored, each with what to do.
    """

    level: Level
    settings: Settings
    exact: Mapping[ConditionId, PolicyText] = field(default_factory=dict)
    by_type: Mapping[str, PolicyText] = field(default_factory=dict)
    shipped: Mapping[ConditionId, PolicyText] = field(default_factory=dict)
    candidates: Mapping[ConditionId, PolicyText] = field(default_factory=dict)
    candidates_by_type: Mapping[str, PolicyText] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)
    custom_facts: CustomFacts = field(default_factory=CustomFacts)
    warnings: tuple[str, ...] = ()

    def policy(self, condition: ConditionId) -> PolicyText | None:
        """Give the text for one condition: exact, then by type, then shipped; None when there is none."""
        return self.exact.get(condition) or self.by_type.get(condition.type) or self.shipped.get(condition)

    def candidate(self, condition: ConditionId) -> PolicyText | None:
        """Give the challenger's text for one condition, or None."""
        return self.candidates.get(condition) or self.candidates_by_type.get(condition.type)

    @property
    def suite(self) -> tuple[ConditionId, ...]:
        """Every condition that the settings name, sorted."""
        return self.settings.condition_ids(self.level)

    @property
    def policies(self) -> Mapping[ConditionId, PolicyText]:
        """The text of every condition that the settings name."""
        texts = ((condition, self.policy(condition)) for condition in self.suite)
        return {condition: text for condition, text in texts if text is not None}

    @property
    def digest(self) -> str:
        """Give the sha256 (hex) of everything that can change a verdict or what it does."""
        content = {
            "level": self.level.value,
            "settings": dump_settings(self.settings),
            "exact": _sources(self.exact),
            "by_type": _sources(self.by_type),
            "shipped": _sources(self.shipped),
            "candidates": _sources(self.candidates),
            "candidates_by_type": _sources(self.candidates_by_type),
            "libraries": dict(self.libraries),
            "custom_facts": self.custom_facts.model_dump(mode="json", by_alias=True),
        }
        canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _sources(texts: Mapping[ConditionId, PolicyText] | Mapping[str, PolicyText]) -> dict[str, str]:
    return {str(key): text.source for key, text in texts.items()}


def shipped_set(level: Level, shipped: Shipped) -> ConditionSet:
    """Give the set that holds when there is no ConfigMap."""
    return ConditionSet(
        level=level,
        settings=shipped.settings.get(level, Settings()),
        shipped=shipped_texts(level, shipped),
        libraries=dict(shipped.libraries),
    )


def shipped_texts(level: Level, shipped: Shipped) -> dict[ConditionId, PolicyText]:
    """Give the shipped policies of one level."""
    return {condition: text for condition, text in shipped.policies.items() if condition.level is level}


class ChangeKind(StrEnum):
    """How a new set is weaker than the one before; also the reason of the Event."""

    ENFORCEMENT_OFF = "EnforcementOff"
    CONDITION_REMOVED = "ConditionRemoved"
    REQUIRED_OFF = "RequiredOff"
    POLICY_DROPPED = "PolicyDropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One way in which a new set is weaker.

    Attributes
    ----------
    condition : ConditionId or None
        None when it is about all of them.
    message : str
        One sentence for an Event.
    """

    kind: ChangeKind
    condition: ConditionId | None
    message: str


def weakening_changes(before: ConditionSet, after: ConditionSet) -> tuple[Change, ...]:
    """Name every way in which `after` guards less than `before`: flags turned off, policies dropped.

    Parameters
    ----------
    before, after : ConditionSet
        Two loads of the same level.

    Returns
    -------
    tuple of Change
        In the order of identity; empty when nothing got weaker. A policy replaced by another is no change of
        this kind (its digest says so), one that falls back to the shipped text is.
    """
    changes: list[Change] = []
    if before.settings.enforcement and not after.settings.enforcement:
        message = f"enforcement was turned off at the {after.level.value} level: only safety blocks any more"
        changes.append(Change(kind=ChangeKind.ENFORCEMENT_OFF, condition=None, message=message))
    for condition in before.suite:
        if condition not in after.suite:
            message = f"{condition} is no longer evaluated on every run: settings.yaml does not name it any more"
            changes.append(Change(kind=ChangeKind.CONDITION_REMOVED, condition=condition, message=message))
            continue
        where = _required_off(before.settings, after.settings, condition)
        if where is not None:
            message = f"required was turned off for {condition}{where}"
            changes.append(Change(kind=ChangeKind.REQUIRED_OFF, condition=condition, message=message))
        old, new = before.policy(condition), after.policy(condition)
        if old and old.origin is PolicySource.CONFIGMAP and (not new or new.origin is not PolicySource.CONFIGMAP):
            message = f"the ConfigMap's policy of {condition} was dropped; the shipped one is used now"
            changes.append(Change(kind=ChangeKind.POLICY_DROPPED, condition=condition, message=message))
    return tuple(changes)


def _required_off(before: Settings, after: Settings, condition: ConditionId) -> str | None:
    for environment in ("", *sorted({*before.environments, *after.environments})):
        old = before.effective(condition, environment=environment)
        new = after.effective(condition, environment=environment)
        if old and new and old.required and not new.required:
            return f" in environment {environment}" if environment else ""
    return None


def run_digest(step: ConditionSet, action: ConditionSet) -> str:
    """Give the digest a run is pinned to: both levels, since a workflow and its children share one."""
    return hashlib.sha256(f"{step.digest}\n{action.digest}".encode()).hexdigest()
