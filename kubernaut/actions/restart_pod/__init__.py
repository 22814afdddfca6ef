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
    example={"pod": {"name": "web-7d9c5b6f4-x2x9k", "namespace": "shop"}, "gracePeriodSeconds": 30},
    compares="the Pod's UID: a Pod that took its place under the same name is left alone",
    rules=(PolicyRule(group="", resource="pods", verbs=("delete",)),),
    timeout_s=120,
    change=change,
    describe_change=describe_change,
    rollback_info=rollback_info,
)

__all__ = ["DEFINITION", "RestartPodParameters"]
