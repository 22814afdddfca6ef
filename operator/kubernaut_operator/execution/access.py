"""What an action's ServiceAccount may do, asked of the API server before anything runs.

One SubjectAccessReview for each verb of each of the action's rules, in the namespace of the target. The rules are
the catalogue's; whether a namespace opted in shows in what its RoleBindings allow. Nothing is cached: a right that was
taken away a second ago must show.
"""

from collections.abc import Sequence

from kubernaut.actions.definition import PolicyRule
from kubernaut_operator.kernel.api import Api
from kubernaut_operator.kernel.resources import Resource

SUBJECT_ACCESS_REVIEWS = Resource(
    group="authorization.k8s.io",
    version="v1",
    plural="subjectaccessreviews",
    kind="SubjectAccessReview",
    namespaced=False,
)


class AccessReview:
    """Asks what actions' accounts may do.

    Parameters
    ----------
    namespace : str
        Of the accounts.
    """

    def __init__(self, api: Api, *, namespace: str) -> None:
        self._api = api
        self._namespace = namespace

    def missing(self, account: str, rules: Sequence[PolicyRule], *, namespace: str) -> tuple[str, ...]:
        """Give what an account may not do of what its action needs, as a person would say it.

        Parameters
        ----------
        account : str
            Name of the ServiceAccount.
        rules : sequence of PolicyRule
        namespace : str
            Where it would act.

        Raises
        ------
        ApiError
            The API server could not say.
        """
        return tuple(
            f"{verb} {_shown(rule)} in namespace {namespace}"
            for rule in rules
            for verb in rule.verbs
            if not self._allowed(account, rule, verb, namespace=namespace)
        )

    def _allowed(self, account: str, rule: PolicyRule, verb: str, *, namespace: str) -> bool:
        plural, _, subresource = rule.resource.partition("/")
        attributes = {
            "namespace": namespace,
            "verb": verb,
            "group": rule.group,
            "resource": plural,
            "subresource": subresource,
        }
        review = {
            "apiVersion": SUBJECT_ACCESS_REVIEWS.api_version,
            "kind": SUBJECT_ACCESS_REVIEWS.kind,
            "spec": {
                "user": f"system:serviceaccount:{self._namespace}:{account}",
                "groups": [
                    "system:serviceaccounts",
                    f"system:serviceaccounts:{self._namespace}",
                    "system:authenticated",
                ],
                "resourceAttributes": {name: value for name, value in attributes.items() if value},
            },
        }
        return bool(self._api.create(SUBJECT_ACCESS_REVIEWS, review)["status"].get("allowed"))


def _shown(rule: PolicyRule) -> str:
    """Name a resource as kubectl does: ``deployments.apps/scale``."""
    plural, slash, subresource = rule.resource.partition("/")
    return f"{plural}{f'.{rule.group}' if rule.group else ''}{slash}{subresource}"
