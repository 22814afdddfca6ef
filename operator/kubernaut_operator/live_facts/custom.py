"""The user's facts: read from objects of the target's namespace, or from Prometheus.

What facts.yaml may ask for was checked when it was loaded (`kubernaut.conditions.custom_facts`). What must never happen
is checked here once more, where the request is made: no Secret, no ConfigMap, no kind that the operator's list lacks,
no other namespace, and no value that is larger or of another type than was promised.
"""

import json
from collections.abc import Collection, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kubernaut.conditions.custom_facts import MAX_EXPRESSION_BYTES, NEVER_KINDS, CustomFact
from kubernaut.conditions.inputs import CustomValues
from kubernaut.errors import ApiError, NotFoundError
from kubernaut.facts.snapshot import Unobserved, UnobservedReason
from kubernaut.json_types import JsonValue
from kubernaut_operator.kernel.api import Api
from kubernaut_operator.live_facts.discovery import Discovery
from kubernaut_operator.live_facts.fetching import Deadline, answer_of, patiently, why_unseen
from kubernaut_operator.live_facts.json_path import value_at
from kubernaut_operator.live_facts.prometheus_facts import PrometheusFacts
from kubernaut_operator.live_facts.question import Question

MAX_VALUE_BYTES = MAX_EXPRESSION_BYTES
"""Of a value, as JSON."""

_TARGETS_NAME = "$name"
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "number": (int, float),
    "string": str,
    "boolean": bool,
    "array": list,
    "object": dict,
}


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
    objects: "Mapping[_Place, Future[JsonValue | Unobserved]]"
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
        place = self.places.get(name)
        future = self.queries[name] if place is None else self.objects[place]
        answer = answer_of(future, f"the custom fact {name}", deadline)
        if isinstance(answer, Unobserved):
            return answer
        if place is not None:
            answer = value_at(fact.json_path or "", answer)
        return _checked(answer, fact)


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
        settled = {name: _undefined(name) for name in wanted if name not in question.custom}
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

    def _object(self, place: _Place, deadline: Deadline) -> "JsonValue | Unobserved":
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
    name = question.target.name if fact.name == _TARGETS_NAME else fact.name
    return _Place(fact.api_version or "", fact.kind or "", question.target.namespace, name)


def _undefined(name: str) -> Unobserved:
    return Unobserved(UnobservedReason.NOT_PROVIDED, f"no facts.yaml defines the custom fact {name}")


def _checked(value: JsonValue, fact: CustomFact) -> "JsonValue | Unobserved":
    if value is None:
        return None
    if not isinstance(value, _TYPES[fact.type]) or (isinstance(value, bool) and fact.type != "boolean"):
        return Unobserved(UnobservedReason.UNREADABLE, f"{_type_of(value)} was found where facts.yaml says {fact.type}")
    size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MAX_VALUE_BYTES:
        return Unobserved(
            UnobservedReason.UNREADABLE, f"the value has {size} bytes; at most {MAX_VALUE_BYTES} are taken"
        )
    return value


def _type_of(value: JsonValue) -> str:
    name = next(name for name in ("boolean", *_TYPES) if isinstance(value, _TYPES[name]))
    return f"an {name}" if name in ("array", "object") else f"a {name}"
