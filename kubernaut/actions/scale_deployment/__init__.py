"""`scale_deployment`: set a Deployment's number of replicas."""

from kubernaut.actions.definition import ActionDefinition, Category, Risk
from kubernaut.actions.scale_deployment.parameters import ScaleDeploymentParameters

DEFINITION = ActionDefinition(
    name="scale_deployment",
    description="Set a Deployment's number of replicas.",
    category=Category.CORE,
    risk=Risk.LOW,
    reversible=True,
    rollback="Set the number of replicas that was seen before.",
    parameters=ScaleDeploymentParameters,
)

__all__ = ["DEFINITION", "ScaleDeploymentParameters"]
