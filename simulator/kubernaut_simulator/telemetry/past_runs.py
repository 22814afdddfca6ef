"""Runs that happened: from a file of incidents, or from a history's own rows.

A file has one line a run: `action`, `target`, `started_at`, `finished_at`, `outcome`, as CSV with a header or JSON
Lines. Instants need a time zone. A bad line is set aside and reported with its number, never guessed at.
"""

import csv
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from kubernaut.actions.catalogue import ACTIONS
from kubernaut.errors import HistoryError, InputError
from kubernaut.facts.objects import Target
from kubernaut.facts.workloads import DEPLOYMENT, POD
from kubernaut.history.ids import RunKey, digest_of, workflow_id
from kubernaut.history.rows import ExecutionRow, Outcome, OutcomeSource, RowKind, WorkflowRow
from kubernaut.json_types import JsonObject
from kubernaut.kubernetes_names import is_namespace, is_object_name
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.problems import Problem, ProblemKind, Problems
from kubernaut_simulator.instants import parse_instant

CLUSTER = "telemetry"
"""Stands for the cluster's UID, which a file of incidents does not tell."""

STEP = 1
NEEDED = ("action", "target", "started_at")
KNOWN = (
    *NEEDED,
    "finished_at",
    "outcome",
    "outcome_source",
    "outcome_at",
    "incident_id",
    "detected_at",
    "replicas",
    "parameters",
    "environment",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One run: what was done to what, when, and what became of it.

    Attributes
    ----------
    execution : ExecutionRow
        `action_ended_at` is where the time of postconditions begins; None when the action never ran.
    workflow : WorkflowRow or None
        With the outcome; None where a history has none.
    """

    execution: ExecutionRow
    workflow: WorkflowRow | None

    @property
    def target(self) -> Target:
        """What was acted on."""
        row = self.execution
        return Target(kind=row.target_kind, namespace=row.namespace, name=row.target_name)

    @property
    def detected_at(self) -> datetime | None:
        """When somebody saw that something is wrong."""
        return None if self.workflow is None else self.workflow.detected_at


def runs_of(history: History) -> list[PastRun]:
    """Give the forward runs of a history, with their workflows."""
    workflows = {row.workflow_uid: row for row in history.rows(RowKind.WORKFLOWS) if isinstance(row, WorkflowRow)}
    rows = [row for row in history.rows(RowKind.EXECUTIONS) if isinstance(row, ExecutionRow)]
    return [
        PastRun(execution=row, workflow=workflows.get(row.workflow_uid))
        for row in sorted(rows, key=lambda row: (row.started_at, row.record_id))
        if row.purpose == "forward" and not row.dry_run
    ]


def read_runs(path: Path | str, *, problems: Problems) -> list[PastRun]:
    """Read a file of incidents.

    Parameters
    ----------
    path : Path or str
        ``.csv`` is CSV, everything else JSON Lines.
    problems : Problems
        Told of lines that are set aside.

    Raises
    ------
    HistoryError
        No such file, a missing or unknown column, or no line that can be used.
    """
    runs = []
    for number, line in _lines(Path(path)):
        try:
            runs.append(_run(line))
        except InputError as error:
            problems.add(Problem(kind=ProblemKind.BAD_ROW, file=str(path), place=number, message=str(error), rows=1))
    if not runs:
        raise HistoryError(f"{path}: no line that can be used; each needs {', '.join(NEEDED)}")
    return runs


def _lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8").removeprefix("\ufeff")
    except OSError as error:
        raise HistoryError(f"{path}: {error.strerror}; check the path") from error
    except UnicodeDecodeError as error:
        raise HistoryError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    if path.suffix == ".csv":
        reader = csv.DictReader(text.splitlines())
        _check_columns(tuple(reader.fieldnames or ()), path)
        for row in reader:
            yield reader.line_num, {name: value for name, value in row.items() if name}
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
        except ValueError as error:
            raise HistoryError(f"{path}:{number}: not JSON: {error}") from error
        if not isinstance(told, dict):
            raise HistoryError(f"{path}:{number}: not an object; write one run a line")
        _check_columns(tuple(told), path)
        yield number, told


def _check_columns(names: Collection[str], path: Path) -> None:
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise HistoryError(f"{path}: no {', '.join(missing)}; a run needs {', '.join(NEEDED)}")
    unknown = [name for name in names if name not in KNOWN]
    if unknown:
        raise HistoryError(f"{path}: unknown {', '.join(map(str, unknown))}; known are {', '.join(KNOWN)}")


def _run(line: Mapping[str, Any]) -> PastRun:
    action = _text(line, "action")
    target = _target(_text(line, "target"), action)
    started = _instant(line, "started_at")
    if started is None:
        raise HistoryError("started_at is empty")
    ended = _instant(line, "finished_at")
    if ended is not None and ended < started:
        raise HistoryError("finished_at lies before started_at")
    name = digest_of(CLUSTER, action, str(target), started.isoformat(), _text(line, "incident_id"))
    incident = _text(line, "incident_id") or name
    key = RunKey(cluster_uid=CLUSTER, workflow_uid=name, execution_uid=f"{name}/{STEP}", step=STEP)
    outcome = _choice(line, "outcome", Outcome)
    told_by = _choice(line, "outcome_source", OutcomeSource)
    execution = ExecutionRow(
        record_id=key.execution_id(),
        recorded_at=ended or started,
        cluster_uid=CLUSTER,
        incident_id=incident,
        workflow_uid=name,
        execution_uid=key.execution_uid,
        step=STEP,
        action=action,
        parameters=_parameters(line, action, target),
        namespace=target.namespace,
        target_kind=target.kind,
        target_name=target.name,
        environment=_text(line, "environment"),
        started_at=started,
        action_started_at=None if ended is None else started,
        action_ended_at=ended,
        finished_at=ended,
        result="skipped" if ended is None else "succeeded",
    )
    workflow = WorkflowRow(
        record_id=workflow_id(cluster_uid=CLUSTER, workflow_uid=name),
        recorded_at=_instant(line, "outcome_at") or ended or started,
        cluster_uid=CLUSTER,
        incident_id=incident,
        workflow_uid=name,
        namespace=target.namespace,
        environment=execution.environment,
        detected_at=_instant(line, "detected_at"),
        started_at=started,
        finished_at=ended,
        result="completed" if ended is not None else "unknown",
        outcome=outcome,
        outcome_source=None if outcome is None else told_by or OutcomeSource.PERSON,
        outcome_at=None if outcome is None else _instant(line, "outcome_at") or ended or started,
    )
    return PastRun(execution=execution, workflow=workflow)


def _target(text: str, action: str) -> Target:
    """Read ``namespace/name`` or ``Kind/namespace/name``; the kind is otherwise the action's."""
    parts = text.split("/")
    if len(parts) == 2:
        parts = [kind_of(action), *parts]
    if len(parts) != 3 or parts[0] not in (DEPLOYMENT, POD):
        raise HistoryError(f"target {text!r} is none; write namespace/name, or {DEPLOYMENT}/ or {POD}/ before it")
    if not is_namespace(parts[1]) or not is_object_name(parts[2]):
        raise HistoryError(f"target {text!r} holds a name that Kubernetes does not allow")
    return Target(kind=parts[0], namespace=parts[1], name=parts[2])


def kind_of(action: str) -> str:
    """Give the kind of object that an action acts on; one that is not in the catalogue acts on a Deployment."""
    known = ACTIONS.get(action)
    return POD if known is not None and "pod" in known.parameters.model_fields else DEPLOYMENT


def _parameters(line: Mapping[str, Any], action: str, target: Target) -> JsonObject:
    given = line.get("parameters")
    if given:
        try:
            told = json.loads(given) if isinstance(given, str) else given
        except ValueError as error:
            raise HistoryError(f"parameters of {action}: not JSON: {error}") from error
        if not isinstance(told, dict):
            raise HistoryError(f"parameters of {action}: not an object")
        return told
    named: dict[str, Any] = {"name": target.name, "namespace": target.namespace}
    replicas = _text(line, "replicas")
    if replicas:
        if not replicas.isascii() or not replicas.isdigit():
            raise HistoryError(f"replicas {replicas!r} is no whole number")
        named["replicas"] = int(replicas)
    return {target.kind.lower(): named}


def _text(line: Mapping[str, Any], name: str) -> str:
    value = line.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise HistoryError(f"{name} is {json.dumps(value)}, not text")
    text = str(value).strip()
    if not text and name in NEEDED:
        raise HistoryError(f"{name} is empty")
    return text


def _instant(line: Mapping[str, Any], name: str) -> datetime | None:
    return parse_instant(_text(line, name) or None, name)


def _choice(line: Mapping[str, Any], name: str, choices: Any) -> Any:
    text = _text(line, name)
    if not text:
        return None
    try:
        return choices(text)
    except ValueError:
        raise HistoryError(f"{name} {text!r} is none of {', '.join(choices)}") from None
