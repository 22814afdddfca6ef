"""Facts that are a query's number, and whether that number tells of the time after the action.

A query looks back over its windows, and where it asks for "now" the newest sample may be five minutes old. After the
action both must lie behind its end, with the tolerance that two clocks need: windows are compared here, the age of
samples is bounded by the server, or taken for the five minutes where the server is too old to be told a bound.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from kubernaut.errors import FactsError
from kubernaut.facts.metrics import CLOCK_TOLERANCE
from kubernaut.facts.promql import about, asks_for_now, looks_back_s, of_before
from kubernaut.facts.registry import REGISTRY
from kubernaut.facts.snapshot import Unobserved, UnobservedReason
from kubernaut.facts.workloads import DEPLOYMENT
from kubernaut.json_types import JsonValue
from kubernaut_operator.live_facts.fetching import Deadline
from kubernaut_operator.live_facts.prometheus import Prometheus
from kubernaut_operator.live_facts.question import Question

_USUAL_LOOKBACK = timedelta(minutes=5)
"""Prometheus' own: a sample that is older does not stand for "now"."""

_NOBODY = Unobserved(UnobservedReason.NOT_PROVIDED, "the operator was given no Prometheus (--prometheus-url)")


class PrometheusFacts:
    """Queries about a question's target.

    Parameters
    ----------
    prometheus : Prometheus or None
        None: every fact is unobserved.
    clock : callable
        The time now, aware.
    """

    def __init__(self, prometheus: Prometheus | None, *, clock: Callable[[], datetime]) -> None:
        self._prometheus = prometheus
        self._clock = clock

    def fact(self, name: str, question: Question, deadline: Deadline) -> "JsonValue | Unobserved":
        """Give a registered fact of Prometheus."""
        if question.target.kind != DEPLOYMENT:
            return Unobserved(
                UnobservedReason.NOT_PROVIDED,
                f"it is asked for a Deployment, and the target is a {question.target.kind}",
            )
        return self.number(REGISTRY[name].series, question, deadline)

    def number(self, query: str, question: Question, deadline: Deadline) -> "JsonValue | Unobserved":
        """Give the number of a query with ``$namespace`` and ``$name`` in it."""
        if self._prometheus is None:
            return _NOBODY
        ended = question.action_ended_at
        try:
            asked = about(query, question.target)
            window = timedelta(seconds=0.0 if ended is None else looks_back_s(query))
        except (FactsError, OverflowError) as error:
            return Unobserved(UnobservedReason.UNREADABLE, str(error))
        lookback = None
        if ended is not None and asks_for_now(query):
            lookback = min(self._clock() - ended + CLOCK_TOLERANCE, _USUAL_LOOKBACK)
            if not self._prometheus.takes_lookback(deadline):
                window += _USUAL_LOOKBACK
        sample = self._prometheus.query(asked, lookback=lookback, deadline=deadline)
        if isinstance(sample, Unobserved):
            return sample
        early = None if ended is None else of_before(window, at=sample.at, ended=ended)
        if early is not None:
            return early
        return sample.value
