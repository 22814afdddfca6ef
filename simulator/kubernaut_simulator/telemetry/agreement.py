"""Whether rebuilt facts are what a live look saw: recorded looks held against Prometheus, fact by fact.

A live look falls between two scrapes, and what changed between them is no fault of either. So a rebuilt fact agrees
when the scrape before the look, or the one after it, tells the recorded value.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from kubernaut.errors import FactsError, HistoryError
from kubernaut.facts.registry import REGISTRY
from kubernaut.facts.snapshot import Snapshot
from kubernaut.history.rows import AttemptRow, RowKind
from kubernaut.identity import Phase
from kubernaut.json_types import JsonValue
from kubernaut_simulator.history.history import History
from kubernaut_simulator.progress import Progress, silent
from kubernaut_simulator.telemetry.past_facts import RunSoFar, baseline_of
from kubernaut_simulator.telemetry.past_runs import PastRun, runs_of
from kubernaut_simulator.telemetry.remembering import EXPORTED, exposure_of
from kubernaut_simulator.telemetry.scrapes import MAX_AGE
from kubernaut_simulator.telemetry.server import PrometheusServer
from kubernaut_simulator.telemetry.views import View, Wants, open_view

_NOT_FACTS = frozenset({"parameters", "settings", "context", "custom"})
EXAMPLES = 3
_EXAMPLE_LENGTH = 300


@dataclass(slots=True)
class FactAgreement:
    """How one fact's rebuilt values compare with the recorded ones.

    Attributes
    ----------
    agree, differ, unobserved : int
        Looks; `unobserved` could not be rebuilt though series are there.
    examples : list of str
        Some of those that differ.
    """

    agree: int = 0
    differ: int = 0
    unobserved: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreements:
    """Agreement of a history with a Prometheus.

    Attributes
    ----------
    by_fact : mapping of str to FactAgreement
    not_rebuilt : mapping of str to int
        Recorded facts that no series can tell, with the number of looks.
    looks, runs : int
    """

    by_fact: Mapping[str, FactAgreement]
    not_rebuilt: Mapping[str, int]
    looks: int
    runs: int


def compare(
    server: PrometheusServer,
    history: History,
    *,
    max_age: timedelta = MAX_AGE,
    nothing_filtered: bool = False,
    progress: Progress = silent,
) -> Agreements:
    """Compare the recorded facts of a history with those that a Prometheus tells.

    Raises
    ------
    InputError
        Prometheus does not answer.
    HistoryError
        No look was recorded.
    """
    looks = _looks_by_run(history)
    runs = [run for run in runs_of(history) if run.execution.execution_uid in looks]
    if not runs:
        raise HistoryError("no run of this history has recorded looks to compare with")
    first = min(run.execution.started_at for run in runs)
    last = max(row.read_at for rows in looks.values() for row in rows)
    exposure = exposure_of(server, first, last, nothing_filtered=nothing_filtered)
    label = EXPORTED if EXPORTED in server.label_names("kube_pod_info", first, last) else "namespace"
    found: defaultdict[str, FactAgreement] = defaultdict(FactAgreement)
    not_rebuilt: Counter[str] = Counter()
    number = 0
    for done, run in enumerate(runs, start=1):
        rows = _distinct(looks[run.execution.execution_uid])
        number += len(rows)
        try:
            view = open_view(
                server,
                exposure,
                target=run.target,
                parameters=run.execution.parameters,
                window=(run.execution.started_at, rows[-1].read_at + max_age),
                wants=Wants.of((name,) for row in rows for name in row.facts if name in REGISTRY),
                namespace_label=label,
                max_age=max_age,
            )
        except FactsError:
            continue
        for row in rows:
            _hold_against(row, _told(view, run, row), found, not_rebuilt)
        progress("comparing with Prometheus", done, len(runs))
    return Agreements(by_fact=dict(found), not_rebuilt=dict(not_rebuilt), looks=number, runs=len(runs))


def _looks_by_run(history: History) -> dict[str, list[AttemptRow]]:
    found: dict[str, list[AttemptRow]] = {}
    for row in history.rows(RowKind.ATTEMPTS):
        if isinstance(row, AttemptRow) and not row.candidate:
            found.setdefault(row.execution_uid, []).append(row)
    return found


def _distinct(rows: Iterable[AttemptRow]) -> list[AttemptRow]:
    """Give one look an instant and phase, with the facts of all conditions that were judged on it."""
    merged: dict[tuple[object, Phase], AttemptRow] = {}
    for row in rows:
        key = (row.read_at, row.phase)
        before = merged.get(key)
        facts = {**(before.facts if before else {}), **row.facts}
        merged[key] = AttemptRow(
            **{name: getattr(row, name) for name in row.__dataclass_fields__ if name != "facts"}, facts=facts
        )
    return sorted(merged.values(), key=lambda row: row.read_at)


def _told(view: View, run: PastRun, row: AttemptRow) -> list[Snapshot]:
    """Give what the scrape before a look tells, and the one after it."""
    ended = run.execution.action_ended_at
    so_far = RunSoFar(incident_detected_at=run.detected_at)
    if row.phase is Phase.POST and ended is not None:
        started = run.execution.action_started_at or run.execution.started_at
        so_far = RunSoFar(
            baseline=baseline_of(view.look(started)), action_ended_at=ended, incident_detected_at=run.detected_at
        )
    after = view.instants(row.read_at, row.read_at + view.max_age)
    return [view.snapshot(at, so_far) for at in (row.read_at, *after[:1])]


def _hold_against(
    row: AttemptRow,
    told: Sequence[Snapshot],
    found: defaultdict[str, FactAgreement],
    not_rebuilt: Counter[str],
) -> None:
    rebuilt = {path[0] for one in told for path in one.recorded or ()}
    for name, value in row.facts.items():
        if name in _NOT_FACTS or name not in REGISTRY:
            continue
        if name not in rebuilt:
            not_rebuilt[name] += 1
            continue
        values = [one.facts[name] for one in told if name in one.facts]
        here = found[name]
        if not values:
            here.unobserved += 1
        elif any(_same(value, one) for one in values):
            here.agree += 1
        else:
            here.differ += 1
            if len(here.examples) < EXAMPLES:
                at = row.read_at.isoformat(timespec="seconds")
                here.examples.append(f"{at}: {value!r}, rebuilt {values[0]!r}"[:_EXAMPLE_LENGTH])


def _same(recorded: JsonValue, rebuilt: JsonValue) -> bool:
    """Say whether two values are the same, as far as both tell: fields that either lacks are left aside."""
    if isinstance(recorded, dict) and isinstance(rebuilt, dict):
        return all(_same(recorded[name], rebuilt[name]) for name in recorded.keys() & rebuilt.keys())
    if isinstance(recorded, list) and isinstance(rebuilt, list):
        return len(recorded) == len(rebuilt) and all(map(_same, recorded, rebuilt))
    return recorded == rebuilt
