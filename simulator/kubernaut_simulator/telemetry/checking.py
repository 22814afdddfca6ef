"""What a Prometheus can rebuild: fact by fact, for which window, with which gaps, and what follows for conditions.

One range query counts the series of every metric of the registry that were sampled shortly before each of many even
steps; a metric that must be there wherever its object is has a gap at each step without any. Prometheus' own look back
of five minutes would hide shorter gaps.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from kubernaut.errors import InputError
from kubernaut.facts.reading import is_about
from kubernaut.facts.rebuilding import SPARSE, all_series, rebuilding_of
from kubernaut.facts.registry import REGISTRY
from kubernaut.facts.snapshot import ReadPath, format_path
from kubernaut.identity import ConditionId
from kubernaut_simulator.replay.tasks import Conditions
from kubernaut_simulator.telemetry.exposure import NEVER_PROVIDED, Exposure, series_for
from kubernaut_simulator.telemetry.past_runs import kind_of
from kubernaut_simulator.telemetry.remembering import EXPORTED, exposure_of
from kubernaut_simulator.telemetry.scrapes import MAX_AGE
from kubernaut_simulator.telemetry.server import PrometheusServer, Series, require_aware, selector

STEPS = 1_000
"""About so many steps a window is looked at."""

LEAST_STEP = timedelta(seconds=60)


class Ability(StrEnum):
    """Whether a fact can be rebuilt."""

    REBUILT = "rebuilt"
    WITH_LOSS = "with loss"
    MISSING = "series missing"
    IMPOSSIBLE = "no series"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactAbility:
    """What a Prometheus can do for one fact.

    Attributes
    ----------
    path : str
    ability : Ability
    since, until : datetime or None
        First and last step at which all metrics that must be there were there; None where it cannot be rebuilt.
    covered : float or None
        Share of the steps between the two that have no gap.
    longest_gap : timedelta or None
        Between the two.
    series : tuple of str
        Metrics that it needs.
    why : str
        Why it cannot be rebuilt, or where it may differ from a live look.
    """

    path: str
    ability: Ability
    since: datetime | None
    until: datetime | None
    covered: float | None
    longest_gap: timedelta | None
    series: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a Prometheus can rebuild.

    Attributes
    ----------
    facts : tuple of FactAbility
    judged : mapping of ConditionId to mapping of str to str
        By condition, the paths that it reads and that cannot be rebuilt, with the reason; empty when it can be judged.
    start, end : datetime
    step : timedelta
    target_kind, namespace : str
        What was asked about; an empty namespace means all.
    samples_since : datetime or None
        First step at which kube-state-metrics had any sample.
    """

    facts: tuple[FactAbility, ...]
    judged: Mapping[ConditionId, Mapping[str, str]]
    start: datetime
    end: datetime
    step: timedelta
    target_kind: str
    namespace: str
    samples_since: datetime | None


def check(
    server: PrometheusServer,
    start: datetime,
    end: datetime,
    *,
    target_kind: str = "Deployment",
    namespace: str = "",
    conditions: Conditions | None = None,
    nothing_filtered: bool = False,
) -> Checked:
    """Say which facts a Prometheus can rebuild within a window.

    Parameters
    ----------
    start, end : datetime
        Aware.
    target_kind : str
        ``Deployment`` or ``Pod``.
    namespace : str
        Empty means all of them.
    conditions : mapping of Level to CompiledSet, or None
        Those that are asked about.
    nothing_filtered : bool
        See `Exposure`.

    Raises
    ------
    InputError
        Prometheus does not answer, or the window is none.
    """
    start, end = require_aware(start, "the start"), require_aware(end, "the end")
    if end <= start:
        raise InputError(f"the window ends at {end.isoformat()}, before it begins")
    step = max(LEAST_STEP, timedelta(seconds=math.ceil((end - start).total_seconds() / STEPS)))
    exposure = exposure_of(server, start, end, nothing_filtered=nothing_filtered)
    there = _there(server, start, end, step, namespace)
    facts = tuple(
        _ability(path, exposure, there, target_kind=target_kind, step=step)
        for fact in REGISTRY.values()
        if is_about(fact, target_kind)
        for path, _ in fact.paths()
        if path not in NEVER_PROVIDED
    )
    seen = [at for metric, times in there.items() if metric.startswith("kube_") for at in times[:1]]
    return Checked(
        facts=facts,
        judged=_judged(exposure, conditions or {}),
        start=start,
        end=end,
        step=step,
        target_kind=target_kind,
        namespace=namespace,
        samples_since=datetime.fromtimestamp(min(seen), UTC) if seen else None,
    )


def _there(
    server: PrometheusServer, start: datetime, end: datetime, step: timedelta, namespace: str
) -> Mapping[str, Sequence[float]]:
    """Give the steps at which each metric has a sample young enough to stand for them."""
    label = EXPORTED if namespace and EXPORTED in server.label_names("kube_pod_info", start, end) else "namespace"
    of_nodes = [metric for metric in all_series() if metric.startswith("kube_node_")]
    others = [metric for metric in all_series() if not metric.startswith("kube_node_")]
    series: list[Series] = []
    for metrics, beside in ((others, {label: namespace} if namespace else {}), (of_nodes, {})):
        chosen = selector(metrics, {**server.matchers, **beside})
        recent = f"last_over_time({chosen}[{MAX_AGE.total_seconds():.0f}s])"
        series += server.ranged(f"count by (__name__) ({recent})", start, end, step)
    return {one.metric: one.times_s for one in series}


def _ability(
    path: ReadPath, exposure: Exposure, there: Mapping[str, Sequence[float]], *, target_kind: str, step: timedelta
) -> FactAbility:
    entry = rebuilding_of(path)
    series = series_for(entry, target_kind)
    why_not = exposure.why_not(path, target_kind)
    if why_not:
        ability = Ability.MISSING if entry.possible else Ability.IMPOSSIBLE
        return FactAbility(
            path=format_path(path),
            ability=ability,
            since=None,
            until=None,
            covered=None,
            longest_gap=None,
            series=series,
            why=why_not,
        )
    since, until, covered, gap = _window([there.get(one, ()) for one in series if one not in SPARSE], step)
    return FactAbility(
        path=format_path(path),
        ability=Ability.WITH_LOSS if entry.loss else Ability.REBUILT,
        since=since,
        until=until,
        covered=covered,
        longest_gap=gap,
        series=series,
        why=entry.loss,
    )


def _window(
    times: Iterable[Sequence[float]], step: timedelta
) -> tuple[datetime | None, datetime | None, float | None, timedelta | None]:
    """Give first and last common step, the share of steps between them that are common, and the longest gap."""
    several = [set(one) for one in times]
    if not several:
        return None, None, None, None
    common = sorted(set.intersection(*several))
    if not common:
        return None, None, 0.0, None
    first, last = common[0], common[-1]
    steps = round((last - first) / step.total_seconds()) + 1
    gaps = [after - before for before, after in pairwise(common)]
    longest = max((gap for gap in gaps if gap > step.total_seconds()), default=0.0)
    return (
        datetime.fromtimestamp(first, UTC),
        datetime.fromtimestamp(last, UTC),
        len(common) / steps,
        timedelta(seconds=longest),
    )


def _judged(exposure: Exposure, conditions: Conditions) -> dict[ConditionId, dict[str, str]]:
    return {
        identity: exposure.missing_reads(policy.reads, kind_of(identity.action))
        for level in conditions.values()
        for identity, policy in level.policies.items()
    }
