"""The objects of one look: asked for at once, waited for together, put into one set.

A kind that is not among the objects because nothing needed it, because it was refused or because it came too late is
told apart from a kind of which there is nothing.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait

from kubernaut.errors import FactsError
from kubernaut.facts.baseline import Baseline
from kubernaut.facts.collecting import CannotSee
from kubernaut.facts.definitions import ALL_PODS, RIGHTS
from kubernaut.facts.look import Look
from kubernaut.facts.objects import ObjectSet, Target
from kubernaut.facts.snapshot import Unobserved, UnobservedReason
from kubernaut_operator.kernel.api import Api
from kubernaut_operator.live_facts.fetching import Deadline, Seen, answer_of, joined, see
from kubernaut_operator.live_facts.kinds import Request, is_cacheable, is_listed, listing, one_object
from kubernaut_operator.live_facts.short_cache import ShortCache

_NOT_ASKED = Unobserved(UnobservedReason.NOT_PROVIDED, "not looked at: nothing that was to be judged reads it")


class Gathering:
    """Objects of looks; safe to share between threads."""

    def __init__(self, api: Api, threads: ThreadPoolExecutor) -> None:
        self._api = api
        self._threads = threads
        self._cache = ShortCache()

    def gather(
        self,
        kinds: Iterable[str],
        target: Target,
        deadline: Deadline,
        *,
        max_age_s: float = 0.0,
        nodes_max_age_s: float = 0.0,
        baseline: Baseline | None = None,
    ) -> tuple[ObjectSet, dict[str, Unobserved]]:
        """Read the objects of some kinds.

        Parameters
        ----------
        kinds : iterable of str
            Keys of `RIGHTS`.
        max_age_s, nodes_max_age_s : float, unit s
            How old what comes from the cache may be: kinds of the target's namespace, and of the whole cluster.
        baseline : Baseline or None
            Knows what a target pod belonged to that is gone by now.

        Returns
        -------
        ObjectSet, dict
            The objects; and why a kind's objects are not among them, by kind.
        """
        wanted = set(kinds)
        if ALL_PODS in wanted:
            # The target's namespace comes from its own list, which is never from the cache.
            wanted.add("Pod")
        owners = {kind for kind in wanted if not is_listed(kind) and kind != target.kind}
        if owners:
            wanted |= {"Pod", "ReplicaSet"}
        asked = {
            kind: self._start(
                listing(kind, target.namespace) if is_listed(kind) else one_object(target),
                deadline,
                max_age_s=nodes_max_age_s if RIGHTS[kind].cluster_wide else max_age_s,
            )
            for kind in sorted(wanted - owners)
        }
        wait(asked.values(), timeout=deadline.left_s)
        seen = {kind: answer_of(future, kind, deadline) for kind, future in asked.items()}
        for kind in sorted(owners):
            seen[kind] = self._owner(kind, target, seen, deadline, baseline)
        return _sorted_out(seen, target)

    def close(self) -> None:
        """Forget what is in the cache."""
        self._cache.close()

    def _start(self, request: Request, deadline: Deadline, *, max_age_s: float = 0.0) -> "Future[Seen]":
        def start() -> "Future[Seen]":
            return self._threads.submit(see, self._api, request, deadline)

        return self._cache.ask(request, start, max_age_s=max_age_s) if is_cacheable(request.kind) else start()

    def _owner(
        self, kind: str, target: Target, seen: "Mapping[str, Seen]", deadline: Deadline, baseline: Baseline | None
    ) -> Seen:
        """Read what a target pod belongs to, which only the pod and its ReplicaSet can name."""
        objects, unavailable = _sorted_out(seen, target)
        look = Look(objects=objects, target=target, unavailable=unavailable, baseline=baseline)
        try:
            workload = look.workload
        except CannotSee as error:
            return error.why
        except FactsError as error:
            return Unobserved(UnobservedReason.UNREADABLE, str(error))
        if workload is None or workload.kind != kind:
            return ObjectSet.from_objects([], listed=[kind])
        future = self._start(one_object(workload), deadline)
        wait([future], timeout=deadline.left_s)
        return answer_of(future, str(workload), deadline)


def _sorted_out(seen: "Mapping[str, Seen]", target: Target) -> tuple[ObjectSet, dict[str, Unobserved]]:
    unavailable = {kind: _NOT_ASKED for kind in RIGHTS if kind not in seen}
    sets = []
    for kind, answer in seen.items():
        if isinstance(answer, Unobserved):
            unavailable[kind] = answer
        else:
            sets.append(_of_other_namespaces(answer, target.namespace) if kind == ALL_PODS else answer)
    return joined(sets), unavailable


def _of_other_namespaces(pods: ObjectSet, namespace: str) -> ObjectSet:
    others = tuple(pod for pod in pods.of("Pod") if pod.namespace != namespace)
    return ObjectSet(by_kind={"Pod": others}, listed_kinds=pods.listed_kinds, unreadable=pods.unreadable)
