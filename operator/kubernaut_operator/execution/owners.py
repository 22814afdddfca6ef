"""What an execution has from the workflow that it is a step of: the pinned set, and overrides that people set there.

The operator cannot hand an override down: whoever writes one needs the verb, and its author is a person. So a step
reads its workflow's annotations, which the API server has checked there.
"""

from collections.abc import Mapping
from typing import Any

from kubernaut.errors import NotFoundError
from kubernaut_operator.execution.kinds import WORKFLOW_EXECUTIONS
from kubernaut_operator.kernel.api import Api, Manifest


class Owners:
    """Reads workflows for their steps, live."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def workflow(self, execution: Mapping[str, Any]) -> Manifest | None:
        """Give the workflow that an execution is a step of; None for one of its own, or when the workflow is gone.

        Raises
        ------
        ApiError
            Nobody could look.
        """
        reference = (execution.get("spec") or {}).get("workflowRef")
        if not reference:
            return None
        try:
            found = self._api.get(WORKFLOW_EXECUTIONS, str(reference["name"]), str(execution["metadata"]["namespace"]))
        except NotFoundError:
            return None
        return found if found["metadata"]["uid"] == reference.get("uid") else None

    def digest(self, execution: Mapping[str, Any]) -> str | None:
        """Give the digest of the sets that the workflow is pinned to; None where there is none."""
        found = self.workflow(execution) or {}
        digest = ((found.get("status") or {}).get("pinned") or {}).get("digest")
        return None if digest is None else str(digest)
