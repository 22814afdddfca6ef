"""Past runs judged by conditions that may not have existed then: runs and a Prometheus in, history out.

For each run Prometheus is asked once for its window. Preconditions are judged on the scrape before the run's start,
postconditions on every scrape from the action's end on. What comes out is ordinary history, to be replayed as any
other.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from kubernaut.conditions.inputs import RunContext, policy_input
from kubernaut.conditions.resolve import Resolution, resolve
from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.errors import FactsError, HistoryError, InputError
from kubernaut.facts.baseline import Baseline
from kubernaut.facts.promql import about
from kubernaut.facts.rebuilding import all_series
from kubernaut.facts.snapshot import Snapshot
from kubernaut.history.policy_rows import policy_row
from kubernaut.history.rows import EvaluationRow, Row
from kubernaut.identity import Level, Phase
from kubernaut.policy.batch import Evaluator
from kubernaut.policy.compiling import compile_policy
from kubernaut.verification.kept_facts import kept_facts
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.problems import Problem, ProblemKind, Problems
from kubernaut_simulator.progress import Progress, silent
from kubernaut_simulator.replay.tasks import Conditions
from kubernaut_simulator.replay.workers import workers_or
from kubernaut_simulator.telemetry.exposure import Exposure
from kubernaut_simulator.telemetry.past_facts import RunSoFar, baseline_of
from kubernaut_simulator.telemetry.past_rows import SeenOnce, Watched, rows_of
from kubernaut_simulator.telemetry.past_runs import PastRun
from kubernaut_simulator.telemetry.scrapes import MAX_AGE, USUAL_INTERVAL_S
from kubernaut_simulator.telemetry.server import PrometheusServer
from kubernaut_simulator.telemetry.views import View, Wants, open_view
from kubernaut_simulator.worlds.judging import WorldJudge

_AROUND = timedelta(days=1)
"""Names of metrics are looked for so far beside the runs: one without a sample in all that time is not exposed."""

EXPORTED = "exported_namespace"
"""Prometheus' name for an exporter's label that the target has as well (`honor_labels: false`)."""

_Judged: TypeAlias = tuple[Level, Resolution, ResolvedCondition]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """How past runs are looked at.

    Attributes
    ----------
    watch : timedelta or None
        How long after the action's end scrapes are judged; None means each action's longest timeout.
    max_age : timedelta
        Of a scrape that stands for an instant.
    nothing_filtered : bool
        See `Exposure`.
    """

    watch: timedelta | None = None
    max_age: timedelta = MAX_AGE
    nothing_filtered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What past runs came to.

    Attributes
    ----------
    history : History
        With the label ``source: telemetry``.
    runs : int
        Runs that were looked at.
    not_judged : mapping of str to mapping of str to str
        Conditions that need facts which this Prometheus cannot rebuild: by condition, path to reason.
    unobserved : mapping of str to int
        Why looks had gaps, with how often.
    """

    history: History
    runs: int
    not_judged: Mapping[str, Mapping[str, str]]
    unobserved: Mapping[str, int]

    @property
    def notes(self) -> list[str]:
        """What was left out and why, for people."""
        notes = [
            f"{condition} is not judged: " + "; ".join(f"{path}: {why}" for path, why in missing.items())
            for condition, missing in sorted(self.not_judged.items())
        ]
        notes += [f"{count:,} looks unobserved: {why}" for why, count in self.unobserved.items()]
        return notes


@dataclass(slots=True)
class _Collected:
    rows: list[Row] = field(default_factory=list)
    policies: dict[str, Row] = field(default_factory=dict)
    not_judged: dict[str, dict[str, str]] = field(default_factory=dict)
    unobserved: Counter[str] = field(default_factory=Counter)
    runs: int = 0


def exposure_of(
    server: PrometheusServer, start: datetime, end: datetime, *, nothing_filtered: bool = False
) -> Exposure:
    """Ask which of the registry's metrics a Prometheus has about a window."""
    known = frozenset(all_series())
    names = server.metric_names(start - _AROUND, end + _AROUND) | server.described()
    return Exposure(names=names & known, nothing_filtered=nothing_filtered)


def remember(
    server: PrometheusServer,
    runs: Sequence[PastRun],
    conditions: Conditions,
    *,
    watching: Watching | None = None,
    problems: Problems | None = None,
    source: str = "",
    evaluator: Evaluator | None = None,
    progress: Progress = silent,
) -> Remembered:
    """Judge past runs by conditions, on facts rebuilt from a Prometheus.

    Parameters
    ----------
    runs : sequence of PastRun
    conditions : mapping of Level to CompiledSet
    watching : Watching or None
    problems : Problems or None
        Told of runs that cannot be looked at.
    source : str
        Where the runs come from, for the report.
    evaluator : Evaluator or None
        None starts workers for the time of this call.

    Raises
    ------
    InputError
        Prometheus does not answer, or has no series that any condition of the runs' actions needs.
    HistoryError
        No run.
    """
    if not runs:
        raise HistoryError("there is no run to look at")
    how = watching or Watching()
    trouble = problems or Problems()
    start = min(run.execution.started_at for run in runs)
    end = max(run.execution.action_ended_at or run.execution.started_at for run in runs)
    exposure = exposure_of(server, start, end, nothing_filtered=how.nothing_filtered)
    label = EXPORTED if EXPORTED in server.label_names("kube_pod_info", start - _AROUND, end + _AROUND) else "namespace"
    collected = _Collected()
    with workers_or(evaluator) as by:
        rememberer = _Rememberer(
            server,
            conditions,
            exposure=exposure,
            how=how,
            judge=WorldJudge(by),
            collected=collected,
            namespace_label=label,
        )
        for number, run in enumerate(runs, start=1):
            try:
                rememberer.run(run)
            except FactsError as error:
                trouble.add(Problem(kind=ProblemKind.BAD_ROW, file=source, place=number, message=str(error), rows=1))
            progress("asking Prometheus", number, len(runs))
    if not any(isinstance(row, EvaluationRow) for row in collected.rows):
        raise InputError(_nothing(collected))
    history = History.from_rows([*collected.rows, *collected.policies.values()], problems=trouble, source=source)
    return Remembered(
        history=history,
        runs=collected.runs,
        not_judged=collected.not_judged,
        unobserved=dict(collected.unobserved.most_common()),
    )


def _nothing(collected: _Collected) -> str:
    if not collected.not_judged:
        return "no condition is set for the actions of these runs; -f names the conditions to judge by"
    condition, missing = next(iter(collected.not_judged.items()))
    path, why = next(iter(missing.items()))
    return (
        f"no condition can be judged with this Prometheus: {condition} needs {path}, {why}; "
        "`kubernaut telemetry check` lists all"
    )


class _Rememberer:
    """Looks at runs, one after the other."""

    def __init__(
        self,
        server: PrometheusServer,
        conditions: Conditions,
        *,
        exposure: Exposure,
        how: Watching,
        judge: WorldJudge,
        collected: _Collected,
        namespace_label: str,
    ) -> None:
        self._server = server
        self._conditions = conditions
        self._exposure = exposure
        self._how = how
        self._judge = judge
        self._collected = collected
        self._namespace_label = namespace_label
        self._resolutions: dict[tuple[Level, str, str, str], Resolution] = {}

    def run(self, run: PastRun) -> None:
        """Look at one run.

        Raises
        ------
        FactsError
            A name of its target is none.
        """
        about("", run.target)
        judged = list(self._judged(run))
        self._collected.runs += 1
        self._collected.rows.append(run.execution)
        if run.workflow is not None:
            self._collected.rows.append(run.workflow)
        if not judged:
            return
        started, ended = run.execution.started_at, run.execution.action_ended_at
        last = started if ended is None else ended + self._watch(judged)
        view = open_view(
            self._server,
            self._exposure,
            target=run.target,
            parameters=run.execution.parameters,
            window=(started, last),
            wants=Wants.of(read for _, resolution, one in judged for read in resolution.policy(one).reads),
            namespace_label=self._namespace_label,
            max_age=self._how.max_age,
        )
        before, after = self._looks(view, run, last)
        for one in judged:
            _, resolution, condition = one
            instants = before if condition.id.phase is Phase.PRE else after
            looks = [self._seen(run, one, at, facts) for at, facts in instants]
            watched = Watched(
                settings_digest=resolution.set_digest,
                interval_s=view.scrapes.interval_s or USUAL_INTERVAL_S,
                until=after[-1][0] if after else None,
            )
            evaluation, attempts = rows_of(run, condition, looks, watched)
            self._collected.rows += [evaluation, *attempts]

    def _judged(self, run: PastRun) -> Iterable[_Judged]:
        """Give the conditions whose facts can be rebuilt."""
        for level in self._conditions:
            resolution = self._resolution(level, run)
            for condition in resolution.conditions:
                policy = resolution.policy(condition)
                missing = self._exposure.missing_reads(policy.reads, run.execution.target_kind)
                if missing:
                    self._collected.not_judged.setdefault(str(condition.id), dict(missing))
                    continue
                self._collected.policies.setdefault(
                    f"{condition.id} {policy.digest} {condition.candidate}",
                    policy_row(
                        condition.id, policy, candidate=condition.candidate, recorded_at=run.execution.started_at
                    ),
                )
                yield level, resolution, condition

    def _resolution(self, level: Level, run: PastRun) -> Resolution:
        row = run.execution
        key = (level, row.action, row.namespace, row.environment)
        if key not in self._resolutions:
            self._resolutions[key] = resolve(
                self._conditions[level],
                action=row.action,
                namespace=row.namespace,
                environment=row.environment,
                compile_=compile_policy,
            )
        return self._resolutions[key]

    def _watch(self, judged: Sequence[_Judged]) -> timedelta:
        if self._how.watch is not None:
            return self._how.watch
        return timedelta(seconds=max(condition.timeout_s for _, _, condition in judged))

    def _looks(
        self, view: View, run: PastRun, last: datetime
    ) -> tuple[list[tuple[datetime, Snapshot]], list[tuple[datetime, Snapshot]]]:
        started, ended = run.execution.started_at, run.execution.action_ended_at
        before = self._told([(started, view.snapshot(started, RunSoFar(incident_detected_at=run.detected_at)))])
        if ended is None:
            return before, []
        known: Baseline = baseline_of(view.look(run.execution.action_started_at or started))
        so_far = RunSoFar(baseline=known, action_ended_at=ended, incident_detected_at=run.detected_at)
        return before, self._told([(at, view.snapshot(at, so_far)) for at in view.instants(ended, last)])

    def _told(self, looks: list[tuple[datetime, Snapshot]]) -> list[tuple[datetime, Snapshot]]:
        for _, snapshot in looks:
            self._collected.unobserved.update({why.detail for why in snapshot.unobserved.values()})
        return looks

    def _seen(self, run: PastRun, judged: _Judged, at: datetime, facts: Snapshot) -> SeenOnce:
        level, resolution, condition = judged
        policy = resolution.policy(condition)
        whole = policy_input(
            facts,
            condition=condition.id,
            context=RunContext(step=run.execution.step, incident=run.execution.incident_id),
            parameters=run.execution.parameters,
            settings=condition.settings,
        )
        read = kept_facts(whole, policy, record_facts="read")
        kept = whole if self._conditions[level].texts.settings.record_facts == "all" else read
        return SeenOnce(at=at, snapshot=kept, judgement=self._judge.judge(policy, read))
