"""Which ConfigMaps are read, and where."""

from dataclasses import dataclass
from enum import StrEnum

from kubernaut.conditions.configmaps import DEFAULT_NAMES
from kubernaut.identity import Level
from kubernaut.safety import SAFETY_CONFIGMAP
from kubernaut_operator.kernel.resources import Key, Resource

CONFIG_MAPS = Resource(group="", version="v1", plural="configmaps", kind="ConfigMap")


class Part(StrEnum):
    """What one ConfigMap holds; also the label of metrics."""

    STEP = "step"
    ACTION = "action"
    SAFETY = "safety"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigMapNames:
    """The three ConfigMaps, all in one namespace: whoever may write there decides what guards actions.

    Attributes
    ----------
    step, action : str
        Conditions of workflows' steps, and of executions.
    safety : str
        Additions to the safety policies that ship.
    """

    namespace: str = "kubernaut-system"
    step: str = DEFAULT_NAMES[Level.STEP]
    action: str = DEFAULT_NAMES[Level.ACTION]
    safety: str = SAFETY_CONFIGMAP

    def key(self, part: Part) -> Key:
        """Give the key of a part's ConfigMap."""
        return Key(self.namespace, {Part.STEP: self.step, Part.ACTION: self.action, Part.SAFETY: self.safety}[part])

    def part(self, key: Key) -> Part | None:
        """Say what a ConfigMap holds; None for any other one."""
        return next((part for part in Part if self.key(part) == key), None)
