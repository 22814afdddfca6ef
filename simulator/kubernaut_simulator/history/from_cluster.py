"""The operator's history straight from a cluster: fetched into a folder by whoever can speak to one, then read.

No cluster is known here. What fetches joins as an entry point of the group `SOURCES`, as commands do, so that no import
crosses from the simulator to the operator.
"""

from datetime import datetime
from importlib.metadata import entry_points
from pathlib import Path

from kubernaut.errors import InputError, MissingExtraError
from kubernaut.history.pulled import CLUSTER, SOURCES, Pull, Pulled
from kubernaut_simulator.progress import Progress, silent

FOLDER = "kubernaut-history"
"""Where history is fetched to when nothing else is said: below the working folder, to be gone on with next time."""


def pull_history(
    folder: Path | str = FOLDER,
    *,
    since: datetime | None = None,
    kubeconfig: Path | str | None = None,
    context: str | None = None,
    namespace: str | None = None,
    port: int | None = None,
    progress: Progress = silent,
) -> Pulled:
    """Fetch the operator's files of history; see `kubernaut.history.pulled.Pull`.

    Raises
    ------
    MissingExtraError
        Nothing that speaks to clusters is installed.
    InputError
        There is no operator, it serves no history, or the caller may not read it.
    """
    if since is not None and since.tzinfo is None:
        raise InputError(f"since {since.isoformat()} has no time zone; give an aware datetime")
    pull = _source()
    return pull(
        Path(folder),
        since=since,
        kubeconfig=None if kubeconfig is None else str(kubeconfig),
        context=context,
        namespace=namespace,
        port=port,
        progress=progress,
    )


def _source() -> Pull:
    found = tuple(entry_points(group=SOURCES, name=CLUSTER))
    why = "the package that speaks to clusters"
    if found:
        try:
            pull: Pull = found[0].load()
        except ImportError as error:
            why = str(error.name)
        else:
            return pull
    raise MissingExtraError(
        f"to fetch history from a cluster {why} is needed; "
        "install it with: pip install 'kubernaut-workbench[simulator,operator]'"
    )
