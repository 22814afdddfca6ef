"""Both ConfigMaps in one file: what the operator loads, with the evidence behind it.

Same inputs, same bytes: no clock is read here, keys are sorted, numbers are written in one form. The file is read back
by the engine's own loader before it is given out, so what is written is what the operator will understand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kubernaut import __version__
from kubernaut.block_yaml import dump_document
from kubernaut.conditions.condition_set import ConditionSet, PolicyText, Shipped
from kubernaut.conditions.configmap_texts import check_size
from kubernaut.conditions.configmaps import CANDIDATE_SUFFIX, DEFAULT_NAMES, load_condition_sets
from kubernaut.conditions.custom_facts import DEFAULT_KINDS, FACTS_KEY
from kubernaut.conditions.settings_text import SETTINGS_KEY, dump_settings
from kubernaut.errors import SettingsError
from kubernaut.identity import ConditionId, Level
from kubernaut_simulator.estimation.rates import Rate
from kubernaut_simulator.tuning.result import ConditionDecision, Tuning

COMPONENTS: Mapping[Level, str] = {
    Level.STEP: "workflow-execution",
    Level.ACTION: "kubernetes-execution",
}
"""Guide 3.5.3: the label `component` of each ConfigMap."""

DEFAULT_NAMESPACE = "kubernaut-system"
ANNOTATIONS = "kubernaut.io"
MAX_ANNOTATIONS_BYTES = 256 * 1024
"""What Kubernetes takes: names and values of one object together."""

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
        One would be larger than the API server takes, or does not read back as what was tuned.
    """
    documents = []
    for level in Level:
        if level not in tuning.after:
            continue
        own = [one for one in tuning.decisions if one.condition.level is level]
        documents.append(_configmap(tuning.after[level].texts, own, tuning, namespace=namespace))
    text = "---\n".join(dump_document(document) for document in documents)
    _check_reads_back(text, tuning)
    return text


def _configmap(
    texts: ConditionSet, decisions: list[ConditionDecision], tuning: Tuning, *, namespace: str
) -> dict[str, Any]:
    name = DEFAULT_NAMES[texts.level]
    data = _data(texts)
    check_size(data, name=name)
    annotations = {
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
                "requiredTogether": _counted(tuning.together),
                "searchIncidents": tuning.split.search_incidents,
                "share": tuning.share,
                "target": tuning.target,
            }
        ),
    }
    _check_annotations(annotations, name=name)
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
            "annotations": annotations,
        },
        "data": data,
    }


def _check_annotations(annotations: Mapping[str, str], *, name: str) -> None:
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size > MAX_ANNOTATIONS_BYTES:
        raise SettingsError(
            f"{name}: {size:,} bytes of annotations; Kubernetes takes {MAX_ANNOTATIONS_BYTES:,}. "
            "Tune fewer conditions at a time (--action)"
        )


def _data(texts: ConditionSet) -> dict[str, str]:
    """Give every text of the set under its key, and those of the suite that ship with it.

    Nothing depends on what ships then, and nothing that was loaded is lost: a policy that settings.yaml does not name
    may be asked for by a custom resource.
    """
    shipped = {
        condition: text
        for condition, text in texts.policies.items()
        if condition not in texts.exact and condition.type not in texts.by_type
    }
    data = {SETTINGS_KEY: dump_settings(texts.settings)}
    data |= {_key(condition): text.source for condition, text in (shipped | dict(texts.exact)).items()}
    data |= {f"{type_}.rego": text.source for type_, text in texts.by_type.items()}
    data |= {_key(condition, CANDIDATE_SUFFIX): text.source for condition, text in texts.candidates.items()}
    data |= {f"{type_}{CANDIDATE_SUFFIX}.rego": text.source for type_, text in texts.candidates_by_type.items()}
    if texts.custom_facts.facts:
        facts = texts.custom_facts.model_dump(mode="json", by_alias=True, exclude_unset=True)
        data[FACTS_KEY] = dump_document({"version": texts.custom_facts.version, **facts})
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
        if one.gate.unlabelled:
            found |= {
                "judged": f"{one.gate.judged.k}/{one.gate.judged.n}",
                "unlabelledStops": one.gate.unlabelled,
            }
    if one.timeout is not None:
        found["timeout"] = one.timeout.recommendation.text()
    return found


def _counted(found: Rate) -> dict[str, Any]:
    return {"stopped": f"{found.k}/{found.n}", "upper95": _rounded(found.upper)}


def _check_reads_back(text: str, tuning: Tuning) -> None:
    """Read the text as the operator will, without anything that ships, and compare with what was tuned."""
    sets = load_condition_sets(text, source="export", shipped=Shipped(), allowed_kinds=_kinds(tuning))
    for level, one in tuning.after.items():
        written, read = one.texts, sets[level]
        same = (
            read.settings == written.settings
            and read.custom_facts == written.custom_facts
            and dict(read.libraries) == dict(written.libraries)
            and all(_source(read.policy(name)) == _source(written.policy(name)) for name in written.suite)
            and all(_source(read.candidate(name)) == _source(written.candidate(name)) for name in written.suite)
        )
        if not same:
            raise SettingsError(
                f"the exported {DEFAULT_NAMES[level]} does not read back as what was tuned; nothing was written"
            )


def _kinds(tuning: Tuning) -> frozenset[str]:
    """Give the kinds that custom facts name: which are allowed was decided where they were loaded."""
    facts = [fact for one in tuning.after.values() for fact in one.texts.custom_facts.facts.values()]
    return frozenset({*DEFAULT_KINDS, *(fact.kind for fact in facts if fact.kind)})


def _source(text: PolicyText | None) -> str | None:
    return None if text is None else text.source


def _rounded(value: float) -> float:
    return float(f"{value:.{_SIGNIFICANT_DIGITS}g}")


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
