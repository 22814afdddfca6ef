"""What a write says that the one before it did not, in words: which kinds of writes a run consists of.

A long run makes a hundred writes, and no two runs make them in the same order. Told by what is new in each, every run
of one story says the same words, and a test can name those at which nothing has struck yet.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from helpers.faulty_api import Cut, Fault, Request
from helpers.held_requests import Held, Point, Whose
from kubernaut.json_types import JsonObject

_CHILD = re.compile(r"wf-[0-9a-f-]{36}-step-(\d+)(-rollback)?")
_NEW = ("pinned", "target", "rollbackInfo", "result", "outcome", "finishedAt")
_OF_JOB = ("name", "uid", "createdAt", "finishedAt")
_OF_STEP = ("startedAt", "finishedAt", "result")


@dataclass(slots=True, kw_only=True)
class KindsOfWrites:
    """Says of each write of some workflows what is new in it.

    Attributes
    ----------
    each_step : bool
        Whether steps' executions are told apart by their number; without, only the way forward and back are.
    """

    each_step: bool
    _statuses: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _roles: dict[str, str] = field(default_factory=dict)

    def of(self, request: Request) -> frozenset[str]:
        """Give the words of a write; nothing was carried out yet."""
        resource, name, sub = _place(request.path)
        role, body = self._role(resource, name, request.body), request.body
        if sub == "status":
            before = self._statuses.get(f"{resource}/{name}", {})
            new = set(_told(body["status"])) - set(_told(before))
            return frozenset(f"{role}: status: {one}" for one in new or {"nothing that people see"})
        detail = ""
        if resource == "events":
            detail = f" {body['reason']}"
        elif "finalizers" in ((body or {}).get("metadata") or {}) and request.method == "PATCH":
            detail = " finalizer on" if body["metadata"]["finalizers"] else " finalizer off"
        return frozenset({f"{role}: {request.method} {resource}{detail}"})

    def carried_out(self, request: Request) -> None:
        """Take in a write that the server has answered; nothing happens where it changed nothing."""
        if not request.changes:
            return
        resource, name, sub = _place(request.path)
        if sub == "status":
            self._statuses[f"{resource}/{name}"] = request.body["status"]
        elif request.method in ("POST", "PUT") and resource in ("jobs", "leases"):
            self._roles[request.body["metadata"]["name"]] = self._role(resource, name, request.body)

    def _role(self, resource: str, name: str, body: JsonObject | None) -> str:
        if name in self._roles:
            return self._roles[name]
        metadata: Any = (body or {}).get("metadata") or {}
        about: Any = (body or {}).get("regarding") or {}
        annotations = metadata.get("annotations") or {}
        names = [name, about.get("name"), *annotations.values()]
        if resource == "kubernetesexecutions":
            names.append(metadata.get("name"))
        found = next((one for one in (_CHILD.search(str(text)) for text in names) if one), None)
        if found is None:
            return "workflow"
        what = f"step {found[1]}" if self.each_step else "step"
        return f"rollback of {what}" if found[2] else what


def _place(path: str) -> tuple[str, str, str]:
    """Give resource, name and subresource."""
    parts = path.partition("/namespaces/")[2].split("/")
    _, resource, name, sub, *_ = [*parts, "", "", ""]
    return resource, name, sub


def _told(status: Mapping[str, Any]) -> Iterator[str]:
    """Give what a status says, as far as it is the same in every run of a story."""
    if not status:
        return
    yield status["phase"]
    yield f"reason {status['reason']}"
    yield from (f"has {name}" for name in _NEW if status.get(name) is not None)
    yield from (f"Job's {name}" for name in _OF_JOB if (status.get("job") or {}).get(name))
    if (status.get("engine") or {}).get("over"):
        yield "over"
    for step in status.get("stepStatuses") or ():
        said = f"step {step['stepNumber']}"
        yield f"{said} {step['phase']}"
        yield from (f"{said} has {name}" for name in _OF_STEP if step.get(name) is not None)
        for ref in ("execution", "rollbackExecution"):
            yield from (f"{said} has {ref} {name}" for name in step.get(ref) or {})


class Sweep:
    """Strikes workflows at every kind of write: before those of a status are carried out, and after all of them.

    Rounds follow one another in the lives of some workflows: in each round every workflow is held at the next of its
    writes that says something at which nothing has struck yet.

    Attributes
    ----------
    said, struck : dict of Cut to set of str
        Words that some workflow said, and those at which something struck.
    """

    def __init__(self, whose: Whose, kinds: KindsOfWrites) -> None:
        self._whose = whose
        self._kinds = kinds
        self._held: Held | None = None
        self._round = 0
        self.said: dict[Cut, set[str]] = {cut: set() for cut in Cut}
        self.struck: dict[Cut, set[str]] = {cut: set() for cut in Cut}

    @property
    def left(self) -> set[tuple[str, str]]:
        """What has been said and not been struck at."""
        return {(cut.value, word) for cut in Cut for word in self.said[cut] - self.struck[cut]}

    def hold(self, runs: list[str]) -> Held:
        """Begin a round with the workflows that are not over."""
        self._round += 1
        points = {}
        for place, run in enumerate(runs):
            when = Cut.BEFORE if (place + self._round) % 3 == 0 else Cut.AFTER
            points[run] = Point(is_it=self._is_new(when), when=when)
        self._held = Held(self._whose, points, cut=True)
        return self._held

    def fault_of(self, request: Request) -> Fault | None:
        """To be the proxy's."""
        if request.may_change and self._whose(request) is not None:
            for cut in _cuts(request):
                self.said[cut] |= self._kinds.of(request)
        return None if self._held is None else self._held.fault_of(request)

    def answered(self, request: Request) -> None:
        """To be the proxy's."""
        if request.writes and self._whose(request) is not None:
            self._kinds.carried_out(request)
        if self._held is not None:
            self._held.answered(request)

    def _is_new(self, when: Cut) -> Callable[[Request, int], bool]:
        def is_it(request: Request, _: int) -> bool:
            if not request.may_change or when not in _cuts(request):
                return False
            words = self._kinds.of(request)
            if words <= self.struck[when]:
                return False
            self.struck[when] |= words
            return True

        return is_it


def _cuts(request: Request) -> tuple[Cut, ...]:
    # Before a status is stored rows about it are recorded and nothing else tells of them; before any other write
    # nothing has happened since the last one.
    return (Cut.BEFORE, Cut.AFTER) if request.path.endswith("/status") else (Cut.AFTER,)
