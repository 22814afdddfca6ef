"""Parameters of `scale_deployment`, in the guide's nested form."""

from pydantic import Field

from kubernaut.actions.definition import ActionParameters, ActionTarget
from kubernaut.actions.targets import NamedObject, deployment_target

MAX_REPLICAS = 10_000
"""Kubernetes is tested to 150,000 pods a cluster; a single Deployment above this is a slip of the finger."""


class ScaledDeployment(NamedObject):
    """Which Deployment, and how many replicas it shall have."""

    replicas: int = Field(ge=0, le=MAX_REPLICAS, description="how many it shall have")


class ScaleDeploymentParameters(ActionParameters):
    """What `scale_deployment` is told.

    Attributes
    ----------
    expected_replicas : int or None
        Replicas that the author believes there are now; None compares with what was seen when the run left
        `pending`.
    """

    deployment: ScaledDeployment
    expected_replicas: int | None = Field(
        default=None,
        alias="expectedReplicas",
        ge=0,
        le=MAX_REPLICAS,
        description="how many its author believes there are now; left out: as many as were seen when the run began",
    )

    @property
    def target(self) -> ActionTarget:
        """The Deployment."""
        return deployment_target(self.deployment)
