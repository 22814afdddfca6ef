"""The history that one pod of the operator serves, asked for part by part over a connection that may break.

What is asked is `recording/serving.py`'s to answer. A part is a few megabytes: the client behind the port-forward holds
what it got and we did not take yet, and what a broken connection loses is no more than that.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Protocol
from urllib.parse import quote

from kubernaut.errors import UnreachableError
from kubernaut_operator.recording.folder import is_file_name
from kubernaut_operator.recording.serving import LISTING_VERSION, ROOT

PART_BYTES = 4 << 20
TRIES = 3
"""Of one part, each over a connection of its own; a person who waits longer asks again and goes on from there."""

_MAX_LISTING_BYTES = 16 << 20


class Connection(Protocol):
    """What `PortForward` is to this module: a socket, and what was said of it."""

    socket: Any

    def said(self) -> str:
        """Say why nothing comes; empty when nobody knows."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedFile:
    """One file as the pod lists it."""

    name: str
    size: int
    modified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a pod has.

    Attributes
    ----------
    cluster : str
        UID of the cluster; empty when the operator could not ask for it.
    """

    cluster: str
    files: tuple[ServedFile, ...]


class PodHistory:
    """Asks one pod.

    Parameters
    ----------
    pod : str
        Its name, for messages.
    connect : callable
        Gives a new connection to the port on which history is served; may raise ApiError.
    """

    def __init__(self, pod: str, connect: Callable[[], Connection]) -> None:
        self._pod = pod
        self._connect = connect
        self._open: _Http | None = None

    def listing(self) -> Listing:
        """List the files, oldest first.

        Raises
        ------
        ForbiddenError
            The caller may not forward ports of the pod.
        UnreachableError
            It does not answer, or not as an operator does.
        """
        text = self._asked(ROOT, {}, limit=_MAX_LISTING_BYTES)
        try:
            told = json.loads(text)
            if told["version"] != LISTING_VERSION:
                raise UnreachableError(
                    f"{self._pod}: its list of history files is of version {told['version']}, "
                    f"this program reads {LISTING_VERSION}; use the operator's version of it"
                )
            files = tuple(
                ServedFile(
                    name=str(one["name"]), size=int(one["bytes"]), modified_at=datetime.fromisoformat(one["modified"])
                )
                for one in told["files"]
            )
            cluster = str(told["cluster"])
        except (ValueError, KeyError, TypeError) as error:
            raise UnreachableError(f"{self._pod}: what answers there is no history of an operator") from error
        if strange := [file.name for file in files if not is_file_name(file.name)]:
            # A name becomes a file of the person's machine.
            raise UnreachableError(f"{self._pod}: it lists a file of the name {strange[0]!r}, which is none of ours")
        return Listing(cluster=cluster, files=files)

    def part(self, name: str, start: int, size: int) -> bytes:
        """Give bytes of a file from `start` on, at most `PART_BYTES`; none where it has become shorter than that.

        Parameters
        ----------
        size : int
            Of the file as listed: what was written since is left for the next time.

        Raises
        ------
        ForbiddenError, UnreachableError
            See `listing`.
        """
        behind = min(start + PART_BYTES, size)
        headers = {"Range": f"bytes={start}-{behind - 1}"}
        return self._asked(f"{ROOT}/{quote(name, safe='')}", headers, limit=PART_BYTES)

    def close(self) -> None:
        """Close the connection."""
        http, self._open = self._open, None
        if http is not None:
            http.close()

    def _asked(self, path: str, headers: dict[str, str], *, limit: int) -> bytes:
        why = ""
        for _ in range(TRIES):
            http = self._http()
            try:
                http.request("GET", path, headers=headers)
                response = http.getresponse()
                body = response.read(limit + 1)
            except (HTTPException, OSError) as error:
                why = http.said() or str(error) or type(error).__name__
                self.close()
                continue
            if len(body) > limit:
                raise UnreachableError(f"{self._pod}: it answers with more than it was asked for")
            if _is_short(response, body):
                why = http.said() or "the connection broke"
                self.close()
                continue
            return self._body(path, response, body)
        raise UnreachableError(f"{self._pod}: it does not serve its history: {why}")

    def _http(self) -> "_Http":
        """Give the connection, a new one where the other side closed it."""
        if self._open is None or self._open.sock is None:
            self._open = _Http(self._connect())
        return self._open

    def _body(self, path: str, response: HTTPResponse, body: bytes) -> bytes:
        if response.status in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            return body
        if response.status in (HTTPStatus.NOT_FOUND, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE) and path != ROOT:
            # Deleted for its age, or mended, since it was listed.
            return b""
        said = body[:200].decode(errors="replace").strip()
        raise UnreachableError(f"{self._pod}: {response.status} {response.reason}: {said}")


def _is_short(response: HTTPResponse, body: bytes) -> bool:
    """Say whether the connection broke within an answer; for Python, headers that break off are headers that end."""
    told = response.getheader("Content-Length") or ""
    return not told.isdecimal() or len(body) < int(told)


class _Http(HTTPConnection):
    """HTTP over a connection that is there already."""

    def __init__(self, connection: Connection) -> None:
        super().__init__("history")
        self._connection = connection
        self.sock = connection.socket
        # A broken one is not opened again behind our back: it would look for a host of that name.
        self.auto_open = 0

    def said(self) -> str:
        return self._connection.said()

    def close(self) -> None:
        super().close()
        self._connection.close()
