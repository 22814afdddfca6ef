"""The Kubernetes API as dicts, over the official client: one attempt a call, a time limit on each.

The client brings kubeconfig, tokens and TLS. Its own retries are off: who may try again, and when, is decided where
the request's meaning is known. Every write passes the `may_write` check just before it is sent, so that a replica
that lost its lead sends none.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import urllib3
from kubernetes import config
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException

from kubernaut.errors import (
    ApiError,
    UnreachableError,
)
from kubernaut_operator.kernel.answers import error_of, lines_of, status_of
from kubernaut_operator.kernel.resources import Resource

Manifest = dict[str, Any]

CONNECT_LIMIT_S = 5.0
CALL_LIMIT_S = 10.0
"""Of one request, from its first byte to its last."""

PAGE = 500
"""Objects a page of a list; client-go's default."""

SMALL_PAGE = 50
"""Objects a page where only one page is held: some of them are tens of kilobytes."""

_MERGE = "application/merge-patch+json"
_JSON = "application/json"
_METADATA_LIST = f"{_JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,{_JSON}"
_METADATA = f"{_JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1,{_JSON}"

_BEARER = {"authorization": "Bearer"}
_OF_THE_SERVER = (
    "ssl_ca_cert",
    "ca_cert_data",
    "verify_ssl",
    "assert_hostname",
    "tls_server_name",
    "proxy",
    "no_proxy",
    "retries",
)
"""What of a client's settings is about the server and not about who asks."""


class Api:
    """Requests to one API server.

    Parameters
    ----------
    client : ApiClient
    may_write : callable or None
        Called before each write; raises to keep it from being sent. None lets every write through.
    on_request : callable or None
        Told of each request that is sent: its method, and its path.
    identity : sequence of (str, str)
        Headers that say as whom each request is made, where that is not whom the credentials name.
    """

    def __init__(
        self,
        client: ApiClient,
        *,
        may_write: Callable[[], None] | None = None,
        on_request: Callable[[str, str], None] | None = None,
        identity: Sequence[tuple[str, str]] = (),
    ) -> None:
        self._client = client
        self._may_write = may_write
        self._on_request = on_request
        self._identity = tuple(identity)

    def guarded(self, may_write: Callable[[], None]) -> "Api":
        """Give the same API with a check before each write."""
        return Api(self._client, may_write=may_write, on_request=self._on_request, identity=self._identity)

    def counted(self, on_request: Callable[[str, str], None]) -> "Api":
        """Give the same API that tells of each request."""
        return Api(self._client, may_write=self._may_write, on_request=on_request, identity=self._identity)

    def impersonating(self, user: str, groups: Sequence[str] = ()) -> "Api":
        """Give the same API as somebody else sees it; the server asks whether we may act as them."""
        identity = [("Impersonate-User", user), *(("Impersonate-Group", group) for group in groups)]
        return Api(self._client, may_write=self._may_write, on_request=self._on_request, identity=identity)

    def as_bearer(self, token: str) -> "Api":
        """Give the same server as the holder of a token sees it: none of our own credentials go along."""
        ours = self._client.configuration
        theirs = Configuration(host=ours.host, api_key={"authorization": token}, api_key_prefix=_BEARER)
        for name in _OF_THE_SERVER:
            setattr(theirs, name, getattr(ours, name))
        return Api(ApiClient(theirs), may_write=self._may_write, on_request=self._on_request)

    @property
    def configuration(self) -> Configuration:
        """How the server is reached, for what speaks to it in another way."""
        configuration: Configuration = self._client.configuration
        return configuration

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()
        # The client's own `close` leaves the connections open until they are collected.
        self._client.rest_client.pool_manager.clear()

    def get(self, resource: Resource, name: str, namespace: str = "", *, subresource: str = "") -> Manifest:
        """Read one object by a quorum read.

        Raises
        ------
        NotFoundError, ForbiddenError, BusyError, UnreachableError
        """
        return self._json("GET", resource.path(namespace, name, subresource))

    def list_all(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        labels: str = "",
        fields: str = "",
        limit: int = PAGE,
        metadata_only: bool = False,
    ) -> tuple[list[Manifest], str]:
        """Read all objects of a kind, page by page.

        Parameters
        ----------
        labels, fields : str
            Selectors in Kubernetes' form; empty for none.
        metadata_only : bool
            Leave out all but the objects' metadata, for those who want to know which there are.

        Returns
        -------
        list of dict, str
            The objects, each with its apiVersion and kind; the resourceVersion to watch from.

        Raises
        ------
        ExpiredError
            It took so long that the server forgot the list's beginning; list again.
        """
        found: list[Manifest] = []
        version = ""
        for page, version in self._pages(  # noqa: B007 - that of the last page counts
            resource, namespace, labels=labels, fields=fields, limit=limit, metadata_only=metadata_only
        ):
            found += page
        return found, version

    def each(
        self, resource: Resource, namespace: str = "", *, fields: str = "", limit: int = SMALL_PAGE
    ) -> Iterator[Manifest]:
        """Read all objects of a kind without holding more than a page of them.

        Parameters
        ----------
        fields : str
            Field selector; empty for none.

        Raises
        ------
        ExpiredError
            It took so long that the server forgot the list's beginning; begin again.
        """
        for page, _ in self._pages(resource, namespace, fields=fields, limit=limit):
            yield from page

    def _pages(
        self,
        resource: Resource,
        namespace: str,
        *,
        labels: str = "",
        fields: str = "",
        limit: int,
        metadata_only: bool = False,
    ) -> Iterator[tuple[list[Manifest], str]]:
        query = {"labelSelector": labels, "fieldSelector": fields, "limit": str(limit), "continue": ""}
        accept = _METADATA_LIST if metadata_only else _JSON
        own = {"apiVersion": resource.api_version, "kind": resource.kind}
        while True:
            page = self._json("GET", resource.path(namespace), query=query, accept=accept)
            query["continue"] = page["metadata"].get("continue", "")
            yield [own | item for item in page["items"] or ()], str(page["metadata"].get("resourceVersion", ""))
            if not query["continue"]:
                return

    def create(
        self, resource: Resource, manifest: Manifest, namespace: str = "", *, name: str = "", subresource: str = ""
    ) -> Manifest:
        """Create an object, or post to the subresource of one.

        Raises
        ------
        ConflictError
            One of the name is there (reason ``AlreadyExists``).
        """
        return self._json("POST", resource.path(namespace, name, subresource), body=manifest)

    def replace(self, resource: Resource, manifest: Manifest, *, subresource: str = "") -> Manifest:
        """Put an object in place of the one whose resourceVersion it carries.

        Raises
        ------
        ConflictError
            Somebody else wrote first.
        """
        metadata = manifest["metadata"]
        path = resource.path(metadata.get("namespace", ""), metadata["name"], subresource)
        return self._json("PUT", path, body=manifest)

    def patch(
        self,
        resource: Resource,
        name: str,
        namespace: str,
        change: Mapping[str, Any] | list[Manifest],
        *,
        content_type: str = _MERGE,
        subresource: str = "",
        query: Mapping[str, str] | None = None,
    ) -> Manifest:
        """Change an object by a patch, a merge patch where `content_type` says nothing else."""
        path = resource.path(namespace, name, subresource)
        return self._json("PATCH", path, body=change, content_type=content_type, query=query)

    def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str = "",
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: str = "Background",
    ) -> None:
        """Delete an object; with `uid` only if it is still that one, with `resource_version` only if it is unchanged.

        Raises
        ------
        NotFoundError
            It is not there.
        ConflictError
            Another one bears its name, or it was changed.
        """
        given = {"uid": uid, "resourceVersion": resource_version}
        preconditions = {name: value for name, value in given.items() if value}
        body: Manifest = {"propagationPolicy": propagation} | (
            {"preconditions": preconditions} if preconditions else {}
        )
        self._json("DELETE", resource.path(namespace, name), body=body)

    def send(
        self, method: str, path: str, *, body: Any, query: Mapping[str, str] | None = None, content_type: str
    ) -> Manifest:
        """Send a request that was made elsewhere, whole: its path needs no escaping any more."""
        return self._json(method, path, body=body, query=query, content_type=content_type)

    def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str,
        labels: str = "",
        server_limit_s: float,
        silence_limit_s: float,
        metadata_only: bool = True,
    ) -> Iterator[Manifest]:
        """Follow changes of objects from a resourceVersion on; ends when the server ends it.

        Parameters
        ----------
        server_limit_s : float, unit s
            After this the server ends the watch.
        silence_limit_s : float, unit s
            Without a byte for so long the connection counts as dead. Bookmarks come about once a minute.
        metadata_only : bool
            Leave out all but the objects' metadata.

        Yields
        ------
        dict
            ``type`` (ADDED, MODIFIED, DELETED, BOOKMARK) and ``object``.

        Raises
        ------
        ExpiredError
            The resourceVersion is too old: list again.
        UnreachableError
            The connection broke or fell silent.
        """
        query = {
            "watch": "true",
            "resourceVersion": resource_version,
            "allowWatchBookmarks": "true",
            "labelSelector": labels,
            "timeoutSeconds": str(int(server_limit_s)),
        }
        path = resource.path(namespace)
        accept = _METADATA if metadata_only else _JSON
        response = self._send("GET", path, query=query, accept=accept, timeout=(CONNECT_LIMIT_S, silence_limit_s))
        try:
            for line in lines_of(response.response):
                event: Manifest = json.loads(line)
                if event["type"] == "ERROR":
                    status = event["object"]
                    raise error_of(f"watch {path}", int(status.get("code", 500)), status, {})
                yield event
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UnreachableError(f"watch {path}: the connection broke: {error}") from error
        finally:
            response.response.close()

    def _json(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        content_type: str = _JSON,
        accept: str = _JSON,
    ) -> Manifest:
        if method != "GET" and self._may_write is not None:
            self._may_write()
        response = self._send(
            method, path, body=body, query=query, content_type=content_type, accept=accept, timeout=CALL_LIMIT_S
        )
        try:
            text = response.read()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UnreachableError(f"{method} {path}: the answer broke off: {error}") from error
        try:
            answer: Manifest = json.loads(text) if text else {}
        except ValueError as error:
            raise UnreachableError(f"{method} {path}: the answer is no JSON, so no API server's: {error}") from error
        return answer

    def _send(
        self,
        method: str,
        path: str,
        *,
        timeout: float | tuple[float, float],
        body: Any = None,
        query: Mapping[str, str] | None = None,
        content_type: str = _JSON,
        accept: str = _JSON,
    ) -> Any:
        if self._on_request is not None:
            self._on_request(method, path)
        asked = [(name, value) for name, value in (query or {}).items() if value]
        _, url, headers, sent, _ = self._client.param_serialize(
            method,
            path,
            query_params=asked,
            header_params={"Accept": accept, "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
        )
        # Several groups are several headers of one name.
        all_headers = urllib3.HTTPHeaderDict(headers)
        for name, value in self._identity:
            all_headers.add(name, value)
        try:
            response = self._client.call_api(method, url, all_headers, sent, _request_timeout=timeout)
        except ApiException as error:
            raise UnreachableError(f"{method} {path}: no answer: {error.reason}") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UnreachableError(f"{method} {path}: no answer: {error}") from error
        if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
            text = response.read()
            raise error_of(f"{method} {path}", response.status, status_of(text), response.headers)
        return response


def connect(kubeconfig: str | None = None, *, context: str | None = None) -> Api:
    """Connect by a kubeconfig, or from inside a pod by its ServiceAccount.

    Parameters
    ----------
    kubeconfig : str or None
        None: the pod's own account where there is one, else ``KUBECONFIG`` or ``~/.kube/config``.

    Raises
    ------
    ApiError
        Neither can be read; says what was tried.
    """
    settings = Configuration()
    try:
        if kubeconfig is None and context is None:
            try:
                config.load_incluster_config(client_configuration=settings)
            except config.ConfigException:
                config.load_kube_config(client_configuration=settings)
        else:
            config.load_kube_config(config_file=kubeconfig, context=context, client_configuration=settings)
    except config.ConfigException as error:
        where = f"{kubeconfig}: " if kubeconfig is not None else ""
        why = str(error).rstrip(".")
        raise ApiError(f"no way to the API server: {where}{why}; give --kubeconfig, or run in a pod") from error
    # Retrying is decided by who knows what a request means.
    settings.retries = False
    settings.connection_pool_maxsize = 32
    return Api(ApiClient(settings))
