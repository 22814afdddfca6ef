"""Whether a workload serves, asked as its callers ask: HTTP through its Service, by way of the API server.

It reads no Deployment, no pod and no condition, and no code of the operator is behind it. Every pod answers with its own
name, so distinct names are pods that serve; a Service sends a request to one of its endpoints at random.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kubernetes import config
from kubernetes.client import CoreV1Api
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from .shop import WEB

ROUNDS = 3
BETWEEN_ROUNDS_S = 10.0
"""A pod that serves for twenty seconds and exits is back at once after its first exit, and away for long after its second."""

ASKED_FOR_EACH = 8
"""Requests a round for each pod that is needed: with three pods, one of them is missed once in five thousand rounds."""

MOST_REFUSED = 0.05
_LIMIT_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a caller saw.

    Attributes
    ----------
    asked, answered : int
        Requests, and those answered with the page.
    pods : int
        Distinct pods that answered, in the round in which they were fewest.
    """

    asked: int
    answered: int
    pods: int

    def serves(self, need: int) -> bool:
        """Say whether so many pods served, with hardly a request refused."""
        return self.pods >= need and self.answered >= (1 - MOST_REFUSED) * self.asked


def caller(kubeconfig: Path) -> Callable[[str], str | None]:
    """Give what asks a namespace's Service once: the answering pod's name, or None when there was no page."""
    core = CoreV1Api(config.new_client_from_config(str(kubeconfig)))

    def ask(namespace: str) -> str | None:
        try:
            page = core.connect_get_namespaced_service_proxy_with_path(
                name=f"{WEB}:http", namespace=namespace, path="index.html", _request_timeout=_LIMIT_S
            )
        except (ApiException, HTTPError):
            return None
        return str(page).strip() or None

    return ask


def look(ask: Callable[[], str | None], need: int, *, between_s: float = BETWEEN_ROUNDS_S) -> Seen:
    """Ask a Service some rounds, with a pause between them, and say what was seen."""
    asked = answered = 0
    fewest: int | None = None
    for left in reversed(range(ROUNDS)):
        pages = [ask() for _ in range(ASKED_FOR_EACH * need)]
        names = {page for page in pages if page is not None}
        asked, answered = asked + len(pages), answered + sum(page is not None for page in pages)
        fewest = len(names) if fewest is None else min(fewest, len(names))
        if left:
            time.sleep(between_s)
    return Seen(asked=asked, answered=answered, pods=fewest or 0)
