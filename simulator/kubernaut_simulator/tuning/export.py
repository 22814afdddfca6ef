"""Both ConfigMaps in one file: what the operator loads, with the evidence behind it.

Same inputs, same bytes: no clock is read here, keys are sorted, numbers are written in one form. The file is read back
by the engine's own loader before it is given out, so what is written is what the operator will understand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from kubernaut import __version__
from kubernaut.conditions.compiled_set import CompiledSet
from kubernaut.conditions.condition_set import ConditionSet, Shipped
from kubernaut.conditions.configmaps import DEFAULT_NAMES, check_size, load_condition_sets
from kubernaut.conditions.settings_text import SETTINGS_KEY, dump_settings
from kubernaut.errors import SettingsError
from kubernaut.identity import ConditionId, Level
from kubernaut_simulator.tuning.result import ConditionDecision, Tuning

COMPONENTS: Mapping[Level, str] = {
    Level.STEP: "workflow-execution",
    Level.ACTION: "kubernetes-execution",
}
"""Guide 3.5.3: the label `component` of each ConfigMap."""

DEFAULT_NAMESPACE = "kubernaut-system"
ANNOTATIONS = "kubernaut.io"
_SIGNIFICANT_DIGITS = 6


def configmaps_of(tuning: Tuning, *, namespace: str = DEFAULT_NAMESPACE) -> str:
    """Write a tuning as ConfigMaps.

    Parameters
    ----------
    namespace : str
        Where the operator looks for them.

    Returns
    -------
    str
        Two YAML documents, step level first.

    Raises
    ------
    SettingsError
        One would be larger than the API server takes.
    """
    documents = []
    for level in Level:
        if level not in tuning.after:
            continue
        own = [one for one in tuning.decisions if one.condition.level is level]
        documents.append(_configmap(tuning.after[level], own, tuning, namespace=namespace))
    text = "---\n".join(_dump(document) for document in documents)
    _read_back(text, tuning)
    return text


def _configmap(
    level: CompiledSet, decisions: list[ConditionDecision], tuning: Tuning, *, namespace: str
) -> dict[str, Any]:
    texts = level.texts
    name = DEFAULT_NAMES[texts.level]
    data = _data(texts)
    check_size(data, name=name)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {
                "app": "kubernaut",
                "component": COMPONENTS[texts.level],
                "version": texts.digest[:12],
            },
            "annotations": {
                f"{ANNOTATIONS}/evidence": _compact({str(one.condition): _evidence(one) for one in decisions}),
                f"{ANNOTATIONS}/history-digest": tuning.history_digest,
                f"{ANNOTATIONS}/history-window": tuning.replay.window,
                f"{ANNOTATIONS}/tool-version": __version__,
                f"{ANNOTATIONS}/tuning": _compact(
                    {
                        "alpha": tuning.alpha,
                        "candidatesCompared": tuning.split.candidates_compared,
                        "cutAt": tuning.split.cut_at.isoformat(),
                        "gateIncidents": tuning.split.gate_incidents,
                        "searchIncidents": tuning.split.search_incidents,
                        "share": tuning.share,
                        "target": tuning.target,
                    }
                ),
            },
        },
        "data": data,
    }


def _data(texts: ConditionSet) -> dict[str, str]:
    """Give every text that the set's suite needs under its exact key, so that nothing depends on what ships."""
    data = {SETTINGS_KEY: dump_settings(texts.settings)}
    for condition in texts.suite:
        policy, candidate = texts.policy(condition), texts.candidate(condition)
        if policy is not None:
            data[_key(condition)] = policy.source
        if candidate is not None:
            data[_key(condition, "@candidate")] = candidate.source
    return data | dict(texts.libraries)


def _key(condition: ConditionId, suffix: str = "") -> str:
    return f"{condition.action}.{condition.phase.value}.{condition.type}{suffix}.rego"


def _evidence(one: ConditionDecision) -> dict[str, Any]:
    found: dict[str, Any] = {
        "incidents": one.incidents,
        "required": one.after.required,
        "why": one.why,
    }
    if one.gate is not None:
        found |= {
            "falseStops": f"{one.gate.stops.k}/{one.gate.stops.n}",
            "upper95": _rounded(one.gate.stops.upper),
            "method": one.gate.stops.method,
            "pAdjusted": _rounded(one.gate.p_adjusted),
            "version": one.gate.hypothesis.version,
        }
    if one.timeout is not None:
        found["timeout"] = one.timeout.recommendation.text()
    return found


def _read_back(text: str, tuning: Tuning) -> None:
    sets = load_condition_sets(text, source="export", shipped=Shipped())
    for level, one in tuning.after.items():
        if sets[level].settings != one.texts.settings:
            raise SettingsError(
                f"the exported {DEFAULT_NAMES[level]} does not read back as what was tuned; nothing was written"
            )


def _rounded(value: float) -> float:
    return float(f"{value:.{_SIGNIFICANT_DIGITS}g}")


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, so that a person can read the Rego."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def _dump(document: Mapping[str, Any]) -> str:
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=120)
    return text
