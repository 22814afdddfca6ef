"""What an export promised, read from its own file: how often each condition stops, how often wrongly, when it passes.

Block rates and times stand in settings.yaml, where the engine reads them; false stops and the window of the history
behind them in the annotations of the same ConfigMap. Nothing is computed anew: a prediction that is made today from
what has happened since is none. This module knows files and numbers; whether they came true is `comparing`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from kubernaut.conditions.configmaps import DEFAULT_NAMES
from kubernaut.conditions.yaml_text import read_yaml_documents
from kubernaut.errors import InputError
from kubernaut_simulator.tuning.export import ANNOTATIONS

if TYPE_CHECKING:
    from kubernaut_simulator.replay.tasks import Conditions

P95 = 0.95
"""Share of the good runs that pass within the predicted time."""

_UNTIL = re.compile(r" to (\d{4}-\d{2}-\d{2} \d{2}:\d{2}) UTC$")
_COUNTED = re.compile(r"(\d+)/(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """K of n; n is at least 1."""

    k: int
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What was promised of one condition; None where nothing was.

    Attributes
    ----------
    stopped : Count or None
        Incidents that it would stop, good or not.
    false_stops : Count or None
        Good incidents that it would stop.
    p95_s : float or None, unit s
        By then 95 % of the good runs had passed.
    timed : int
        Good runs behind `p95_s`.
    timeout_s : float, unit s
        What the file sets.
    policy_digest : str or None
        Of the policy that it was made with; None: not compared.
    """

    stopped: Count | None
    false_stops: Count | None
    p95_s: float | None
    timed: int
    timeout_s: float
    policy_digest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """What one export promised.

    Attributes
    ----------
    history_until : Timestamp or None
        Runs that started up to then made the predictions and cannot confirm them; None: the file does not say.
    of : mapping of str to Prediction
        By the condition's identity.
    """

    history_until: pd.Timestamp | None
    of: Mapping[str, Prediction]


def predictions_of(text: str, conditions: Conditions, *, source: str = "export") -> Predictions:
    """Read what an export promised.

    Parameters
    ----------
    text : str
        Of the file: one or both ConfigMaps, or what `kubectl get -o yaml` gives of them.
    conditions : mapping of Level to CompiledSet
        The same file, loaded.

    Raises
    ------
    InputError
        An annotation cannot be read.
    """
    annotations = [found for one in _objects(text, source=source) if (found := _annotations(one))]
    evidence: dict[str, Any] = {}
    ends: list[pd.Timestamp] = []
    for found in annotations:
        evidence |= _json(found.get(f"{ANNOTATIONS}/evidence", "{}"), source=source)
        until = _UNTIL.search(found.get(f"{ANNOTATIONS}/history-window", ""))
        if until:
            # The window is written in whole minutes: the last run may have started within that one.
            ends.append(pd.Timestamp(until[1], tz="UTC") + pd.Timedelta(minutes=1))
    return Predictions(history_until=max(ends, default=None), of=dict(_predictions(conditions, evidence)))


def _predictions(conditions: Conditions, evidence: Mapping[str, Any]) -> Iterator[tuple[str, Prediction]]:
    for level, one in conditions.items():
        for condition in one.texts.settings.condition_ids(level):
            settings = one.texts.settings.effective(condition)
            if settings is None:
                continue
            said = settings.evidence
            block = None if said is None else said.block_rate
            times = None if said is None else said.time_to_pass
            policy = one.policies.get(condition)
            yield (
                str(condition),
                Prediction(
                    stopped=None if block is None else Count(k=round(block.predicted * block.n), n=block.n),
                    false_stops=_counted(evidence.get(str(condition))),
                    p95_s=None if times is None else times.p95_s,
                    timed=0 if times is None else times.n,
                    timeout_s=settings.timeout_s,
                    policy_digest=None if policy is None else policy.digest,
                ),
            )


def _counted(evidence: Any) -> Count | None:
    found = _COUNTED.fullmatch(str(evidence.get("falseStops", ""))) if isinstance(evidence, dict) else None
    if found is None or int(found[2]) == 0:
        return None
    return Count(k=int(found[1]), n=int(found[2]))


def _objects(text: str, *, source: str) -> Iterator[Mapping[str, Any]]:
    for document in read_yaml_documents(text, source=source):
        value = document.value
        if isinstance(value, dict):
            items = value.get("items") if str(value.get("kind", "")).endswith("List") else [value]
            yield from (one for one in items or [] if isinstance(one, dict))


def _annotations(item: Mapping[str, Any]) -> Mapping[str, str]:
    metadata = item.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("name") not in DEFAULT_NAMES.values():
        return {}
    found = metadata.get("annotations")
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _json(text: str, *, source: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InputError(
            f"{source}: the annotation {ANNOTATIONS}/evidence is not JSON ({error}); export the ConfigMaps anew"
        ) from error
    return found if isinstance(found, dict) else {}
