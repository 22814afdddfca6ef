"""Whether the API server asks who may override, and who may act on other namespaces.

While it does not, an annotation is anybody's word and counts for none, and an execution keeps to its own namespace.
"""

from kubernaut.errors import NotFoundError
from kubernaut_operator.execution.kinds import ADMISSION_BINDINGS, ADMISSION_POLICIES
from kubernaut_operator.kernel.api import Api


class AdmissionGuard:
    """Looks for an admission policy and its binding.

    Parameters
    ----------
    policy : str
        Name of both.
    """

    def __init__(self, api: Api, policy: str) -> None:
        self._api = api
        self._policy = policy

    def present(self) -> bool:
        """Say whether both are there.

        Raises
        ------
        ApiError
            Nobody could look.
        """
        try:
            for resource in (ADMISSION_POLICIES, ADMISSION_BINDINGS):
                self._api.get(resource, self._policy)
        except NotFoundError:
            return False
        return True
