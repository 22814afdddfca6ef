"""`restart_pod`: delete one Pod, so that its controller makes it anew."""

from kubernaut.actions.definition import ActionDefinition, Category, PolicyRule, Risk
from kubernaut.actions.restart_pod.change import change, describe_change, rollback_info
from kubernaut.actions.restart_pod.parameters import RestartPodParameters

DEFINITION = ActionDefinition(
    name="restart_pod",
    description="Delete one Pod, so that its controller makes it anew.",
    category=Category.CORE,
    risk=Risk.LOW,
    reversible=False,
    rollback="",
    parameters=RestartPodParameters,
    rules=(PolicyRule(group="", resource="pods", verbs=("delete",)),),
    timeout_s=60,
    change=change,
    describe_change=describe_change,
    rollback_info=rollback_info,
)

__all__ = ["DEFINITION", "RestartPodParameters"]
