"""What executions that are gone left behind: locks that nobody gives back any more, Jobs that nobody will read.

Both happen only where somebody took the finalizer off a custom resource by hand, or deleted it together with its
definition. A Job that still runs is left to its own deadline: its effect cannot be taken back by ending it.
"""

from collections.abc import Callable, Iterator

import structlog

from kubernaut.errors import ApiError, ConflictError, NotFoundError
from kubernaut_operator.execution.jobs import JobOwner, Jobs
from kubernaut_operator.execution.kinds import KUBERNETES_EXECUTIONS
from kubernaut_operator.execution.locks import Holder, TargetLocks
from kubernaut_operator.kernel.api import Api
from kubernaut_operator.kernel.controller import Result
from kubernaut_operator.kernel.resources import Key

SWEEP = Key("", "sweep")
"""The one key of the sweeper's queue."""

_log = structlog.get_logger(__name__)


class Sweeper:
    """Looks for what is left behind, again and again.

    Parameters
    ----------
    every_s : float, unit s
    """

    def __init__(self, api: Api, jobs: Jobs, locks: TargetLocks, *, every_s: float) -> None:
        self._api = api
        self._jobs = jobs
        self._locks = locks
        self._every_s = every_s

    def reconcile(self, _: Key) -> Result:
        """Sweep once.

        Raises
        ------
        ApiError
            Something could not be looked at, or removed; the first of what went wrong, told once all else was done.
        """
        failures: list[ApiError] = []
        for sweep in (self._locks_left, self._jobs_left):
            try:
                for clear in sweep():
                    _try(clear, failures)
            except ApiError as error:
                failures.append(error)
        if failures:
            _log.warning("not everything that was left behind could be cleared", failures=len(failures))
            raise failures[0]
        return Result(again_after_s=self._every_s)

    def _locks_left(self) -> Iterator[Callable[[], None]]:
        for name, holder in self._locks.abandoned():

            def give_back(name: str = name, holder: Holder = holder) -> None:
                self._locks.release(name, uid=holder.uid)
                _log.info("a lock was given back whose execution is through", lock=name, execution=str(holder))

            yield give_back

    def _jobs_left(self) -> Iterator[Callable[[], None]]:
        for owner in self._jobs.owners():

            def clear(owner: JobOwner = owner) -> None:
                if self._is_gone(owner):
                    self._jobs.delete(owner.job, uid=owner.uid)
                    _log.info("a Job was deleted whose execution is gone", job=owner.job, execution=str(owner.key))

            if owner.ended:
                yield clear

    def _is_gone(self, owner: JobOwner) -> bool:
        try:
            found = self._api.get(KUBERNETES_EXECUTIONS, owner.key.name, owner.key.namespace)
        except NotFoundError:
            return True
        return str(found["metadata"]["uid"]) != owner.uid


def _try(clear: Callable[[], None], failures: list[ApiError]) -> None:
    """Clear one thing away; somebody else's write in between is no failure, the next sweep sees it."""
    try:
        clear()
    except ConflictError:
        return
    except ApiError as error:
        failures.append(error)
