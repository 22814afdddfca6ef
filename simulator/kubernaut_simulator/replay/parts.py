"""A history that is too large to be held, replayed part by part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubernaut.history.rows import RowKind
from kubernaut.policy.batch import Evaluator
from kubernaut_simulator.estimation.votes import LABEL_AGE_S
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.history.columns import joined
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.newest import newest
from kubernaut_simulator.progress import Progress, silent
from kubernaut_simulator.replay.replay import Replay
from kubernaut_simulator.replay.replaying import Part, Replaying
from kubernaut_simulator.replay.tasks import Conditions
from kubernaut_simulator.replay.workers import workers_or

KEPT_COLUMNS = frozenset(
    (
        "recorded_at", "cluster_uid", "incident_id", "workflow_uid", "execution_uid", "step", "purpose", "action",
        "level", "phase", "type", "candidate", "policy_digest", "settings_digest", "validation_enabled", "required",
        "enforced", "bucket", "percent", "p_ran", "overridden", "verdict", "reason", "started_at", "timeout_s",
        "hold_for_s", "time_to_pass_s", "time_to_pass_lower_s", "observed_until", "namespace", "target_kind",
        "target_name", "environment", "source", "why_not", "certain", "recorded_verdict", "recorded_digest",
    )
)  # fmt: skip
"""What stays of an evaluation when a history is replayed in parts."""


def replay_parts(
    parts: Iterable[History],
    conditions: Conditions | None = None,
    *,
    evaluator: Evaluator | None = None,
    fold: bool = True,
    progress: Progress = silent,
    label_age_s: float = LABEL_AGE_S,
) -> Replay:
    """Judge a history again that is too large to be held, part by part; what is judged in one is known in the next.

    Parameters
    ----------
    parts : iterable of History
        Each with its evaluations' attempts and policies, e.g. one a week; loaded when it is its turn:
        ``replay_parts(History.load(folder) for folder in folders)``. Incidents may go from one into the next.
        Every row is in one part only, in its newest form.

    Returns
    -------
    Replay
        Its history has no attempts, and of evaluations the columns that estimates need (`KEPT_COLUMNS`).

    Raises
    ------
    HistoryError
        There are no evaluations, or none of the conditions was ever recorded.
    EvaluatorError
        The evaluator cannot be started.
    """
    kept: dict[RowKind, list[ArrowTable]] = {kind: [] for kind in RowKind}

    def taken() -> Iterator[Part]:
        for history in parts:
            for kind in (RowKind.EXECUTIONS, RowKind.WORKFLOWS, RowKind.POLICIES):
                kept[kind].append(history.table(kind))
            yield Part(evaluations=history.evaluations, attempts=history.attempts, policies=history.policies)

    with workers_or(evaluator) as by, Replaying(by, conditions, fold=fold) as replaying:
        slim = [
            table.select([name for name in table.column_names if name in KEPT_COLUMNS])
            for table in replaying.replay(taken(), progress=progress)
        ]
        evaluations = replaying.joined(slim)
    tables = {kind: newest(joined(kind, tables)).table for kind, tables in kept.items() if tables}
    return Replay(source=History(tables), rows=evaluations, conditions=conditions, label_age_s=label_age_s)
