"""How one step's run is named, and what takes a step back."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from kubernaut.history.rows import Purpose
from kubernaut.json_types import JsonObject


class StepKey(NamedTuple):
    """One step's run: forward, or undoing it."""

    number: int
    purpose: Purpose = Purpose.FORWARD

    def __str__(self) -> str:
        return f"step {self.number}" if self.purpose is Purpose.FORWARD else f"rollback of step {self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """The action that takes a step back."""

    action: str
    parameters: JsonObject


_NAME = re.compile(r"wf-(.+)-step-\d+(?:-rollback)?")


def workflow_uid_of(name: str) -> str | None:
    """Give the UID of the workflow that an execution of this name would be a step of; None for any other name."""
    found = _NAME.fullmatch(name)
    return None if found is None else found[1]


def execution_name(workflow_uid: str, key: StepKey) -> str:
    """Give the name of a step's KubernetesExecution: the same for every try, so there is never a second one."""
    purpose = "" if key.purpose is Purpose.FORWARD else "-rollback"
    return f"wf-{workflow_uid}-step-{key.number}{purpose}"
