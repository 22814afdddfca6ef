"""`rollback_deployment`: give a Deployment back the Pod template of an earlier revision."""

from kubernaut.actions.definition import ActionDefinition, Category, PolicyRule, Risk
from kubernaut.actions.rollback_deployment.change import change, describe_change, rollback_info, undo
from kubernaut.actions.rollback_deployment.parameters import RollbackDeploymentParameters

DEFINITION = ActionDefinition(
    name="rollback_deployment",
    description="Give a Deployment back the Pod template of an earlier revision.",
    category=Category.CORE,
    risk=Risk.MEDIUM,
    reversible=True,
    rollback="Roll forward again, to the revision that was in force before.",
    parameters=RollbackDeploymentParameters,
    example={"deployment": {"name": "web", "namespace": "shop"}, "toRevision": 4},
    compares="the Deployment's UID and the generation of its spec that was seen",
    rules=(PolicyRule(group="apps", resource="deployments", verbs=("get", "patch")),),
    timeout_s=120,
    related=("ReplicaSet",),
    change=change,
    describe_change=describe_change,
    rollback_info=rollback_info,
    undo=undo,
)

__all__ = ["DEFINITION", "RollbackDeploymentParameters"]
