"""What a row is about, as one deterministic name.

``record_id`` is the first 32 hexadecimal digits of the SHA-256 of a JSON list of texts: the kind of row, then
the cluster UID, the workflow UID (the execution UID where no workflow owns the run), step, purpose, level,
phase, type and slot, as far as the kind has them. A JSON list, because joined texts could meet (``a/b`` +
``c`` and ``a`` + ``b/c``). The same run written twice, by another leader or after a restart, gets the same
name; that is how a newer row replaces an older one.

Nothing here knows rows, files or clocks.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache

from kubernaut.errors import HistoryError
from kubernaut.history.rows import Purpose, RowKind
from kubernaut.identity import ConditionId, Level, Phase

ID_HEX_DIGITS = 32
"""128 bits: among 10^12 rows the chance that any two meet is below 10^-14."""

CANDIDATE_SUFFIX = "@candidate"
"""A challenger is named as its file is: ``<type>@candidate``."""


_WRITER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True)


def digest_of(*parts: str) -> str:
    """Give the record id of `parts`; which parts a kind has is said by the functions below."""
    return hashlib.sha256(_WRITER.encode(parts).encode()).hexdigest()[:ID_HEX_DIGITS]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKey:
    """One run of one step, from which its rows take their ids.

    Attributes
    ----------
    cluster_uid : str
        UID of the namespace ``kube-system``.
    workflow_uid : str
        Empty when no workflow owns the run.
    execution_uid : str
        Used only when `workflow_uid` is empty.
    step : int
        0 for a run of its own.
    purpose : Purpose

    Raises
    ------
    HistoryError
        Neither a workflow nor an execution is named: such rows would replace one another.
    """

    cluster_uid: str
    workflow_uid: str
    execution_uid: str
    step: int
    purpose: Purpose = Purpose.FORWARD

    def __post_init__(self) -> None:
        if not (self.workflow_uid or self.execution_uid):
            raise HistoryError(
                "a run needs a workflow UID or an execution UID; rows without either cannot be told apart"
            )

    def _parts(self) -> tuple[str, str, str, str]:
        return (self.cluster_uid, self.workflow_uid or self.execution_uid, str(self.step), self.purpose.value)

    @property
    def run_uid(self) -> str:
        """What rows of both levels call the run: of a workflow's step its place there, even if it never got to run."""
        if not self.workflow_uid:
            return self.execution_uid
        step = f"{self.workflow_uid}/{self.step}"
        return step if self.purpose is Purpose.FORWARD else f"{step}/{self.purpose.value}"

    def execution_id(self) -> str:
        """Give the id of the run's `ExecutionRow`."""
        return digest_of(RowKind.EXECUTIONS.value, *self._parts())

    @lru_cache(maxsize=256)  # noqa: B019 - a run is a value, and few are kept
    def evaluation_id(self, level: Level, phase: Phase, type_: str, *, candidate: bool = False) -> str:
        """Give the id of the `EvaluationRow` of one condition of the run."""
        return digest_of(RowKind.EVALUATIONS.value, *self._condition_parts(level, phase, type_, candidate=candidate))

    def attempt_id(self, level: Level, phase: Phase, type_: str, *, slot: int, candidate: bool = False) -> str:
        """Give the id of the `AttemptRow` of one look at one condition of the run."""
        parts = self._condition_parts(level, phase, type_, candidate=candidate)
        return digest_of(RowKind.ATTEMPTS.value, *parts, str(slot))

    def _condition_parts(self, level: Level, phase: Phase, type_: str, *, candidate: bool) -> tuple[str, ...]:
        named = type_ + (CANDIDATE_SUFFIX if candidate else "")
        return (*self._parts(), level.value, phase.value, named)


def workflow_id(*, cluster_uid: str, workflow_uid: str) -> str:
    """Give the id of a `WorkflowRow`."""
    return digest_of(RowKind.WORKFLOWS.value, cluster_uid, workflow_uid)


def policy_id(condition: ConditionId, *, digest: str, candidate: bool = False) -> str:
    """Give the id of a `PolicyRow`: one source in one condition's place, whatever the cluster."""
    named = condition.type + (CANDIDATE_SUFFIX if candidate else "")
    place = (condition.action, condition.level.value, condition.phase.value, named)
    return digest_of(RowKind.POLICIES.value, *place, digest)
