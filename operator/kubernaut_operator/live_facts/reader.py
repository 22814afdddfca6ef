"""One look at the cluster: everything asked at once, waited for together, handed to the engine's extraction.

What a look's facts do not need is not fetched. Nothing of the target itself comes from the cache, so whatever is seen
after the action's end was read after it.
"""

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime

from kubernaut.conditions.custom_facts import DEFAULT_KINDS
from kubernaut.facts.baseline import Baseline
from kubernaut.facts.extract import extract, objects_read, take_baseline
from kubernaut.facts.objects import Target
from kubernaut_operator.kernel.api import Api
from kubernaut_operator.live_facts.custom import CustomSources
from kubernaut_operator.live_facts.fetching import Deadline, answer_of
from kubernaut_operator.live_facts.gathering import Gathering
from kubernaut_operator.live_facts.prometheus import Prometheus
from kubernaut_operator.live_facts.prometheus_facts import PrometheusFacts
from kubernaut_operator.live_facts.question import LOOK_LIMIT_S, Question, Reading, SeenTarget
from kubernaut_operator.live_facts.short_cache import KEPT_S
from kubernaut_operator.live_facts.targets import read_target
from kubernaut_operator.live_facts.wanted import wanted_by

_THREADS = 8
_PROMETHEUS_THREADS = 4
"""Apart, so that a Prometheus that hangs keeps nobody from reading pods."""

_BASELINE_KINDS = ("Deployment", "ReplicaSet", "Pod")


def _now() -> datetime:
    return datetime.now(UTC)


class FactReader:
    """Reads facts for the engine; safe to share between threads.

    Parameters
    ----------
    api : Api
    prometheus_url : str
        The one Prometheus that may be asked; empty for none.
    custom_kinds : collection of str
        Kinds of objects that custom facts may read; Secrets and ConfigMaps never.
    clock : callable
        The time now, aware.

    Raises
    ------
    SettingsError
        The URL is none that can be asked.
    """

    def __init__(
        self,
        api: Api,
        *,
        prometheus_url: str = "",
        custom_kinds: Collection[str] = DEFAULT_KINDS,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._api = api
        self._clock = clock
        prometheus = Prometheus(prometheus_url) if prometheus_url else None
        self._prometheus = PrometheusFacts(prometheus, clock=clock)
        self._custom = CustomSources(api, self._prometheus, kinds=custom_kinds)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="facts")
        self._prometheus_threads = ThreadPoolExecutor(_PROMETHEUS_THREADS, thread_name_prefix="prometheus")
        self._gathering = Gathering(api, self._threads)

    def read(self, question: Question) -> Reading:
        """Look once; never raises for what the cluster or Prometheus answers."""
        began_at = self._clock()
        deadline = Deadline(question.limit_s)
        wanted = wanted_by(question.reads, question.target.kind)
        queries = {
            name: self._prometheus_threads.submit(self._prometheus.fact, name, question, deadline)
            for name in wanted.queries
        }
        custom = self._custom.ask(question, wanted.custom, deadline, self._threads, self._prometheus_threads)
        objects, unavailable = self._gathering.gather(
            wanted.kinds,
            question.target,
            deadline,
            max_age_s=question.max_age_s,
            nodes_max_age_s=_nodes_max_age_s(question),
            baseline=question.baseline,
        )
        wait([*queries.values(), *custom.futures], timeout=deadline.left_s)
        snapshot = extract(
            objects,
            question.target,
            question.parameters,
            now=began_at,
            baseline=question.baseline,
            unavailable=unavailable,
            action_ended_at=question.action_ended_at,
            incident_detected_at=question.incident_detected_at,
            provided={name: answer_of(future, f"the query of {name}", deadline) for name, future in queries.items()},
            wanted=wanted.facts,
        )
        return Reading(
            snapshot=snapshot,
            custom=custom.values(deadline),
            objects=objects_read(objects, question.target, unavailable=unavailable),
            began_at=began_at,
            read_at=self._clock(),
        )

    def take_baseline(self, target: Target, *, limit_s: float = LOOK_LIMIT_S) -> Baseline:
        """Take what the target looks like before the action; what cannot be seen is said in it."""
        objects, unavailable = self._gathering.gather(_BASELINE_KINDS, target, Deadline(limit_s))
        return take_baseline(objects, target, unavailable=unavailable)

    def read_target(self, target: Target, *, related: Iterable[str] = ()) -> SeenTarget:
        """Read the target itself, and kinds of objects beside it that the action asks for.

        Raises
        ------
        ForbiddenError, BusyError, UnreachableError
            Nobody could look.
        """
        return read_target(self._api, target, related=related, deadline=Deadline(LOOK_LIMIT_S), clock=self._clock)

    def close(self) -> None:
        """End the threads; what a look still waits for is then unobserved."""
        self._gathering.close()
        for threads in (self._threads, self._prometheus_threads):
            threads.shutdown(wait=False, cancel_futures=True)


def _nodes_max_age_s(question: Question) -> float:
    """Give how old what tells of nodes may be: before the action it may always come from the cache."""
    return KEPT_S if question.action_ended_at is None else question.max_age_s
