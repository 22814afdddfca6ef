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
from kubernaut_simulator.tuning.previous import Replaced, configmap_object
from kubernaut_simulator.tuning.provenance import (
    EVIDENCE,
    HISTORY_DIGEST,
    HISTORY_WINDOW,
    PREVIOUS,
    TOOL_VERSION,
    TUNING,
    WrittenConfigMap,
)
from kubernaut_simulator.tuning.result import ConditionDecision, Tuning

DEFAULT_NAMESPACE = "kubernaut-system"
MAX_ANNOTATIONS_BYTES = 256 * 1024
"""What Kubernetes takes: names and values of one object together."""

VERSION_LENGTH = 12
"""Of the set's digest, as the label `version` has it."""

_SIGNIFICANT_DIGITS = 6


def configmaps_of(
    tuning: Tuning,
    *,
    namespace: str = DEFAULT_NAMESPACE,
    replaced: Mapping[Level, WrittenConfigMap] | None = None,
) -> str:
    """Write a tuning as ConfigMaps.

    Parameters
    ----------
    namespace : str
        Where the operator looks for them.
    replaced : mapping of Level to WrittenConfigMap, or None
        What was tuned as it stands in its file, so that the way back leads to its very bytes. Without one, to the
        conditions that were tuned.

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
        documents.append(
            _configmap(own, tuning, level=level, namespace=namespace, replaced=(replaced or {}).get(level))
        )
    text = "---\n".join(dump_document(document) for document in documents)
    _check_reads_back(text, tuning)
    return text


def _configmap(
    decisions: list[ConditionDecision],
    tuning: Tuning,
    *,
    level: Level,
    namespace: str,
    replaced: WrittenConfigMap | None,
) -> dict[str, Any]:
    texts, name = tuning.after[level].texts, DEFAULT_NAMES[level]
    data = _data(texts)
    check_size(data, name=name)
    before = tuning.before[level].texts
    previous = Replaced(
        version=(replaced and replaced.version) or before.digest[:VERSION_LENGTH],
        data=_data(before) if replaced is None else replaced.data,
        traced={} if replaced is None else replaced.traced,
    )
    annotations = {
        EVIDENCE: _compact({str(one.condition): _evidence(one, tuning) for one in decisions}),
        HISTORY_DIGEST: tuning.history_digest,
        HISTORY_WINDOW: tuning.replay.window,
        PREVIOUS: _compact(previous.kept_in(data)),
        TOOL_VERSION: __version__,
        TUNING: _compact(
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
    return configmap_object(
        level,
        data,
        name=name,
        namespace=namespace,
        version=texts.digest[:VERSION_LENGTH],
        annotations=annotations,
    )


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


def _evidence(one: ConditionDecision, tuning: Tuning) -> dict[str, Any]:
    policy = tuning.after[one.condition.level].policies[one.condition]
    found: dict[str, Any] = {
        "incidents": one.incidents,
        "policy": policy.digest,
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
