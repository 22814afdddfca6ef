"""The window of one run in Prometheus: what is asked for at once, and what of it a look at an instant sees.

Everything of the target's namespace comes in one question; nodes, the pods of all namespaces, cAdvisor's figures and
the throttling ratio only where a policy reads what rests on them.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from kubernaut.facts.objects import Target
from kubernaut.facts.promql import about, looks_back_s, of_before
from kubernaut.facts.rebuilding import all_series, rebuilding_of
from kubernaut.facts.registry import REGISTRY
from kubernaut.facts.snapshot import ANY, ReadPath, Snapshot, Unobserved, UnobservedReason, overlap
from kubernaut.facts.workloads import DEPLOYMENT
from kubernaut.json_types import JsonObject, JsonValue
from kubernaut_simulator.telemetry.exposure import Exposure
from kubernaut_simulator.telemetry.past_facts import ROOM, PastLook, RunSoFar, facts_of, nothing_seen
from kubernaut_simulator.telemetry.rebuilt_pods import Key
from kubernaut_simulator.telemetry.scrapes import MAX_AGE, Scrapes
from kubernaut_simulator.telemetry.server import PrometheusServer, Series

THROTTLING = "cpu_throttling_ratio"
CPU, MEMORY = "container_cpu_usage_seconds_total", "container_memory_working_set_bytes"
_CADVISOR = "container_"
_NODES = "kube_node_"
_WITNESS = "kube_node_info"
"""Shows that an exporter was scraped while a namespace is empty."""

_USAGE: tuple[ReadPath, ...] = tuple(
    (name, *rest) for name, rest in (("pods", (ANY,)), ("replacement_pods", (ANY,)), ("target_pod", ()))
)
_USAGE_FIELDS = ("cpu_usage", "memory_usage")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """What policies read beside the objects of the target's namespace.

    Attributes
    ----------
    nodes, everywhere, usage, throttling : bool
        Nodes; the pods of all namespaces; what pods use; the throttled share.
    """

    nodes: bool = False
    everywhere: bool = False
    usage: bool = False
    throttling: bool = False

    @classmethod
    def of(cls, reads: Iterable[ReadPath]) -> "Wants":
        """Take it from the paths that policies read."""
        wanted = tuple(reads)
        names = {name for name in REGISTRY if any(overlap(read, (name,)) for read in wanted)}
        usage = ((*path, field) for path in _USAGE for field in _USAGE_FIELDS)
        return cls(
            nodes=any(one.startswith(_NODES) for name in names for one in rebuilding_of((name,)).series),
            everywhere=bool(names & ROOM),
            usage=any(overlap(read, path) for path in usage for read in wanted),
            throttling=THROTTLING in names,
        )

    def metrics(self) -> frozenset[str]:
        """Give the metrics that are asked for."""
        return frozenset(
            metric
            for metric in all_series()
            if (self.nodes or not metric.startswith(_NODES) or metric == _WITNESS)
            and (self.usage or metric not in (CPU, MEMORY))
            and (self.throttling or not metric.startswith("container_cpu_cfs_"))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The window of one run.

    Attributes
    ----------
    server : PrometheusServer
    exposure : Exposure
        Of what was asked for.
    target : Target
    parameters : JsonObject
    wants : Wants
    scrapes : Scrapes
    usage : sequence of Series
        cAdvisor's.
    max_age : timedelta
        Of a scrape that stands for an instant.
    """

    server: PrometheusServer = field(repr=False)
    exposure: Exposure = field(repr=False)
    target: Target
    parameters: JsonObject
    wants: Wants
    scrapes: Scrapes = field(repr=False)
    usage: Sequence[Series] = field(default=(), repr=False)
    max_age: timedelta = MAX_AGE

    def instants(self, start: datetime, end: datetime) -> list[datetime]:
        """Give the instants from `start` to `end`, both included, at which something was scraped."""
        times = self.scrapes.instants_s
        first, last = start.timestamp(), end.timestamp()
        return [datetime.fromtimestamp(at_s, UTC) for at_s in times if first <= at_s <= last]

    def look(self, instant: datetime, *, ended: datetime | None = None) -> PastLook | Unobserved:
        """Give what was to be seen at an instant; after the action nothing counts that was scraped before its end."""
        scrape = self.scrapes.at(instant, namespace=self.target.namespace, max_age=self.max_age)
        if isinstance(scrape, Unobserved):
            return scrape
        if ended is not None and scrape.seen_at < ended:
            return Unobserved(
                UnobservedReason.STALE,
                f"the newest scrape, of {scrape.seen_at.isoformat(timespec='seconds')}, is older than the action's end",
            )
        provided: dict[str, JsonValue | Unobserved] = {}
        if self.wants.throttling:
            provided[THROTTLING] = _throttling(self.server, self.target, instant, ended)
        return PastLook(
            scrape=scrape,
            target=self.target,
            parameters=self.parameters,
            samples=tuple(pod_metrics(self.usage, instant, max_age=self.max_age)),
            provided=provided,
            everywhere=self.wants.everywhere,
        )

    def snapshot(self, instant: datetime, run: RunSoFar) -> Snapshot:
        """Give the facts of an instant."""
        seen = self.look(instant, ended=run.action_ended_at)
        if isinstance(seen, Unobserved):
            return nothing_seen(
                seen,
                self.exposure,
                target=self.target,
                parameters=self.parameters,
                everywhere=self.wants.everywhere,
            )
        return facts_of(seen, self.exposure, now=instant, run=run)


def open_view(
    server: PrometheusServer,
    exposure: Exposure,
    *,
    target: Target,
    parameters: JsonObject,
    window: tuple[datetime, datetime],
    wants: Wants,
    namespace_label: str = "namespace",
    max_age: timedelta = MAX_AGE,
) -> View:
    """Ask for everything that looks at a target within a window may need.

    Parameters
    ----------
    window : (datetime, datetime)
        First and last instant that is looked at; scrapes are asked for from `max_age` before the first.
    namespace_label : str
        ``exported_namespace`` where Prometheus renamed the exporter's label.

    Raises
    ------
    InputError
        Prometheus does not answer.
    FactsError
        A name of the target is none.
    """
    # Nobody but the registry's series and two checked names gets into a query.
    about("", target)
    first, last = window[0] - max_age, window[1]
    asked = wants.metrics() & (exposure.names | {_WITNESS})
    ours = [one for one in asked if not one.startswith((_CADVISOR, _NODES))]
    nodes = [one for one in asked if one.startswith(_NODES)]
    series: list[Series] = []
    if ours:
        beside = {} if wants.everywhere else {namespace_label: target.namespace}
        series += server.raw(ours, first, last, matchers=beside)
    if nodes:
        series += server.raw(nodes, first, last)
    usage: list[Series] = []
    if asked & {CPU, MEMORY}:
        usage = server.raw(asked & {CPU, MEMORY}, first, last, matchers={"namespace": target.namespace})
    return View(
        server=server,
        exposure=replace(exposure, asked=wants.metrics()),
        target=target,
        parameters=parameters,
        wants=wants,
        scrapes=Scrapes(series),
        usage=usage,
        max_age=max_age,
    )


def pod_metrics(
    usage: Iterable[Series], instant: datetime, *, max_age: timedelta = MAX_AGE
) -> Iterator[dict[str, Any]]:
    """Give what pods used, in the form of the metrics API: from the newest two samples of each container's CPU.

    A container without two samples, or whose counter began anew between them, makes its pod untold.
    """
    at_s = instant.timestamp()
    found: dict[Key, dict[str, dict[str, tuple[float, float, float]]]] = {}
    for one in usage:
        container = one.labels.get("container", "")
        if container in ("", "POD"):
            continue
        key = one.labels.get("namespace", ""), one.labels.get("pod", "")
        place = bisect_right(one.times_s, at_s) - 1
        if place < 0 or at_s - one.times_s[place] > max_age.total_seconds():
            continue
        here = found.setdefault(key, {}).setdefault(container, {})
        end_s, value = one.times_s[place], one.values[place]
        if one.metric == MEMORY:
            here[MEMORY] = (end_s, end_s, value)
        elif place > 0 and value >= one.values[place - 1]:
            began_s = one.times_s[place - 1]
            here[CPU] = (began_s, end_s, (value - one.values[place - 1]) / (end_s - began_s))
    for (namespace, pod), containers in found.items():
        if any(CPU not in told or MEMORY not in told for told in containers.values()):
            continue
        times = [sample for told in containers.values() for sample in told.values()]
        end_s, began_s = min(end for _, end, _ in times), min(began for began, _, _ in times)
        yield {
            "kind": "PodMetrics",
            "metadata": {"namespace": namespace, "name": pod},
            "timestamp": datetime.fromtimestamp(end_s, UTC).isoformat(),
            "window": f"{end_s - began_s:.3f}s",
            "containers": [
                {
                    "name": name,
                    "usage": {"cpu": f"{round(told[CPU][2] * 1e9)}n", "memory": str(int(told[MEMORY][2]))},
                }
                for name, told in sorted(containers.items())
            ],
        }


def _throttling(
    server: PrometheusServer, target: Target, instant: datetime, ended: datetime | None
) -> "JsonValue | Unobserved":
    if target.kind != DEPLOYMENT:
        return Unobserved(
            UnobservedReason.NOT_PROVIDED, f"it is asked for a Deployment, and the target is a {target.kind}"
        )
    query = about(REGISTRY[THROTTLING].series, target)
    early = None if ended is None else of_before(timedelta(seconds=looks_back_s(query)), at=instant, ended=ended)
    if early is not None:
        return early
    found = server.now(server.narrowed(query), instant)
    if len(found) != 1:
        return Unobserved(UnobservedReason.NOT_PROVIDED, "Prometheus has no samples of these containers")
    value = found[0].values[0]
    if not math.isfinite(value):
        return Unobserved(UnobservedReason.UNREADABLE, f"the query gives {value}, which is no number")
    return value
