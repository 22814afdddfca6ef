"""Parameters of `rollback_deployment`."""

from pydantic import Field

from kubernaut.actions.definition import ActionParameters, ActionTarget
from kubernaut.actions.targets import NamedObject, deployment_target


class RollbackDeploymentParameters(ActionParameters):
    """What `rollback_deployment` is told.

    Attributes
    ----------
    to_revision : int or None
        Revision whose template shall be in force again; None means the one before the present one.
    """

    deployment: NamedObject
    to_revision: int | None = Field(
        default=None,
        alias="toRevision",
        ge=1,
        le=2**63 - 1,
        description="revision whose template shall be in force again; left out: the one before the present one",
    )

    @property
    def target(self) -> ActionTarget:
        """The Deployment."""
        return deployment_target(self.deployment)
