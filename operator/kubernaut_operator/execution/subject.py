"""What a look is about: one target, in the middle of one run, and what that run is judged by.

An execution is judged at the action level, a workflow's step at the step level; a look is the same for both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from kubernaut.conditions.custom_facts import CustomFact
from kubernaut.conditions.inputs import RunContext
from kubernaut.conditions.pinning import PinnedSets
from kubernaut.conditions.resolve import Resolution
from kubernaut.facts.baseline import Baseline
from kubernaut.facts.objects import Target
from kubernaut.identity import Level
from kubernaut.json_types import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a run is judged by, with the policies that the engine does not need to know.

    Attributes
    ----------
    sets : PinnedSets
        That the run is pinned to.
    level : Level
        Whose conditions these are.
    environment : str
        Which section of the settings holds.
    """

    sets: PinnedSets
    level: Level
    resolution: Resolution
    environment: str

    @property
    def custom_facts(self) -> Mapping[str, CustomFact]:
        """Custom facts that policies may read, by name."""
        return self.sets.level(self.level).texts.custom_facts.facts

    @property
    def record_facts(self) -> Literal["read", "all"]:
        """What of a look goes into history."""
        return self.sets.level(self.level).texts.settings.record_facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a look is about.

    Attributes
    ----------
    target : Target
        With its UID once that is pinned.
    parameters : JsonObject
        Checked, nested.
    baseline : Baseline or None
        What facts are relative to.
    action_ended_at, detected_at : datetime or None
        As in `kubernaut_operator.live_facts.question.Question`.
    """

    action: str
    target: Target
    parameters: JsonObject
    context: RunContext
    judged: Judged
    baseline: Baseline | None = None
    action_ended_at: datetime | None = None
    detected_at: datetime | None = None

    @property
    def resolution(self) -> Resolution:
        """The conditions and their policies."""
        return self.judged.resolution

    @property
    def custom_facts(self) -> Mapping[str, CustomFact]:
        """As `Judged.custom_facts`."""
        return self.judged.custom_facts

    @property
    def record_facts(self) -> Literal["read", "all"]:
        """As `Judged.record_facts`."""
        return self.judged.record_facts
