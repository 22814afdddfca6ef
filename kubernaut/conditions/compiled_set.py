"""A condition set whose policies compile and whose numbers fit what the policies declare.

Compiling a whole set when it is loaded, and not a policy when a run needs it, is what lets a bad ConfigMap be
refused while the last good one stays in force. Who compiles is an argument: the engine's compiler with the
facts that are known there, or a stand-in.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Protocol

from kubernaut.conditions.condition_set import ConditionSet, PolicyText
from kubernaut.conditions.custom_facts import FACTS_KEY, CustomFacts
from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.durations import format_duration
from kubernaut.errors import SettingsError
from kubernaut.identity import ConditionId

if TYPE_CHECKING:
    from kubernaut.policy.compiled import CompiledPolicy


class Compile(Protocol):
    """Turns a policy's text into a checked policy; `compile_policy` with its known facts filled in."""

    def __call__(self, source: str, *, name: str, libraries: Mapping[str, str]) -> "CompiledPolicy":
        """Compile.

        Raises
        ------
        PolicyError
            The text cannot be used; with file and line.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledSet:
    """One level's conditions, ready to be judged.

    Attributes
    ----------
    texts : ConditionSet
        What it was made of.
    policies : mapping of ConditionId to CompiledPolicy
        Of every condition that the settings name.
    candidates : mapping of ConditionId to CompiledPolicy
        Challengers of those.
    warnings : tuple of str
        What of the texts was ignored, and custom facts that a policy reads and facts.yaml does not define: a live
        run will not have them, recorded ones may.
    """

    texts: ConditionSet
    policies: Mapping[ConditionId, "CompiledPolicy"] = field(repr=False)
    candidates: Mapping[ConditionId, "CompiledPolicy"] = field(repr=False)
    warnings: tuple[str, ...] = ()


def compile_set(conditions: ConditionSet, compile_: Compile, *, action: str | None = None) -> CompiledSet:
    """Compile every policy and challenger of a set's suite and check the settings' numbers against them.

    Parameters
    ----------
    action : str or None
        The one action that will be asked about, for who knows it; the others' policies are not compiled. None means
        all, as whoever takes a set over from somebody must.

    Raises
    ------
    PolicyError
        A policy cannot be used.
    SettingsError
        A number that no policy declares, or one out of the declared bounds.
    """
    policies: dict[ConditionId, CompiledPolicy] = {}
    candidates: dict[ConditionId, CompiledPolicy] = {}
    for condition in conditions.suite:
        if action not in (None, condition.action):
            continue
        text = conditions.policy(condition)
        if text is None:
            raise SettingsError(f"settings.yaml names {condition}, but there is no policy for it")
        policies[condition] = compile_text(text, conditions, compile_)
        challenger = conditions.candidate(condition)
        if challenger is not None:
            candidates[condition] = compile_text(challenger, conditions, compile_)
        for environment in ("", *sorted(conditions.settings.environments)):
            effective = conditions.settings.effective(condition, environment=environment)
            if effective is not None:
                where = f"{condition} in environment {environment}" if environment else str(condition)
                known = [policies[condition], *([candidates[condition]] if challenger else [])]
                _check_numbers(effective.settings, known, where=where)
    compiled = [*policies.values(), *candidates.values()]
    warnings = (*conditions.warnings, *_undefined_facts(compiled, conditions.custom_facts))
    return CompiledSet(texts=conditions, policies=policies, candidates=candidates, warnings=warnings)


def _undefined_facts(policies: "Iterable[CompiledPolicy]", facts: CustomFacts) -> Iterator[str]:
    for policy in {one.name: one for one in policies}.values():
        read = {path[1] for path in policy.reads if len(path) > 1 and path[0] == "custom"}
        for name in sorted(read - set(facts.facts)):
            close = get_close_matches(name, facts.facts, n=1, cutoff=0.6)
            hint = f"; did you mean `{close[0]}`?" if close else ""
            yield f"{policy.name}: reads input.custom.{name}, which {FACTS_KEY} does not define{hint}"


def compile_text(text: PolicyText, conditions: ConditionSet, compile_: Compile) -> "CompiledPolicy":
    """Compile one text of a set with the set's libraries."""
    return compile_(text.source, name=text.name, libraries=conditions.libraries)


def filled_settings(policy: "CompiledPolicy", numbers: Mapping[str, float]) -> dict[str, float]:
    """Give what the policy reads as `input.settings`: its declared parameters, defaults filled in.

    Whole numbers are integers, so that 2 and 2.0 are one setting, and a message says "2 pods".
    """
    return {parameter.name: _whole(numbers.get(parameter.name, parameter.default)) for parameter in policy.parameters}


def _whole(number: float) -> float:
    return int(number) if float(number).is_integer() else number


def hypothesis_digest(condition: ResolvedCondition) -> str:
    """Give the sha256 (hex) of what, beside the policy, can change this condition's verdict.

    Notes
    -----
    Times and `settings` are in it; `required` and the rollout percentage are not, because enforcement decides
    what a verdict does and never what it is. Evidence gathered under one digest does not count for another.
    """
    content = {
        "timeout": format_duration(condition.timeout_s),
        "pollInterval": None if condition.poll_interval_s is None else format_duration(condition.poll_interval_s),
        "holdFor": format_duration(condition.hold_for_s),
        "settings": {name: float(value) for name, value in condition.settings.items()},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _check_numbers(numbers: Mapping[str, float], policies: "list[CompiledPolicy]", *, where: str) -> None:
    declared = {parameter.name for policy in policies for parameter in policy.parameters}
    for name, value in numbers.items():
        if name not in declared:
            known = f"it declares {', '.join(sorted(declared))}" if declared else "it declares none"
            raise SettingsError(f"{where}: settings.{name}: the policy declares no such parameter; {known}")
        for policy in policies:
            for parameter in policy.parameters:
                if parameter.name == name and not parameter.allows(value):
                    raise SettingsError(
                        f"{where}: settings.{name}: {value:g} is out of the bounds that "
                        f"{policy.name} declares ({_bound(parameter.minimum)} to {_bound(parameter.maximum)})"
                    )


def _bound(value: float | None) -> str:
    return "any" if value is None else f"{value:g}"
