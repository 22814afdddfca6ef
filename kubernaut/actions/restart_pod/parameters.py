"""Parameters of `restart_pod`."""

from pydantic import Field

from kubernaut.actions.definition import ActionParameters, ActionTarget
from kubernaut.actions.targets import NamedObject

MAX_GRACE_PERIOD_S = 300
"""Above five minutes a restart is no remedy any more."""


class RestartPodParameters(ActionParameters):
    """What `restart_pod` is told.

    Attributes
    ----------
    grace_period_s : int, unit s
        How long its processes may take to end; 0 takes the Pod out of the API at once, without waiting for them.
    """

    pod: NamedObject
    grace_period_s: int = Field(
        default=30,
        alias="gracePeriodSeconds",
        ge=0,
        le=MAX_GRACE_PERIOD_S,
        description="how long its processes may take to end; 0 does not wait for them",
    )

    @property
    def target(self) -> ActionTarget:
        """The Pod."""
        return ActionTarget(api_version="v1", kind="Pod", namespace=self.pod.namespace, name=self.pod.name)
