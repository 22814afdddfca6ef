"""Which facts a Prometheus can rebuild at all: what its exporters expose, held against what the registry asks for.

A metric that never has a sample is either filtered out where it is exported, or had nothing to tell; only the
exporter's own description, or the user, says which. For kinds that an exporter may not watch nobody can say it, so
there a sample or the description is asked for.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from kubernaut.facts.reading import is_about
from kubernaut.facts.rebuilding import SPARSE, Rebuilding, rebuilding_of
from kubernaut.facts.registry import REGISTRY
from kubernaut.facts.snapshot import ANY, ReadPath, format_path, overlap
from kubernaut.facts.workloads import POD

NEVER_PROVIDED: frozenset[ReadPath] = frozenset({("pods", ANY, "throttled")})
"""A live look does not hold it either."""

_SUPPLIED: tuple[ReadPath, ...] = (("parameters",), ("settings",), ("context",))
_OF_KINDS = ("kube_resourcequota", "kube_poddisruptionbudget")
_UP = ("kube_pod_owner", "kube_replicaset_owner")
_OF_WORKLOAD = ("kube_deployment_", "kube_horizontalpodautoscaler_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What exporters expose.

    Attributes
    ----------
    names : frozenset of str
        Metrics that have samples in the window asked about, or that a target describes.
    nothing_filtered : bool
        The user says that kube-state-metrics exposes all it has of what it watches: a metric of pods or nodes without
        any sample had nothing to tell.
    asked : frozenset of str, or None
        The metrics that were asked for, if not all.
    """

    names: frozenset[str] = field(repr=False)
    nothing_filtered: bool = False
    asked: frozenset[str] | None = field(default=None, repr=False)

    def has(self, metric: str) -> bool:
        """Say whether a metric's silence means something."""
        if self.asked is not None and metric not in self.asked:
            return False
        if metric in self.names:
            return True
        return self.nothing_filtered and metric in SPARSE and not metric.startswith(_OF_KINDS)

    def why_not(self, path: ReadPath, target_kind: str = "Deployment") -> str:
        """Say why the fact at a path cannot be rebuilt; empty when it can."""
        entry = rebuilding_of(path)
        if not entry.possible:
            return entry.why_not
        missing = [metric for metric in series_for(entry, target_kind) if not self.has(metric)]
        if not missing:
            return ""
        silent = [metric for metric in missing if metric in SPARSE]
        shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        if len(silent) == len(missing) and not any(metric.startswith(_OF_KINDS) for metric in missing):
            return f"no sample of {shown}: filtered out, or nothing to tell (--nothing-filtered takes it so)"
        return f"no sample of {shown}"

    def facts(self, target_kind: str) -> tuple[str, ...]:
        """Give the names of the facts that can be rebuilt for a kind of target, whatever of their fields is missing."""
        return tuple(
            name
            for name, fact in REGISTRY.items()
            if is_about(fact, target_kind) and not self.why_not((name,), target_kind)
        )

    def recorded(self, target_kind: str) -> tuple[ReadPath, ...]:
        """Give the paths that a rebuilt look holds: a fact whole, or those of its fields that can be rebuilt."""
        kept: list[ReadPath] = []
        for name in self.facts(target_kind):
            below = [path for path, _ in REGISTRY[name].paths() if len(path) > 1 and path not in NEVER_PROVIDED]
            possible = [path for path in below if not self.why_not(path, target_kind)]
            kept += [(name,)] if len(possible) == len(below) else possible
        return tuple(kept)

    def missing_reads(self, reads: Iterable[ReadPath], target_kind: str) -> dict[str, str]:
        """Give the paths that a policy reads and that a rebuilt look does not hold, each with the reason."""
        recorded = self.recorded(target_kind)
        missing: dict[str, str] = {}
        for read in reads:
            if read[:1] in _SUPPLIED or any(len(kept) <= len(read) and overlap(read, kept) for kept in recorded):
                continue
            missing[format_path(read)] = self._why_not_read(read, target_kind)
        return missing

    def _why_not_read(self, read: ReadPath, target_kind: str) -> str:
        if not read:
            return "the policy reads everything"
        if read[0] not in REGISTRY:
            return "custom facts are not rebuilt"
        fact = REGISTRY[read[0]]
        if not is_about(fact, target_kind):
            return f"it is not told of a {target_kind}"
        whole = self.why_not(read[:1], target_kind)
        return whole or next(
            f"{format_path(path)}: {why}"
            for path, _ in fact.paths()
            if path not in NEVER_PROVIDED and overlap(read, path) and (why := self.why_not(path, target_kind))
        )


def series_for(entry: Rebuilding, target_kind: str) -> tuple[str, ...]:
    """Give the metrics that a fact needs for a kind of target: from a pod the way to its workload comes first."""
    if target_kind == POD and any(metric.startswith(_OF_WORKLOAD) for metric in entry.series):
        return tuple(dict.fromkeys(("kube_pod_info", *_UP, *entry.series)))
    return entry.series
