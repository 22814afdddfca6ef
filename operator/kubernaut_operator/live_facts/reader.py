"""One look at the cluster."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from kubernaut.facts.baseline import Baseline
from kubernaut.facts.objects import Target
from kubernaut_operator.kernel.api import Api
from kubernaut_operator.live_facts.question import LOOK_LIMIT_S, Question, Reading, SeenTarget


def _now() -> datetime:
    return datetime.now(UTC)


class FactReader:
    """Reads facts for the engine; safe to share between threads.

    Parameters
    ----------
    api : Api
    prometheus_url : str
        The one Prometheus that may be asked; empty for none.
    custom_kinds : sequence of str
        Kinds of objects that custom facts may read; Secrets and ConfigMaps never.
    clock : callable
        The time now, aware.
    """

    def __init__(
        self,
        api: Api,
        *,
        prometheus_url: str = "",
        custom_kinds: Sequence[str] = (),
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._api = api

    def read(self, question: Question) -> Reading:
        """Look once; never raises for what the cluster answers."""
        raise NotImplementedError

    def take_baseline(self, target: Target, *, limit_s: float = LOOK_LIMIT_S) -> Baseline:
        """Take what the target looks like before the action; what cannot be seen is said in it."""
        raise NotImplementedError

    def read_target(self, target: Target, *, related: Sequence[str] = ()) -> SeenTarget:
        """Read the target itself, and kinds of objects beside it that the action asks for.

        Raises
        ------
        ForbiddenError, BusyError, UnreachableError
            Nobody could look.
        """
        raise NotImplementedError

    def close(self) -> None:
        """End the threads; looks in flight end with what they have."""
        raise NotImplementedError
