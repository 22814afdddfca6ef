"""A dry run: the very request that the Job will make, sent with ``dryRun=All`` as the action's own account.

The API server then authorises, admits and validates it as it will the real one, and persists nothing. The token is
asked for the occasion, lives ten minutes and is kept nowhere.
"""

from dataclasses import dataclass
from http import HTTPStatus

from kubernaut.actions.change import Change
from kubernaut.errors import ApiError, BusyError, NotFoundError, UnreachableError
from kubernaut_operator.kernel.api import Api
from kubernaut_operator.kernel.resources import Resource

SERVICE_ACCOUNTS = Resource(group="", version="v1", plural="serviceaccounts", kind="ServiceAccount")

TOKEN_S = 600
"""The shortest life that the API server gives a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunAnswer:
    """What the API server said of a change.

    Attributes
    ----------
    message : str
        Why it was refused; empty when it was not.
    """

    accepted: bool
    message: str = ""


class DryRuns:
    """Sends changes without effect.

    Parameters
    ----------
    namespace : str
        Of the actions' accounts.
    """

    def __init__(self, api: Api, *, namespace: str) -> None:
        self._api = api
        self._namespace = namespace

    def send(self, change: Change, *, account: str) -> DryRunAnswer:
        """Have a change checked.

        Raises
        ------
        BusyError, UnreachableError
            The API server could not say.
        """
        try:
            token = self._token(account)
        except NotFoundError:
            return DryRunAnswer(
                accepted=False,
                message=f"there is no ServiceAccount {self._namespace}/{account}; install the operator's manifests",
            )
        request = change.request(dry_run=True)
        as_account = self._api.as_bearer(token)
        try:
            as_account.send(
                request.method, request.path, body=request.body, query=request.query, content_type=request.content_type
            )
        except (BusyError, UnreachableError):
            raise
        except ApiError as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                # The token is a second old: that it is not known yet is no word on the change.
                raise UnreachableError(f"the token of {account} was not taken: {error}") from error
            return DryRunAnswer(accepted=False, message=error.said or str(error))
        finally:
            as_account.close()
        return DryRunAnswer(accepted=True)

    def _token(self, account: str) -> str:
        wanted = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": TOKEN_S},
        }
        made = self._api.create(SERVICE_ACCOUNTS, wanted, self._namespace, name=account, subresource="token")
        return str(made["status"]["token"])
