"""One Prometheus over plain HTTP: one query, one number.

It is not trusted with more than that: no redirect is followed, an answer is bounded in size and time, and whatever is
not exactly one number is a reason.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

import urllib3

from kubernaut.errors import SettingsError
from kubernaut.facts.snapshot import Unobserved, UnobservedReason
from kubernaut_operator.live_facts.fetching import Deadline

MAX_ANSWER_BYTES = 64 * 1024
_CONNECT_LIMIT_S = 2.0
_PIECE_BYTES = 8 * 1024
_PATH = "/api/v1/query"
_INFO = "PromQL info"
"""How Prometheus 2.48 to 2.5x begin what is no warning but advice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A query's number.

    Attributes
    ----------
    at : datetime
        When it was computed, by Prometheus' clock.
    """

    value: float
    at: datetime


class _Answer(NamedTuple):
    status: int
    text: bytes


class Prometheus:
    """One server; safe to share between threads.

    Parameters
    ----------
    url : str
        ``http://host:port``, or https, with a path before ``/api/v1`` where it has one.

    Raises
    ------
    SettingsError
        It is no such URL.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = urllib3.util.parse_url(url)
        except urllib3.exceptions.LocationParseError as error:
            raise SettingsError(f"Prometheus' URL {url!r} cannot be read: {error}") from error
        if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.fragment or parsed.auth:
            raise SettingsError(f"Prometheus' URL {url!r}: write http://host:port, without user and query")
        self.url = url.rstrip("/")
        self._pool = urllib3.PoolManager(retries=False)
        self._takes_lookback: bool | None = None

    def query(self, query: str, *, lookback: timedelta | None, deadline: Deadline) -> Sample | Unobserved:
        """Ask for the number that a query gives now.

        Parameters
        ----------
        lookback : timedelta or None
            How old a sample may be that stands for "now"; None leaves Prometheus' own five minutes.
        """
        fields = {"query": query}
        if lookback is not None:
            fields["lookback_delta"] = f"{max(1, math.ceil(lookback / timedelta(milliseconds=1)))}ms"
        answer = self._post(fields, deadline)
        return answer if isinstance(answer, Unobserved) else self._sample(answer)

    def takes_lookback(self, deadline: Deadline) -> bool:
        """Say whether `lookback` has any effect: Prometheus before 2.44 passes it over without a word."""
        if self._takes_lookback is None:
            answer = self._post({"query": "1", "lookback_delta": "none"}, deadline)
            if isinstance(answer, Unobserved):
                return False
            self._takes_lookback = answer.status == HTTPStatus.BAD_REQUEST
        return self._takes_lookback

    def _post(self, fields: Mapping[str, str], deadline: Deadline) -> _Answer | Unobserved:
        limit_s = deadline.left_s
        if limit_s <= 0:
            return _late(deadline)
        try:
            response = self._pool.request(
                "POST",
                self.url + _PATH,
                fields={**fields, "timeout": f"{math.ceil(limit_s * 1000)}ms"},
                encode_multipart=False,
                headers={"Accept": "application/json"},
                redirect=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=min(_CONNECT_LIMIT_S, limit_s), read=limit_s),
            )
            try:
                return self._read(response, deadline)
            finally:
                response.close()
        except urllib3.exceptions.NewConnectionError:
            return Unobserved(UnobservedReason.API_MISSING, f"Prometheus at {self.url} cannot be reached")
        except urllib3.exceptions.TimeoutError:
            return _late(deadline)
        except urllib3.exceptions.HTTPError as error:
            return Unobserved(UnobservedReason.API_MISSING, f"Prometheus at {self.url} does not answer: {error}")

    def _read(self, response: Any, deadline: Deadline) -> _Answer | Unobserved:
        if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
            where = response.headers.get("Location", "elsewhere")
            return _unreadable(f"Prometheus at {self.url} answers with a redirect to {where}; none is followed")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            return _unreadable(f"Prometheus at {self.url} answers compressed, which was not asked for")
        text = b""
        while piece := response.read1(_PIECE_BYTES):
            text += piece
            if len(text) > MAX_ANSWER_BYTES:
                return _unreadable(f"Prometheus' answer is larger than {MAX_ANSWER_BYTES // 1024} KiB")
            if deadline.left_s <= 0:
                return _late(deadline)
        return _Answer(response.status, text)

    def _sample(self, answer: _Answer) -> Sample | Unobserved:
        try:
            document = json.loads(answer.text)
        except (ValueError, RecursionError):
            return self._not_ok(answer.status, answer.text.decode(errors="replace").strip()[:100] or "nothing")
        known = document if isinstance(document, dict) else {}
        if answer.status != HTTPStatus.OK or known.get("status") != "success":
            said = str(known.get("error") or "with something that is no answer of Prometheus'")
            return self._not_ok(answer.status, said[:200])
        return _sample(known)

    def _not_ok(self, status: int, said: str) -> Unobserved:
        detail = f"Prometheus at {self.url} answered {status}: {said}"
        match status:
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
                return Unobserved(UnobservedReason.FORBIDDEN, detail)
            case HTTPStatus.NOT_FOUND | HTTPStatus.BAD_GATEWAY:
                return Unobserved(UnobservedReason.API_MISSING, detail)
            case HTTPStatus.SERVICE_UNAVAILABLE | HTTPStatus.GATEWAY_TIMEOUT | HTTPStatus.TOO_MANY_REQUESTS:
                return Unobserved(UnobservedReason.TIMED_OUT, detail)
            case _:
                return Unobserved(UnobservedReason.UNREADABLE, detail)


def _sample(answer: dict[str, Any]) -> Sample | Unobserved:
    warnings = [str(one) for one in answer.get("warnings") or () if not str(one).startswith(_INFO)]
    if warnings:
        return _unreadable(f"Prometheus warns that the answer is not whole: {warnings[0][:200]}")
    try:
        kind, result = answer["data"]["resultType"], answer["data"]["result"]
        if kind == "vector":
            if not result:
                return Unobserved(UnobservedReason.NOT_PROVIDED, "the query gives no sample")
            if len(result) > 1:
                return _unreadable(f"the query gives {len(result)} samples; a fact is one number: aggregate them")
            moment, value = result[0]["value"]
        elif kind == "scalar":
            moment, value = result
        else:
            return _unreadable(f"the query gives a {kind}; a fact is one number")
        number = float(value)
        at = datetime.fromtimestamp(float(moment), tz=UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return _unreadable("Prometheus' answer has another form than its API documents")
    if not math.isfinite(number):
        return _unreadable(f"the query gives {value}, which is no number that can be judged")
    return Sample(value=number, at=at)


def _late(deadline: Deadline) -> Unobserved:
    return Unobserved(UnobservedReason.TIMED_OUT, f"Prometheus gave no answer within {deadline.limit_s:g} s")


def _unreadable(detail: str) -> Unobserved:
    return Unobserved(UnobservedReason.UNREADABLE, detail)
