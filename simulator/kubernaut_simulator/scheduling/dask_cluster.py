"""Partitions carried out by a Dask cluster.

The cluster is the user's: this only connects, hands out and lets go. Dask itself carries work of a dead worker to
another one, a few times. Versions are compared before anything is handed out, because values travel as pickles: Python,
dask and this package must be the same here and on every worker, or answers could differ without a word.
"""

from __future__ import annotations

import platform
import warnings
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from typing import Any, TypeVar

from kubernaut import __version__
from kubernaut.errors import KubernautError, MissingExtraError, SchedulerError
from kubernaut_simulator.scheduling.scheduler import AHEAD_PER_JOB, in_order

P = TypeVar("P")
R = TypeVar("R")

CONNECT_TIMEOUT_S = 10.0
"""For the scheduler's answer, and then for its first worker."""

GRAPH_BYTES = "1 GiB"
"""Above this size Dask warns of a large task. A partition of tables held here has to travel with its task: data sent
ahead of it would be lost with the worker that holds it."""


class DaskScheduler:
    """Several partitions at once, on the workers of a cluster.

    Parameters
    ----------
    address : str
        ``HOST:PORT`` of its scheduler.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    @property
    def name(self) -> str:
        """As it is written."""
        return f"dask://{self._address}"

    def map(self, function: Callable[[P], R], partitions: Iterable[P]) -> Iterator[R]:
        """See `Scheduler.map`."""
        dask, distributed = _libraries()
        client = self._connected(distributed)
        try:
            threads = self._checked(client)
            with dask.config.set({"distributed.admin.large-graph-warning-threshold": GRAPH_BYTES}):
                yield from in_order(
                    lambda partition: client.submit(function, partition, pure=False),
                    partitions,
                    ahead=threads * AHEAD_PER_JOB,
                )
        except distributed.KilledWorker as error:
            raise SchedulerError(
                f"a partition ended every Dask worker at {self._address} that tried it ({error}): most likely out of "
                "memory; use a smaller --partition-size, or workers with more memory"
            ) from error
        except (OSError, distributed.client.FutureCancelledError) as error:
            if isinstance(error, KubernautError):
                raise
            raise SchedulerError(
                f"the Dask scheduler at {self._address} went away while it worked ({error}); start it and run again"
            ) from error
        finally:
            client.close()

    def _connected(self, distributed: Any) -> Any:
        try:
            with warnings.catch_warnings():
                # Dask only warns of other versions; `_checked` says what differs and refuses.
                warnings.simplefilter("ignore", distributed.versions.VersionMismatchWarning)
                return distributed.Client(f"tcp://{self._address}", timeout=CONNECT_TIMEOUT_S, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise SchedulerError(
                f"no Dask scheduler answers at {self._address}; check host and port, or start one: `dask scheduler`, "
                f"then `dask worker tcp://{self._address}` where the work shall be done"
            ) from error

    def _checked(self, client: Any) -> int:
        """Give how many partitions the workers can do at once.

        Raises
        ------
        SchedulerError
            There is no worker, or one runs other versions.
        """
        try:
            client.wait_for_workers(1, timeout=CONNECT_TIMEOUT_S)
        except TimeoutError as error:
            raise SchedulerError(
                f"the Dask scheduler at {self._address} has no worker; start some: `dask worker tcp://{self._address}`"
            ) from error
        here = versions()
        try:
            found = client.run(versions)
        except (ImportError, AttributeError) as error:
            raise SchedulerError(
                f"a Dask worker at {self._address} cannot load this package ({error}); on every worker: "
                f"pip install 'kubernaut-workbench[distributed]=={__version__}'"
            ) from error
        for worker, there in sorted(found.items()):
            differing = [
                f"{name} {there.get(name)} instead of {here[name]}" for name in here if there.get(name) != here[name]
            ]
            if differing:
                raise SchedulerError(
                    f"Dask worker {worker} runs {', '.join(differing)}; install the same versions everywhere"
                )
        threads: int = sum(client.nthreads().values())
        return max(1, threads)


def versions() -> dict[str, str]:
    """Give the versions that must be the same where values are pickled and where they are read."""
    return {
        "Python": ".".join(platform.python_version_tuple()[:2]),
        **{name: version(name) for name in ("dask", "distributed", "numpy", "pandas", "pyarrow")},
        "kubernaut-workbench": __version__,
    }


def _libraries() -> tuple[Any, Any]:
    try:
        import dask  # noqa: PLC0415 - an extra
        import distributed  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError(
            "a dask:// scheduler needs Dask: pip install 'kubernaut-workbench[distributed]'"
        ) from error
    return dask, distributed
