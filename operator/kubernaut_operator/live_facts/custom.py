"""The user's facts: read from objects of the target's namespace, or from Prometheus.

What facts.yaml may ask for was checked when it was loaded (`kubernaut.conditions.custom_facts`). What must never happen
is checked here once more, where the request is made: no Secret, no ConfigMap, no kind that the operator's list lacks,
no other namespace, and no value that is larger or of another type than was promised.
"""

from collections.abc import Collection, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kubernaut.conditions.custom_facts import NEVER_KINDS, CustomFact
from kubernaut.conditions.custom_values import checked_value, object_name, undefined, value_in
from kubernaut.conditions.inputs import CustomValues
from kubernaut.errors import ApiError, NotFoundError
from kubernaut.facts.snapshot import Unobserved, UnobservedReason
from kubernaut.json_types import JsonObject, JsonValue
from kubernaut_operator.kernel.api import Api
from kubernaut_operator.live_facts.discovery import Discovery
from kubernaut_operator.live_facts.fetching import Deadline, answer_of, patiently, why_unseen
from kubernaut_operator.live_facts.prometheus_facts import PrometheusFacts
from kubernaut_operator.live_facts.question import Question


class _Place(NamedTuple):
    """Where an object is; several facts may be read from one."""

    api_version: str
    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFacts:
    """Custom facts that are on their way.

    Attributes
    ----------
    settled : dict of str to Unobserved
        Those that were not asked for, with the reason.
    """

    facts: Mapping[str, CustomFact]
    settled: Mapping[str, Unobserved]
    objects: "Mapping[_Place, Future[JsonObject | Unobserved | None]]"
    queries: "Mapping[str, Future[JsonValue | Unobserved]]"
    places: Mapping[str, _Place] = field(default_factory=dict)

    @property
    def futures(self) -> "list[Future[Any]]":
        """Everything that is waited for."""
        return [*self.objects.values(), *self.queries.values()]

    def values(self, deadline: Deadline) -> CustomValues:
        """Give what came; what has not come by now is unobserved."""
        values: dict[str, JsonValue] = {}
        unobserved = dict(self.settled)
        for name, fact in self.facts.items():
            answer = self._value(name, fact, deadline)
            if isinstance(answer, Unobserved):
                unobserved[name] = answer
            else:
                values[name] = answer
        return CustomValues(values=values, unobserved=unobserved)

    def _value(self, name: str, fact: CustomFact, deadline: Deadline) -> "JsonValue | Unobserved":
        what = f"the custom fact {name}"
        place = self.places.get(name)
        if place is None:
            number = answer_of(self.queries[name], what, deadline)
            return number if isinstance(number, Unobserved) else checked_value(number, fact)
        found = answer_of(self.objects[place], what, deadline)
        return found if isinstance(found, Unobserved) else value_in(found, fact)


class CustomSources:
    """Where custom facts come from; safe to share between threads.

    Parameters
    ----------
    kinds : collection of str
        Kinds of objects that may be read.
    """

    def __init__(self, api: Api, prometheus: PrometheusFacts, *, kinds: Collection[str]) -> None:
        self._api = api
        self._prometheus = prometheus
        self._kinds = frozenset(kinds) - NEVER_KINDS
        self._discovery = Discovery(api)

    def ask(
        self,
        question: Question,
        names: Collection[str] | None,
        deadline: Deadline,
        threads: Executor,
        prometheus_threads: Executor,
    ) -> AskedFacts:
        """Start whatever a question's custom facts need.

        Parameters
        ----------
        names : collection of str, or None
            Those that are read; None means all that are defined.
        """
        wanted = sorted(question.custom if names is None else names)
        facts = {name: question.custom[name] for name in wanted if name in question.custom}
        settled = undefined(names, question.custom)
        settled |= {name: self._refused(fact) for name, fact in facts.items() if self._is_refused(fact)}
        asked = {name: fact for name, fact in facts.items() if name not in settled}
        places = {name: _place(fact, question) for name, fact in asked.items() if fact.promql is None}
        return AskedFacts(
            facts=asked,
            settled=settled,
            places=places,
            objects={place: threads.submit(self._object, place, deadline) for place in set(places.values())},
            queries={
                name: prometheus_threads.submit(self._prometheus.number, fact.promql, question, deadline)
                for name, fact in asked.items()
                if fact.promql is not None
            },
        )

    def _is_refused(self, fact: CustomFact) -> bool:
        return fact.promql is None and fact.kind not in self._kinds

    def _refused(self, fact: CustomFact) -> Unobserved:
        why = "are never read as facts" if fact.kind in NEVER_KINDS else "are not on the operator's list of kinds"
        return Unobserved(UnobservedReason.FORBIDDEN, f"{fact.kind}s {why}")

    def _object(self, place: _Place, deadline: Deadline) -> JsonObject | Unobserved | None:
        what = f"get {place.kind} {place.namespace}/{place.name}"
        try:
            resource = patiently(lambda: self._discovery.resource(place.api_version, place.kind), deadline)
            if not resource.namespaced:
                return Unobserved(
                    UnobservedReason.FORBIDDEN, f"{place.kind}s are of the whole cluster, not of the target's namespace"
                )
            try:
                return patiently(lambda: self._api.get(resource, place.name, place.namespace), deadline)
            except NotFoundError:
                # An object that is not there, or a kind that has been removed meanwhile.
                patiently(lambda: self._discovery.resource(place.api_version, place.kind, anew=True), deadline)
                return None
        except ApiError as error:
            return why_unseen(error, what)


def _place(fact: CustomFact, question: Question) -> _Place:
    target = question.target
    return _Place(fact.api_version or "", fact.kind or "", target.namespace, object_name(fact, target))
