"""`scale_deployment`: set a Deployment's number of replicas."""

from kubernaut.actions.definition import ActionDefinition, Category, PolicyRule, Risk
from kubernaut.actions.scale_deployment.change import change, describe_change, rollback_info, undo
from kubernaut.actions.scale_deployment.parameters import ScaleDeploymentParameters

DEFINITION = ActionDefinition(
    name="scale_deployment",
    description="Set a Deployment's number of replicas.",
    category=Category.CORE,
    risk=Risk.LOW,
    reversible=True,
    rollback="Set the number of replicas that was seen before.",
    parameters=ScaleDeploymentParameters,
    example={"deployment": {"name": "web", "namespace": "shop", "replicas": 5}, "expectedReplicas": 3},
    compares="the Deployment's UID and the number of replicas that was seen",
    rules=(PolicyRule(group="apps", resource="deployments/scale", verbs=("get", "patch")),),
    timeout_s=120,
    change=change,
    describe_change=describe_change,
    rollback_info=rollback_info,
    undo=undo,
)

__all__ = ["DEFINITION", "ScaleDeploymentParameters"]
