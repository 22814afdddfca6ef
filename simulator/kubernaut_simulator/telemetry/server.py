"""One Prometheus, asked through `prometheus-api-client` and never for more than it gives at once.

Every instant is aware. Names that come from outside are checked before they stand in a query, metrics are named one by
one, ranges are cut so that no answer has more than 11,000 points a series (Prometheus refuses more), and answers that
grow too large are refused with what to do. What the samples mean is not known here.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util.retry import Retry

from kubernaut.errors import InputError

MAX_POINTS = 11_000
"""Points a series that Prometheus gives in one answer to a range query."""

MAX_SAMPLES = 5_000_000
"""Samples of one question, over all of its answers: about 1 GB of memory here."""

RAW_WINDOW = timedelta(hours=1)
"""The longest stretch of raw samples that one request asks for."""

TIMEOUT_S = 30.0
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_TRY_AGAIN = (429, 502, 503, 504)

Answer = TypeVar("Answer")


class Series(NamedTuple):
    """One series: its metric, its labels, and its samples in order of time.

    Attributes
    ----------
    times_s : list of float
        Seconds since 1970.
    """

    metric: str
    labels: Mapping[str, str]
    times_s: list[float]
    values: list[float]


def require_aware(instant: datetime, what: str) -> datetime:
    """Give an instant in UTC; one without a time zone is refused.

    Raises
    ------
    InputError
        It has none: nobody knows which instant is meant.
    """
    if instant.tzinfo is None:
        raise InputError(f"{what} {instant.isoformat()} has no time zone; write it with Z or an offset such as +01:00")
    return instant.astimezone(UTC)


def selector(metrics: Iterable[str], matchers: Mapping[str, str]) -> str:
    """Give a selector of series by the names of their metrics, if any are given, and by labels.

    Raises
    ------
    InputError
        A name is none that Prometheus allows.
    """
    names = sorted(set(metrics))
    for name in names:
        if not _METRIC.fullmatch(name):
            raise InputError(f"{name!r} is no name of a metric")
    for label in matchers:
        if not _LABEL.fullmatch(label):
            raise InputError(f"{label!r} is no name of a label; write it as cluster=prod")
    parts = [f'{label}="{_quoted(value)}"' for label, value in sorted(matchers.items())]
    if not names:
        return "{" + ",".join(parts) + "}"
    if len(names) == 1:
        return f"{names[0]}{{{','.join(parts)}}}"
    named = '__name__=~"' + "|".join(names) + '"'
    return "{" + ",".join([named, *parts]) + "}"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusServer:
    """A Prometheus server and the part of it that is meant.

    Attributes
    ----------
    url : str
    matchers : mapping of str to str
        Labels that every series asked for must have, such as ``cluster``.
    token : str
        Sent as a bearer token; empty for none.
    timeout_s : float
        Of one request.
    """

    url: str
    matchers: Mapping[str, str] = field(default_factory=dict)
    token: str = field(default="", repr=False)
    timeout_s: float = TIMEOUT_S
    _kept: list[PrometheusConnect] = field(default_factory=list, init=False, repr=False, compare=False)

    def raw(
        self, metrics: Iterable[str], start: datetime, end: datetime, *, matchers: Mapping[str, str] | None = None
    ) -> list[Series]:
        """Give the samples as they were scraped, in (start, end], both ends where the server includes them.

        Parameters
        ----------
        matchers : mapping of str to str, or None
            Beside those of the server.

        Raises
        ------
        InputError
            No answer, an error of the server, an instant without time zone, or too much.
        """
        chosen = selector(metrics, {**self.matchers, **(matchers or {})})
        start, end = require_aware(start, "the start"), require_aware(end, "the end")
        answers = []
        for first, last in _cut(start, end, RAW_WINDOW):
            window_ms = max(1, math.ceil((last - first) / timedelta(milliseconds=1)))
            query = f"{chosen}[{window_ms}ms]"
            answers.append(self._instant(query, last))
            _check_size(answers)
        return _joined(one for answer in answers for one in answer)

    def ranged(self, query: str, start: datetime, end: datetime, step: timedelta) -> list[Series]:
        """Give a query's value at every step, in requests of at most 11,000 points.

        Raises
        ------
        InputError
            As for `raw`.
        """
        start, end = require_aware(start, "the start"), require_aware(end, "the end")
        step_s = max(1, math.ceil(step.total_seconds()))
        answers = []
        # The client rounds instants to seconds, so all of them lie on whole ones.
        first_s, last_s = math.ceil(start.timestamp()), math.floor(end.timestamp())
        for at_s in range(first_s, last_s + 1, step_s * MAX_POINTS):
            until_s = min(at_s + step_s * (MAX_POINTS - 1), last_s)
            answers.append(self._points(query, at_s, until_s, step_s))
            _check_size(answers)
        return _joined(one for answer in answers for one in answer)

    def now(self, query: str, at: datetime) -> list[Series]:
        """Give a query's value at an instant.

        Raises
        ------
        InputError
            As for `raw`.
        """
        return _joined(
            {**one, "values": [one["value"]]} for one in self._instant(query, require_aware(at, "the instant"))
        )

    def narrowed(self, query: str) -> str:
        """Give a query of ours whose selectors also ask for the server's labels."""
        if not self.matchers:
            return query
        parts = ",".join(f'{label}="{_quoted(value)}"' for label, value in sorted(self.matchers.items()))
        return query.replace("{", "{" + parts + ",")

    def metric_names(self, start: datetime, end: datetime) -> frozenset[str]:
        """Give the names of the metrics that have a sample in a window."""
        asked: dict[str, Any] = {"start": start.timestamp(), "end": end.timestamp()}
        if self.matchers:
            asked["match[]"] = selector((), self.matchers)
        return frozenset(self._ask("names of metrics", lambda: self._client.all_metrics(params=asked)))

    def described(self) -> frozenset[str]:
        """Give the names of the metrics that targets describe now, whether or not they have samples.

        Servers that only speak Prometheus' query language describe none.
        """
        try:
            told = self._client.get_metric_metadata(metric=None)
        except (PrometheusApiClientException, requests.RequestException, ValueError, KeyError):
            return frozenset()
        return frozenset(one["metric_name"] for one in told)

    def label_names(self, metric: str, start: datetime, end: datetime) -> frozenset[str]:
        """Give the labels of a metric's series in a window."""
        asked = {"match[]": selector([metric], self.matchers), "start": start.timestamp(), "end": end.timestamp()}
        return frozenset(self._ask(metric, lambda: self._client.get_label_names(params=asked)))

    @property
    def _client(self) -> PrometheusConnect:
        if not self._kept:
            if not re.match(r"https?://[^\s/?#]+", self.url):
                raise InputError(f"{self.url!r} is no URL of a Prometheus; write http://host:9090")
            headers = {"Authorization": f"Bearer {self.token}"} if self.token else None
            retry = Retry(total=2, backoff_factor=0.2, status_forcelist=_TRY_AGAIN)
            self._kept.append(
                PrometheusConnect(
                    url=self.url.rstrip("/"), headers=headers, retry=retry, timeout=self.timeout_s, method="POST"
                )
            )
        return self._kept[0]

    def _points(self, query: str, first_s: int, last_s: int, step_s: int) -> list[dict[str, Any]]:
        first, last = datetime.fromtimestamp(first_s, UTC), datetime.fromtimestamp(last_s, UTC)
        limit = {"timeout": f"{math.ceil(self.timeout_s)}s"}
        return self._ask(
            query, lambda: self._client.custom_query_range(query, first, last, step=str(step_s), params=limit)
        )

    def _instant(self, query: str, at: datetime) -> list[dict[str, Any]]:
        asked = {"time": f"{at.timestamp():.3f}", "timeout": f"{math.ceil(self.timeout_s)}s"}
        return self._ask(query, lambda: self._client.custom_query(query, params=asked))

    def _ask(self, what: str, ask: Callable[[], Answer]) -> Answer:
        shown = what if len(what) <= 120 else f"{what[:117]}..."
        try:
            return ask()
        except PrometheusApiClientException as error:
            raise InputError(f"Prometheus at {self.url} did not answer {shown}: {str(error)[:300]}") from error
        except (requests.RequestException, ValueError, KeyError) as error:
            raise InputError(f"Prometheus at {self.url} cannot be asked: {str(error)[:300]}; check --url") from error


def _cut(start: datetime, end: datetime, length: timedelta) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        last = min(start + length, end)
        yield start, last
        start = last


def _check_size(answers: list[list[dict[str, Any]]]) -> None:
    samples = sum(len(one.get("values", ())) for answer in answers for one in answer)
    if samples > MAX_SAMPLES:
        raise InputError(
            f"Prometheus gave more than {MAX_SAMPLES:,} samples; ask for one namespace (-n), a shorter window, "
            "or a longer step"
        )


def _joined(answers: Iterable[Mapping[str, Any]]) -> list[Series]:
    """Join the pieces of each series; where two pieces have the same instant it counts once."""
    pieces: dict[tuple[tuple[str, str], ...], dict[float, float]] = {}
    for one in answers:
        samples = pieces.setdefault(tuple(sorted(one["metric"].items())), {})
        samples.update((float(at), float(value)) for at, value in one["values"])
    found = []
    for key, samples in pieces.items():
        labels = dict(key)
        times_s = sorted(samples)
        found.append(Series(labels.pop("__name__", ""), labels, times_s, [samples[at] for at in times_s]))
    return found
