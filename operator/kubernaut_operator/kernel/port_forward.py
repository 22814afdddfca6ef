"""One connection to a port of a pod, through the API server and the kubelet; nothing listens on this machine.

The client's own port-forward does the work. Here its one error becomes those of `kubernaut.errors`, and what the
kubelet says when nothing listens in the pod is kept.
"""

from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from kubernetes.client import ApiClient, CoreV1Api
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import portforward

from kubernaut.errors import ApiError, UnreachableError
from kubernaut_operator.kernel.answers import error_of, status_of
from kubernaut_operator.kernel.api import Api


class PortForward:
    """An open connection.

    Parameters
    ----------
    api : Api
    limit_s : float, unit s
        Of one read or write on the socket.

    Raises
    ------
    ForbiddenError
        The caller may not forward ports of this pod.
    NotFoundError
        There is no such pod.
    UnreachableError
        The API server or the kubelet does not answer.
    """

    def __init__(self, api: Api, *, namespace: str, pod: str, port: int, limit_s: float) -> None:
        self._port = port
        self._where = f"{namespace}/{pod} port {port}"
        # The client's way to a websocket replaces a method of the client for a while: so it gets one of its own.
        client = ApiClient(api.configuration)
        try:
            self._forward: Any = portforward(
                CoreV1Api(client).connect_get_namespaced_pod_portforward, pod, namespace, ports=str(port)
            )
        except ApiException as error:
            raise _refused(f"port-forward to {self._where}", error) from error
        self.socket: Any = self._forward.socket(port)
        self.socket.settimeout(limit_s)

    def said(self) -> str:
        """Give what the kubelet said of the port; nothing while all is well."""
        return str(self._forward.error(self._port) or "").strip()

    def close(self) -> None:
        """Close it; the client's thread behind it ends by that."""
        with suppress(OSError):
            self._forward.close()


def _refused(what: str, error: ApiException) -> ApiError:
    """Give the error that the answer to the request for a websocket means."""
    answer = error.__context__
    code = getattr(answer, "status_code", None)
    if code is None:
        return UnreachableError(f"{what}: no answer: {answer or error.reason}")
    headers: Mapping[str, str] = getattr(answer, "resp_headers", None) or {}
    body: Any = getattr(answer, "resp_body", None) or b""
    status = status_of(body if isinstance(body, bytes) else str(body).encode())
    if code == HTTPStatus.BAD_REQUEST:
        # A pod that is not placed on a node yet, or a kubelet that is not there.
        return UnreachableError(f"{what}: {status.get('message', 'refused')}", status=code)
    return error_of(what, code, status, headers)
