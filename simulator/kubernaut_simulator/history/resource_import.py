"""Dumps of custom resources (`kubectl get kex,wfx -A -o json`) to a history, for clusters where no recorder ran.

What a status does not hold is missing from the history, and is said. With the namespace ``kube-system`` among the
dumped objects rows get the ids that the operator's own have, so that both can be read as one history.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernaut.conditions.spec import DEFAULT_TIMEOUT_PRE_S
from kubernaut.durations import format_duration
from kubernaut.errors import HistoryError, InputError, SettingsError
from kubernaut.history.policy_rows import policy_row
from kubernaut.history.rows import EvaluationRow, ExecutionRow, PolicyRow, Row, RowKind
from kubernaut.identity import ConditionId
from kubernaut.policy.compiling import compile_policy
from kubernaut.resources.names import KUBERNETES_EXECUTION, WORKFLOW_EXECUTION
from kubernaut.resources.reading import read_execution, read_workflow
from kubernaut.shipped import shipped_libraries, shipped_policy
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.problems import Problem, ProblemKind, Problems
from kubernaut_simulator.history.resource_rows import rows_of_execution, rows_of_workflow

UNKNOWN_CLUSTER = "resources"
"""Stands for the cluster's UID, which the resources do not tell."""

_CLUSTER_NAMESPACE = "kube-system"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceConversion:
    """What dumped resources became.

    Attributes
    ----------
    history : History
        Its report names the resources that were set aside.
    resources : int
        Executions and workflows in the dumps.
    missing : tuple of str
        What a recorder would have written and these cannot tell.
    """

    history: History
    resources: int
    missing: tuple[str, ...]


def convert_resources(paths: Iterable[Path | str], *, strict: bool = False) -> ResourceConversion:
    """Make a history of dumped resources.

    Parameters
    ----------
    paths : paths
        JSON, each a list as kubectl prints it or one object.
    strict : bool
        The first bad resource is fatal.

    Raises
    ------
    HistoryError
        No such file, no resource that tells anything, or any problem when `strict`.
    """
    problems, counts = Problems(strict=strict), Counter[str]()
    objects = [item for path in paths for item in _objects(Path(path))]
    cluster = next((uid for _, _, one in objects if (uid := _cluster_uid(one))), UNKNOWN_CLUSTER)
    evaluations: list[EvaluationRow] = []
    runs: dict[str, Row] = {}
    # A step's row comes behind that of its execution, and replaces it.
    for path, place, document in sorted(objects, key=lambda item: item[2].get("kind") == WORKFLOW_EXECUTION.kind):
        kind = document.get("kind")
        if kind not in (KUBERNETES_EXECUTION.kind, WORKFLOW_EXECUTION.kind):
            counts["other"] += kind != "Namespace"
            continue
        counts["resources"] += 1
        try:
            rows = _rows(document, cluster)
        except (HistoryError, InputError, SettingsError) as error:
            name = (document.get("metadata") or {}).get("name", "?")
            message = f"{kind} {name}: {error}"
            problems.add(Problem(kind=ProblemKind.BAD_ROW, file=str(path), place=place, message=message))
            continue
        own = [row for row in rows if not isinstance(row, EvaluationRow)]
        counts["open"] += not own
        evaluations += (row for row in rows if isinstance(row, EvaluationRow))
        runs.update((row.record_id, row) for row in own)
    if not counts["resources"]:
        raise HistoryError(
            "no execution and no workflow in the dump; make one by: "
            "kubectl get kubernetesexecutions,workflowexecutions --all-namespaces --output=json"
        )
    policies = list(_shipped(evaluations))
    history = History.from_rows([*runs.values(), *evaluations, *policies], problems=problems, source="resources")
    return ResourceConversion(
        history=history,
        resources=counts["resources"],
        missing=tuple(_missing(history, counts, known=cluster != UNKNOWN_CLUSTER)),
    )


def _rows(document: Mapping[str, Any], cluster: str) -> list[Row]:
    if document["kind"] == WORKFLOW_EXECUTION.kind:
        return list(rows_of_workflow(read_workflow(document), cluster_uid=cluster))
    return list(rows_of_execution(read_execution(document), cluster_uid=cluster))


def _shipped(evaluations: Iterable[EvaluationRow]) -> Iterator[PolicyRow]:
    """Give the text of those policies that this version ships."""
    first: dict[tuple[ConditionId, str], EvaluationRow] = {}
    for row in evaluations:
        first.setdefault((row.condition, row.policy_digest), row)
    for (condition, digest), row in first.items():
        shipped = shipped_policy(condition)
        if shipped is None:
            continue
        policy = compile_policy(shipped.source, name=shipped.file, libraries=shipped_libraries())
        if policy.digest == digest:
            yield policy_row(condition, policy, recorded_at=row.recorded_at)


def _missing(history: History, counts: Counter[str], *, known: bool) -> Iterator[str]:
    yield (
        f"looks and facts: none of the {len(history.evaluations):,} evaluations can be judged again, by its own policy "
        "or by another; verdicts and times to pass are what the operator found then"
    )
    digests = set(history.evaluations["policy_digest"].to_pylist())
    unknown = digests - set(history.policies["digest"].to_pylist())
    if unknown:
        yield f"the text of {len(unknown):,} of {len(digests):,} policies, which is not what this version ships"
    yield (
        f"settings: holdFor, poll intervals, timeouts of preconditions ({format_duration(DEFAULT_TIMEOUT_PRE_S)} is "
        "written) and rollout percents (100 is written where a condition was enforced, else 0): what enforcement did "
        "cannot be weighed by its odds"
    )
    yield "challengers, versions, the objects that were read, and the ends of long messages"
    starts = [row.started_at for row in history.rows(RowKind.EXECUTIONS) if isinstance(row, ExecutionRow)]
    since = f"; the oldest here began at {min(starts).isoformat(timespec='seconds')}" if starts else ""
    yield f"runs that had been deleted before the dump{since}"
    if counts["open"]:
        yield f"{counts['open']:,} of {counts['resources']:,} resources that had not ended; make the dump again later"
    if counts["other"]:
        yield f"{counts['other']:,} objects of other kinds"
    if not known:
        yield (
            "the cluster's UID, so these rows are not known to be those of the operator's own records; "
            "add: kubectl get namespace kube-system --output=json"
        )


def _objects(path: Path) -> list[tuple[Path, int, Mapping[str, Any]]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise HistoryError(f"{path}: {error.strerror}; check the path") from error
    except ValueError as error:
        raise HistoryError(f"{path}: not JSON ({error}); make it by kubectl get ... --output=json") from error
    items = document.get("items") if isinstance(document, dict) and "items" in document else [document]
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise HistoryError(f"{path}: neither a list of objects nor an object, as kubectl prints them")
    return [(path, place, item) for place, item in enumerate(items, start=1)]


def _cluster_uid(document: Mapping[str, Any]) -> str:
    metadata = document.get("metadata") or {}
    if document.get("kind") == "Namespace" and metadata.get("name") == _CLUSTER_NAMESPACE:
        return str(metadata.get("uid", ""))
    return ""
