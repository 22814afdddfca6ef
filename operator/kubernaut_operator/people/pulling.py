"""``kubernaut history pull``: the files of history that the operator's pods hold, with the caller's own rights.

Every replica has a volume of its own and served the lead at some time, so every pod is asked; readers of history put
the rows together. The simulator finds `pull` as an entry point of the group `SOURCES` and reads the files.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from kubernaut.errors import ApiError, ForbiddenError, HistoryError, InputError, UnreachableError
from kubernaut.history.pulled import Pulled
from kubernaut.policy.wording import clean_message
from kubernaut_operator.kernel.api import Manifest
from kubernaut_operator.kernel.port_forward import PortForward
from kubernaut_operator.kernel.resources import Resource
from kubernaut_operator.manifests.workload import SELECTOR
from kubernaut_operator.people.pod_history import Connection, Listing, PodHistory, ServedFile
from kubernaut_operator.people.pulled_files import Note, add_members, fetched_bytes, held, wanted
from kubernaut_operator.people.reaching import Place, reach
from kubernaut_operator.settings import HISTORY_PORT, HISTORY_READER, OPERATOR_NAMESPACE

READ_LIMIT_S = 30.0
"""Without a byte for so long the connection counts as dead."""

PODS = Resource(group="", version="v1", plural="pods", kind="Pod")

Connect = Callable[[str], Connection]
"""Gives a connection to the port on which the pod of that name serves its history."""


def pull(
    folder: Path,
    *,
    since: datetime | None = None,
    kubeconfig: str | None = None,
    context: str | None = None,
    namespace: str | None = None,
    port: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Pulled:
    """Fetch; see `kubernaut.history.pulled.Pull`."""
    place = reach(kubeconfig=kubeconfig, context=context, namespace=namespace or OPERATOR_NAMESPACE)
    try:
        with _permitted(place):
            pods = operator_pods(place)

            def connect(pod: str) -> Connection:
                return PortForward(
                    place.api, namespace=place.namespace, pod=pod, port=port or HISTORY_PORT, limit_s=READ_LIMIT_S
                )

            return pull_from(pods, connect, folder, since=since, progress=progress or _silent)
    finally:
        place.api.close()


def operator_pods(place: Place) -> list[Manifest]:
    """List the operator's pods.

    Raises
    ------
    InputError
        There are none.
    """
    labels = ",".join(f"{name}={value}" for name, value in SELECTOR.items())
    try:
        pods, _ = place.api.list_all(PODS, place.namespace, labels=labels)
    except (ForbiddenError, InputError):
        raise
    except ApiError as error:
        raise InputError(f"the API server cannot be asked: {clean_message(error.said or str(error))}") from error
    if not pods:
        raise InputError(
            f"no pod of the operator in namespace {place.namespace} ({labels}); say where it is by --namespace"
        )
    return sorted(pods, key=lambda pod: str(pod["metadata"]["name"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """One file to fetch, from the byte on that is not here yet."""

    source: PodHistory
    file: ServedFile
    start: int


def pull_from(
    pods: list[Manifest],
    connect: Connect,
    folder: Path,
    *,
    since: datetime | None,
    progress: Callable[[str, int, int], None],
) -> Pulled:
    """Fetch what pods serve.

    Raises
    ------
    ForbiddenError
        The caller may not.
    InputError
        No pod serves its history, or the folder cannot be used.
    """
    with ExitStack() as closing:
        left_out: list[str] = []
        asked: dict[str, tuple[PodHistory, Listing]] = {}
        for pod in pods:
            name = str(pod["metadata"]["name"])
            if (state := _state(pod)) != "Running":
                left_out.append(f"{name}: it is {state or 'in no known state'}")
                continue
            source = PodHistory(name, partial(connect, name))
            closing.callback(source.close)
            try:
                asked[name] = source, source.listing()
            except UnreachableError as error:
                left_out.append(clean_message(str(error)))
        if not asked:
            raise InputError("no pod of the operator serves its history:\n" + "\n".join(f"  {one}" for one in left_out))
        closing.enter_context(held(folder))
        note = Note.read(folder)
        for _, listing in asked.values():
            note.belongs_to(listing.cluster)
        todo = {
            name: [
                _Wanted(source=source, file=file, start=_start(folder, note, name, file))
                for file in listing.files
                if wanted(file.modified_at, since)
            ]
            for name, (source, listing) in asked.items()
        }
        fetched = _fetch(folder, note, todo, left_out, progress)
    return Pulled(
        folder=folder,
        pods=tuple(asked),
        files=sum(len(files) for files in todo.values()),
        new_files=sum(bytes_ > 0 for bytes_ in fetched),
        new_bytes=sum(fetched),
        left_out=tuple(left_out),
    )


def _fetch(
    folder: Path,
    note: Note,
    todo: dict[str, list[_Wanted]],
    left_out: list[str],
    progress: Callable[[str, int, int], None],
) -> list[int]:
    """Fetch file after file, note each, and give the bytes that came of each."""
    total = sum(max(one.file.size - one.start, 0) for files in todo.values() for one in files)
    behind, fetched = 0, []
    for pod, files in todo.items():
        noted = note.pods.setdefault(pod, {})
        try:
            for one in files:
                name = one.file.name

                def told(at: int, start: int = one.start, behind: int = behind) -> None:
                    progress("fetching history", behind + at - start, total)

                here = one.start
                try:
                    here = _fetch_one(folder / name, one, told)
                except HistoryError as error:
                    left_out.append(clean_message(f"{pod}: {error}"))
                finally:
                    noted[name] = max(here, fetched_bytes(folder / name, noted=here))
                    fetched.append(noted[name] - one.start)
                    note.write()
                behind += max(one.file.size - one.start, 0)
        except UnreachableError as error:
            left_out.append(clean_message(f"{error} (what came before that is kept; ask again to go on)"))
    return fetched


def _fetch_one(path: Path, one: _Wanted, told: Callable[[int], None]) -> int:
    if one.start >= one.file.size:
        return one.start

    def part(at: int) -> bytes:
        return one.source.part(one.file.name, at, one.file.size)

    return add_members(path, part, start=one.start, size=one.file.size, told=told)


def _start(folder: Path, note: Note, pod: str, file: ServedFile) -> int:
    return fetched_bytes(folder / file.name, noted=note.pods.get(pod, {}).get(file.name, -1))


def _state(pod: Manifest) -> str:
    if "deletionTimestamp" in pod["metadata"]:
        return "being deleted"
    return str((pod.get("status") or {}).get("phase") or "")


@contextmanager
def _permitted(place: Place) -> Iterator[None]:
    """Say of a refusal which right is missing and how it is given."""
    try:
        yield
    except ForbiddenError as error:
        raise InputError(
            f"you may not read the operator's history: {clean_message(error.said or str(error))}\n"
            f"It takes `list` on pods and `get` and `create` on pods/portforward in namespace {place.namespace}; "
            f"the Role {HISTORY_READER} holds them. Who administers the cluster gives it by: kubectl create "
            f"rolebinding NAME --role={HISTORY_READER} --user=YOU --namespace={place.namespace}"
        ) from error


def _silent(what: str, done: int, total: int) -> None:
    """Say nothing."""
