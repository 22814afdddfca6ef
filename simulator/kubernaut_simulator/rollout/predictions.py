"""What an export promised, read from its own file: how often each condition stops, how often wrongly, when it passes.

Block rates and times stand in settings.yaml, where the engine reads them; false stops and the window of the history
behind them in the annotations of the same ConfigMap. Nothing is computed anew: a prediction that is made today from
what has happened since is none. This module knows files and numbers; whether they came true is `comparing`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from kubernaut_simulator.rollout.exported import exported
from kubernaut_simulator.tuning.provenance import COUNTED, EVIDENCE, HISTORY_WINDOW, written_configmaps

if TYPE_CHECKING:
    from kubernaut_simulator.replay.tasks import Conditions

P95 = 0.95
"""Share of the good runs that pass within the predicted time."""

_UNTIL = re.compile(r" to (\d{4}-\d{2}-\d{2} \d{2}:\d{2}) UTC$")


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
    evidence: dict[str, Any] = {}
    ends: list[pd.Timestamp] = []
    for one in written_configmaps(text, source=source).values():
        evidence |= one.json(EVIDENCE)
        until = _UNTIL.search(one.annotations.get(HISTORY_WINDOW, ""))
        if until:
            # The window is written in whole minutes: the last run may have started within that one.
            ends.append(pd.Timestamp(until[1], tz="UTC") + pd.Timedelta(minutes=1))
    return Predictions(history_until=max(ends, default=None), of=dict(_predictions(conditions, evidence)))


def _predictions(conditions: Conditions, evidence: Mapping[str, Any]) -> Iterator[tuple[str, Prediction]]:
    for condition, settings, one in exported(conditions):
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
    found = COUNTED.fullmatch(str(evidence.get("falseStops", ""))) if isinstance(evidence, dict) else None
    if found is None or int(found[2]) == 0:
        return None
    return Count(k=int(found[1]), n=int(found[2]))
