"""Whether the API server checks who may override; without that an annotation is anybody's word and counts for none."""

from kubernaut.errors import NotFoundError
from kubernaut_operator.execution.kinds import ADMISSION_BINDINGS, ADMISSION_POLICIES
from kubernaut_operator.kernel.api import Api
from kubernaut_operator.manifests.admission import ANNOTATIONS


class OverrideGuard:
    """Looks for the admission policy on annotations and its binding."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def present(self) -> bool:
        """Say whether both are there.

        Raises
        ------
        ApiError
            Nobody could look.
        """
        try:
            for resource in (ADMISSION_POLICIES, ADMISSION_BINDINGS):
                self._api.get(resource, ANNOTATIONS)
        except NotFoundError:
            return False
        return True
