"""Safety policies: what no action may do, whatever conditions, percentages, switches and people say.

They ship inside the package (`data.safety.*`); the ConfigMap ``kubernaut-safety-policies`` may only add to them:
``<name>.rego`` for every action, ``<action>.<name>.rego`` for one, ``lib.<name>.rego``, and ``settings.yaml`` with
numbers inside the bounds that a policy declares. Each fails closed: whatever is not a pass is a denial, a fact that
could not be observed and an evaluator that is not there included. They have no condition type, no percentage and no
override; nothing here asks for one.

Who fetched the ConfigMap, and what a denial does to a run, is not known here.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field, ValidationError

from kubernaut import shipped
from kubernaut.conditions.compiled_set import Compile, filled_settings
from kubernaut.conditions.configmap_texts import configmap_data, configmap_name
from kubernaut.conditions.fields import Name, Number, StrictModel
from kubernaut.conditions.inputs import CustomValues, RunContext, policy_input
from kubernaut.conditions.problems import describe, known_keys
from kubernaut.conditions.settings_text import SETTINGS_KEY
from kubernaut.conditions.spec import PolicySource
from kubernaut.conditions.yaml_text import read_yaml
from kubernaut.errors import EvaluatorError, PolicyError, SettingsError
from kubernaut.facts.snapshot import Snapshot
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut.json_types import JsonObject
from kubernaut.judging import judge
from kubernaut.policy.batch import Evaluator
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.verdicts import Code, Judgement, Reason

SAFETY_CONFIGMAP = "kubernaut-safety-policies"
"""Default name of the ConfigMap."""

MAX_DENIAL_CHARS = 256
"""As every other message in a status."""

_NAME = r"[a-z][a-z0-9_]{0,62}"
_POLICY = re.compile(rf"(?:({_NAME})\.)?({_NAME})\.rego")
_LIBRARY = re.compile(rf"lib\.{_NAME}\.rego")


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyPolicy:
    """One safety policy, ready to be judged.

    Attributes
    ----------
    key : str
        ``<name>``, or ``<action>.<name>``.
    action : str or None
        None means every action.
    source : PolicySource
    settings : mapping of str to float
        What it reads as `input.settings`.
    """

    key: str
    action: str | None
    policy: CompiledPolicy
    source: PolicySource
    settings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetySet:
    """All safety policies in force.

    Attributes
    ----------
    policies : tuple of SafetyPolicy
        Shipped ones first, each kind by key.
    warnings : tuple of str
        Keys of the ConfigMap that were ignored.
    unusable : str
        Why the ConfigMap's additions are not in `policies`; while it says something, every action is denied. Empty
        when they are.
    """

    policies: tuple[SafetyPolicy, ...]
    warnings: tuple[str, ...] = ()
    unusable: str = ""

    @property
    def digest(self) -> str:
        """Give the sha256 (hex) of everything that can change what is denied."""
        content = [[one.key, one.policy.digest, dict(one.settings)] for one in self.policies]
        if self.unusable:
            content.append(["unusable"])
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def of(self, action: str) -> tuple[SafetyPolicy, ...]:
        """Give the policies that an action is judged by."""
        return tuple(one for one in self.policies if one.action in (None, action))


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """One safety policy that does not let an action run."""

    key: str
    policy_digest: str
    judgement: Judgement

    @property
    def message(self) -> str:
        """Give ``safety.<key>: <why>``, at most 256 characters."""
        return f"safety.{self.key}: {self.judgement.message or self.judgement.code.value}"[:MAX_DENIAL_CHARS]


def safety_set(configmap: Mapping[str, Any] | None, *, compile_: Compile) -> SafetySet:
    """Put the shipped safety policies and a ConfigMap's additions together.

    Parameters
    ----------
    configmap : mapping or None
        The object; None when there is none.
    compile_ : Compile

    Raises
    ------
    SettingsError
        The ConfigMap would replace a shipped policy or library, or sets a number that may not be set.
    PolicyError
        A policy cannot be used, or is not under the package `safety`.
    """
    libraries = dict(shipped.shipped_libraries())
    texts = {
        _key(one.action, one.name): (one.action, one.file, one.source, PolicySource.SHIPPED)
        for one in shipped.shipped_safety_policies()
    }
    name, warnings, numbers = SAFETY_CONFIGMAP, [], _SafetySettings()
    if configmap is not None:
        name = configmap_name(configmap) or SAFETY_CONFIGMAP
        for key, text in sorted(configmap_data(configmap, name=name).items()):
            if key == SETTINGS_KEY:
                numbers = _read_settings(text, source=f"{name}/{key}")
            elif key in libraries or key.removesuffix(".rego") in texts:
                raise SettingsError(f"{name}/{key}: it ships with the package; this ConfigMap may only add")
            elif _LIBRARY.fullmatch(key):
                libraries[key] = text
            elif match := _POLICY.fullmatch(key):
                texts[_key(match[1], match[2])] = (match[1], f"{name}/{key}", text, PolicySource.CONFIGMAP)
            else:
                warnings.append(
                    f"{name}: key {key} is ignored; keys that are read: <name>.rego, <action>.<name>.rego, "
                    "lib.<name>.rego, settings.yaml"
                )
    policies = []
    for key, (action, file, text, origin) in texts.items():
        policy = compile_(text, name=file, libraries=libraries)
        if not policy.package.startswith("safety."):
            raise PolicyError(f"{file}: a safety policy's package must be under `safety`, not `{policy.package}`")
        chosen = numbers.policies.get(key, {})
        _check_numbers(policy, chosen, where=f"{name}/{SETTINGS_KEY}: policies.{key}")
        settings = filled_settings(policy, chosen)
        policies.append(SafetyPolicy(key=key, action=action, policy=policy, source=origin, settings=settings))
    for key in sorted(set(numbers.policies) - set(texts)):
        raise SettingsError(
            f"{name}/{SETTINGS_KEY}: policies.{key}: there is no such policy; it has {', '.join(texts)}"
        )
    return SafetySet(policies=tuple(policies), warnings=tuple(warnings))


def judge_safety(
    evaluator: Evaluator,
    safety: SafetySet,
    snapshot: Snapshot,
    *,
    action: str,
    context: RunContext,
    parameters: JsonObject,
    custom: CustomValues | None = None,
) -> tuple[Denial, ...]:
    """Say what does not let an action run.

    Parameters
    ----------
    evaluator : Evaluator
    safety : SafetySet
    snapshot : Snapshot
        Registered facts of one look.
    action : str
    context : RunContext
    parameters : JsonObject
        Checked parameters of the action, in the guide's nested form.
    custom : CustomValues or None

    Returns
    -------
    tuple of Denial
        Empty when every policy passed; never because one could not be judged.
    """
    denials = []
    if safety.unusable:
        why = Judgement(Code.ERROR, Reason.POLICY_ERROR, safety.unusable)
        denials.append(Denial(key="additions", policy_digest="", judgement=why))
    for one in safety.of(action):
        seen = policy_input(
            snapshot,
            condition=ConditionId(action, Level.ACTION, Phase.PRE, one.key.rpartition(".")[2]),
            context=context,
            parameters=parameters,
            settings=one.settings,
            custom=custom,
        )
        judgement = _judged(evaluator, one.policy, [seen])
        if judgement.code is not Code.PASSED:
            denials.append(Denial(key=one.key, policy_digest=one.policy.digest, judgement=judgement))
    return tuple(denials)


def weakened_safety(before: SafetySet, after: SafetySet) -> tuple[str, ...]:
    """Name what `after` may deny less than `before`: policies dropped, numbers changed back or otherwise.

    Returns
    -------
    tuple of str
        One sentence each, for an Event. Whether another number is the weaker one is not known here, so each is named.
    """
    now = {one.key: one for one in after.policies}
    said = []
    for old in before.policies:
        new = now.get(old.key)
        if new is None:
            said.append(f"the safety policy {old.key} was dropped")
            continue
        said += [
            f"{name} of the safety policy {old.key} was {number:g} and is {new.settings[name]:g} now"
            for name, number in sorted(old.settings.items())
            if name in new.settings and new.settings[name] != number
        ]
    return tuple(said)


def _judged(evaluator: Evaluator, policy: CompiledPolicy, seen: Sequence[Snapshot]) -> Judgement:
    try:
        return judge(evaluator, policy, seen)[0]
    except EvaluatorError as error:
        return Judgement(Code.ERROR, Reason.EVALUATOR_UNAVAILABLE, f"it could not be judged: {error}")


class _SafetySettings(StrictModel):
    """Numbers of safety policies, by key."""

    version: Literal[1] = 1
    policies: dict[str, dict[Name, Number]] = Field(default_factory=dict)


def _read_settings(text: str, *, source: str) -> _SafetySettings:
    document = read_yaml(text, source=source)
    try:
        return _SafetySettings.model_validate({} if document.value is None else document.value)
    except ValidationError as error:
        raise SettingsError(describe(error, place=document.place, keys=known_keys(_SafetySettings))) from error


def _check_numbers(policy: CompiledPolicy, numbers: Mapping[str, float], *, where: str) -> None:
    declared = {parameter.name: parameter for parameter in policy.parameters}
    for name, value in numbers.items():
        if name not in declared:
            known = f"it declares {', '.join(sorted(declared))}" if declared else "it declares none"
            raise SettingsError(f"{where}.{name}: the policy declares no such parameter; {known}")
        if not declared[name].allows(value):
            raise SettingsError(f"{where}.{name}: {value:g} is out of the bounds that {policy.name} declares")


def _key(action: str | None, name: str) -> str:
    return name if action is None else f"{action}.{name}"
