"""The block budgets of all conditions, kept in one ConfigMap so that a restart does not forget what was spent.

What is counted and when a budget is spent is `kubernaut.enforcement.budget`. A condition's counts belong to its terms:
another policy, other times, settings or another promise begin anew. Counting may lag behind a crash by one incident,
which costs the test a little power and nobody a remediation.
"""

import json
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kubernaut.conditions.compiled_set import hypothesis_digest
from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.enforcement.budget import BudgetState, count_incident, current_budget
from kubernaut.errors import ConflictError, InputError, NotFoundError
from kubernaut.identity import ConditionId
from kubernaut.verification.status_json import moment_of, rfc3339
from kubernaut_operator.kernel.api import Api, Manifest
from kubernaut_operator.kernel.resources import Resource

CONFIG_MAPS = Resource(group="", version="v1", plural="configmaps", kind="ConfigMap")

TRIES = 5
"""Of a write that others keep overtaking: only a person edits this ConfigMap beside the leader."""


class BlockBudgets:
    """Counts enforced incidents against what history promised.

    Parameters
    ----------
    namespace, name : str
        Of the ConfigMap; made when first needed.
    """

    def __init__(self, api: Api, *, namespace: str, name: str = "kubernaut-block-budgets") -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._lock = threading.Lock()
        self._object: Manifest | None = None

    def spent(self, condition: ResolvedCondition, *, limit: float | None) -> bool:
        """Say whether a condition is set back to warn.

        Parameters
        ----------
        limit : float or None
            `evidence.blockRate.upper` of its settings; None: nothing was promised.

        Raises
        ------
        ApiError
            The counts cannot be read.
        """
        if limit is None:
            return False
        with self._lock:
            state = self._state(condition, limit=limit)
        return state is not None and state.is_spent

    def count(
        self, condition: ResolvedCondition, *, limit: float | None, incident_id: str, blocked: bool, now: datetime
    ) -> BudgetState | None:
        """Count one incident in which the condition was enforced.

        Returns
        -------
        BudgetState or None
            The budget where this incident has just spent it.

        Raises
        ------
        ApiError
            The counts cannot be read or written.
        """
        if limit is None:
            return None
        with self._lock:
            for _ in range(TRIES):
                before = self._state(condition, limit=limit)
                if before is None:
                    return None
                after = count_incident(before, incident_id=incident_id, blocked=blocked, now=now)
                if after == before:
                    return None
                try:
                    self._write(condition, after)
                except ConflictError:
                    self._object = None
                    continue
                return after if after.is_spent else None
        raise ConflictError(f"somebody else keeps writing the ConfigMap {self._namespace}/{self._name}")

    def kept(self) -> Mapping[ConditionId, BudgetState]:
        """Give what was counted, as far as this process has read it: for metrics, without asking the API server."""
        data = (self._object or {}).get("data") or {}
        states = {_condition(key): _from_json(text) for key, text in data.items()}
        return {condition: state for condition, state in states.items() if condition is not None and state is not None}

    def _state(self, condition: ResolvedCondition, *, limit: float) -> BudgetState | None:
        if self._object is None:
            self._object = self._read()
        text = (self._object.get("data") or {}).get(_key(condition))
        return current_budget(
            None if text is None else _from_json(text),
            policy_digest=condition.policy_digest,
            settings_digest=hypothesis_digest(condition),
            limit=limit,
        )

    def _read(self) -> Manifest:
        try:
            return self._api.get(CONFIG_MAPS, self._name, self._namespace)
        except NotFoundError:
            labels = {"app.kubernetes.io/managed-by": "kubernaut"}
            metadata = {"name": self._name, "namespace": self._namespace, "labels": labels}
            return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}

    def _write(self, condition: ResolvedCondition, state: BudgetState) -> None:
        kept = self._object or self._read()
        changed = {**kept, "data": {**(kept.get("data") or {}), _key(condition): _to_json(state)}}
        if "resourceVersion" in kept["metadata"]:
            self._object = self._api.replace(CONFIG_MAPS, changed)
        else:
            self._object = self._api.create(CONFIG_MAPS, changed, self._namespace)


def _key(condition: ResolvedCondition) -> str:
    """Give a condition's key: a ConfigMap's keys know no slash."""
    return str(condition.id).replace("/", ".")


def _condition(key: str) -> ConditionId | None:
    """Read a key back; None for one that somebody else wrote."""
    try:
        return ConditionId.parse(key.replace(".", "/"))
    except InputError:
        return None


def _to_json(state: BudgetState) -> str:
    return json.dumps(
        {
            "hypothesis": state.hypothesis,
            "limit": state.limit,
            "incidents": state.incidents,
            "blocks": state.blocks,
            "recent": list(state.recent),
            "spentAt": None if state.spent_at is None else rfc3339(state.spent_at),
        }
    )


def _from_json(text: str) -> BudgetState | None:
    """Read a budget; None where somebody wrote something else, so that it begins anew."""
    try:
        raw: dict[str, Any] = json.loads(text)
        return BudgetState(
            hypothesis=str(raw["hypothesis"]),
            limit=float(raw["limit"]),
            incidents=int(raw["incidents"]),
            blocks=int(raw["blocks"]),
            recent=tuple(str(one) for one in raw["recent"]),
            spent_at=None if raw["spentAt"] is None else moment_of(raw["spentAt"]),
        )
    except (ValueError, KeyError, TypeError, InputError):
        return None
