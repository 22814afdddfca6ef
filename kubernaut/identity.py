"""What a condition is called everywhere: (action, level, phase, type).

Settings, history, overrides and metrics all name a condition by these four; its text form is
``action/level/phase/type``, e.g. ``scale_deployment/step/pre/deployment_exists``.
"""

from dataclasses import dataclass
from enum import StrEnum

from kubernaut.errors import InputError


class Level(StrEnum):
    """Who judges: the workflow around a step, or the execution of the action itself."""

    STEP = "step"
    ACTION = "action"


class Phase(StrEnum):
    """When it is judged: before or after the change."""

    PRE = "pre"
    POST = "post"


@dataclass(frozen=True, slots=True, order=True)
class ConditionId:
    """A condition's identity.

    Attributes
    ----------
    action : str
        e.g. ``scale_deployment``.
    level : Level
    phase : Phase
    type : str
        e.g. ``deployment_exists``.
    """

    action: str
    level: Level
    phase: Phase
    type: str

    def __str__(self) -> str:
        return f"{self.action}/{self.level.value}/{self.phase.value}/{self.type}"

    @classmethod
    def parse(cls, text: str) -> "ConditionId":
        """Read the text form.

        Raises
        ------
        InputError
            The text has not four parts, or an unknown level or phase.
        """
        parts = text.split("/")
        try:
            action, level, phase, type_ = parts
            return cls(action, Level(level), Phase(phase), type_)
        except ValueError:
            raise InputError(
                f"{text!r} is not a condition; write action/level/phase/type, "
                "e.g. scale_deployment/step/pre/deployment_exists (level: step or action, phase: pre or post)"
            ) from None
