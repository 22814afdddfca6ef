"""One request of a look: tried again while there is time, and what it means when nothing comes of it.

An object's 404 is an answer. Whatever else keeps objects from being seen is a reason that a person can act on; it is a
value, for the look's other facts stand.
"""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from itertools import islice
from typing import TypeAlias, TypeVar

from kubernaut.errors import ApiError, BusyError, ExpiredError, ForbiddenError, NotFoundError, UnreachableError
from kubernaut.facts.objects import KubeObject, ObjectSet
from kubernaut.facts.snapshot import Unobserved, UnobservedReason
from kubernaut_operator.kernel.api import PAGE, Api, Manifest
from kubernaut_operator.live_facts.kinds import Request
from kubernaut_operator.live_facts.slimming import slim

T = TypeVar("T")

Seen: TypeAlias = ObjectSet | Unobserved

_PAUSES_S = (0.1, 0.3, 0.9)
"""Between tries of a read that the server could not serve; reading changes nothing, so it may be tried again."""

_UNAUTHORIZED = 401
_UNAVAILABLE = 503


class Deadline:
    """A moment of the monotonic clock that a look must not pass."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._at = time.monotonic() + limit_s

    @property
    def left_s(self) -> float:
        """Give the time that is left; never below 0."""
        return max(0.0, self._at - time.monotonic())


def see(api: Api, request: Request, deadline: Deadline) -> Seen:
    """Read what a request names; never raises for what the server answers."""
    try:
        found = patiently(lambda: _objects(api, request), deadline)
    except ApiError as error:
        return why_unseen(error, str(request))
    if request.at_most is not None and len(found) > request.at_most:
        return Unobserved(
            UnobservedReason.UNREADABLE, f"{request}: more than {request.at_most}, of which some would be missing"
        )
    return ObjectSet.from_objects(found, listed=[request.resource.kind])


def patiently(call: Callable[[], T], deadline: Deadline) -> T:
    """Call until it succeeds, a few times at most, when what is wrong may pass.

    Raises
    ------
    ApiError
        The last try's.
    """
    for pause_s in _PAUSES_S:
        try:
            return call()
        except (BusyError, ExpiredError, UnreachableError) as error:
            asked_s = error.retry_after_s if isinstance(error, BusyError) else None
            wait_s = max(pause_s, asked_s or 0.0)
            if wait_s >= deadline.left_s:
                raise
            threading.Event().wait(wait_s)
    return call()


def why_unseen(error: ApiError, what: str) -> Unobserved:
    """Say why objects could not be seen.

    Parameters
    ----------
    what : str
        What was tried, e.g. ``list pods in namespace shop``.
    """
    match error:
        case ForbiddenError(status=status):
            if status == _UNAUTHORIZED:
                return Unobserved(UnobservedReason.FORBIDDEN, f"{what}: the API server does not take the token")
            return Unobserved(UnobservedReason.FORBIDDEN, f"the operator's account may not {what}")
        case NotFoundError():
            return Unobserved(UnobservedReason.API_MISSING, f"{what}: the API server has no such API")
        case BusyError(status=status) if status == _UNAVAILABLE:
            return Unobserved(UnobservedReason.API_MISSING, f"{what}: nobody serves it now (503)")
        case BusyError() | ExpiredError() | UnreachableError():
            return Unobserved(UnobservedReason.TIMED_OUT, f"{what}: {_short(error)}")
        case _:
            return Unobserved(UnobservedReason.UNREADABLE, f"{what}: {_short(error)}")


def timed_out(what: str, deadline: Deadline) -> Unobserved:
    """Say that a request had not been answered when the look ended."""
    return Unobserved(UnobservedReason.TIMED_OUT, f"{what}: no answer within {deadline.limit_s:g} s")


def answer_of(future: "Future[T]", what: str, deadline: Deadline) -> T | Unobserved:
    """Give what a request brought; that the look ended before it did is its answer otherwise."""
    if not future.done() or future.cancelled():
        return timed_out(what, deadline)
    return future.result()


def joined(sets: Iterable[ObjectSet]) -> ObjectSet:
    """Put sets without common objects together."""
    by_kind: dict[str, list[KubeObject]] = {}
    listed: set[str] = set()
    unreadable: dict[str, str] = {}
    for one in sets:
        listed |= one.listed_kinds
        unreadable |= one.unreadable
        for kind, members in one.by_kind.items():
            by_kind.setdefault(kind, []).extend(members)
    return ObjectSet(
        by_kind={
            kind: tuple(sorted(members, key=lambda item: (item.namespace, item.name, item.uid)))
            for kind, members in by_kind.items()
        },
        listed_kinds=frozenset(listed),
        unreadable=unreadable,
    )


def _objects(api: Api, request: Request) -> list[Manifest]:
    if not request.name:
        found = api.each(request.resource, request.namespace, fields=request.fields, limit=PAGE)
        return [slim(one, request.kind) for one in islice(found, request.at_most and request.at_most + 1)]
    try:
        return [slim(api.get(request.resource, request.name, request.namespace), request.kind)]
    except NotFoundError:
        return []


def _short(error: ApiError) -> str:
    text = str(error)
    # "GET /path: 500 InternalError: ..." names the path, which `what` has said in words.
    return text.split(": ", 1)[-1] if text.startswith(("GET ", "watch ")) else text
