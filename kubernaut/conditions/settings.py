"""`settings.yaml`: which conditions every run of an action gets at one level, and how strict each is.

Strict by design: an unknown key, a doubled one, a number where a duration belongs are errors with file and
line, since a misspelt `requierd: true` would otherwise be a guard that is not there. A condition is in warn
mode until somebody gives it a `rolloutPercent`. Durations are Go's in the text and seconds here.

Values only: where the text comes from and which policies exist is not known here, so the bounds that policies
declare for the numbers under `settings` are checked in `compiled_set`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from kubernaut.conditions.fields import (
    LabelValue,
    Line,
    Name,
    NamespacePattern,
    Number,
    Percent,
    Seconds,
    Share,
    StrictModel,
    check_named,
    check_timing,
)
from kubernaut.conditions.problems import describe
from kubernaut.conditions.spec import DEFAULT_TIMEOUT_POST_S, DEFAULT_TIMEOUT_PRE_S
from kubernaut.errors import SettingsError
from kubernaut.identity import ConditionId, Level, Phase

MAX_BLOCKED_DEADLINE_S = 86_400.0
"""Nothing waits for ever; after a day an incident has other owners."""


class TimeToPass(StrictModel):
    """How long good runs took to pass, in the history behind the settings."""

    p50_s: Seconds = Field(alias="p50")
    p95_s: Seconds = Field(alias="p95")
    n: int = Field(ge=1)


class BlockRate(StrictModel):
    """Share of incidents that enforcement was predicted to stop; the block budget holds it to `upper`."""

    predicted: Share
    upper: Share
    n: int = Field(ge=1)

    @model_validator(mode="after")
    def _upper_is_above(self) -> Self:
        if self.upper < self.predicted:
            raise ValueError(f"upper ({self.upper}) is below predicted ({self.predicted})")
        return self


class Evidence(StrictModel):
    """What history said of it; the block budget reads `block_rate`, people the rest."""

    time_to_pass: TimeToPass | None = Field(default=None, alias="timeToPass")
    block_rate: BlockRate | None = Field(default=None, alias="blockRate")
    reason: Line = ""


class PreSettings(StrictModel):
    """One precondition.

    Attributes
    ----------
    required : bool
        Whether it may stop a run at all; how often it does is `rollout_percent`.
    rollout_percent : float
        0..100; 0 is warn mode.
    timeout_s : float
        Limit of one evaluation.
    settings : mapping of str to float
        What the policy reads as `input.settings`; left-out ones have the policy's defaults.
    """

    required: bool = True
    rollout_percent: Percent = Field(default=0.0, alias="rolloutPercent")
    timeout_s: Seconds = Field(default=DEFAULT_TIMEOUT_PRE_S, alias="timeout")
    settings: dict[Name, Number] = Field(default_factory=dict)
    evidence: Evidence | None = None

    @model_validator(mode="after")
    def _timeout_in_bounds(self) -> Self:
        check_timing(timeout_s=self.timeout_s)
        return self

    @property
    def timing(self) -> tuple[float | None, float]:
        """Poll interval and hold time in seconds; preconditions are looked at once."""
        return None, 0.0


class PostSettings(PreSettings):
    """One postcondition.

    Attributes
    ----------
    timeout_s : float
        From the action's end to the deadline.
    poll_interval_s : float or None
        None means the default schedule (1 s, growing to 10 s).
    hold_for_s : float
        How long `allow` must stay true; below the timeout.
    """

    timeout_s: Seconds = Field(default=DEFAULT_TIMEOUT_POST_S, alias="timeout")
    poll_interval_s: Seconds | None = Field(default=None, alias="pollInterval")
    hold_for_s: Seconds = Field(default=0.0, alias="holdFor")

    @model_validator(mode="after")
    def _timing_in_bounds(self) -> Self:
        check_timing(timeout_s=self.timeout_s, poll_interval_s=self.poll_interval_s, hold_for_s=self.hold_for_s)
        return self

    @property
    def timing(self) -> tuple[float | None, float]:
        """Poll interval and hold time in seconds."""
        return self.poll_interval_s, self.hold_for_s


class ActionSettings(StrictModel):
    """The suite of one action at this level."""

    pre: dict[Name, PreSettings] = Field(default_factory=dict)
    post: dict[Name, PostSettings] = Field(default_factory=dict)

    def phase(self, phase: Phase) -> Mapping[str, PreSettings]:
        """Give the conditions of one phase by type."""
        return self.pre if phase is Phase.PRE else self.post


class PreOverride(StrictModel):
    """What an environment changes of one precondition; None means as in `actions`."""

    required: bool | None = None
    rollout_percent: Percent | None = Field(default=None, alias="rolloutPercent")
    timeout_s: Seconds | None = Field(default=None, alias="timeout")
    settings: dict[Name, Number] = Field(default_factory=dict)


class PostOverride(PreOverride):
    """What an environment changes of one postcondition; None means as in `actions`."""

    poll_interval_s: Seconds | None = Field(default=None, alias="pollInterval")
    hold_for_s: Seconds | None = Field(default=None, alias="holdFor")


class ActionOverrides(StrictModel):
    """What an environment changes of one action's suite."""

    pre: dict[Name, PreOverride] = Field(default_factory=dict)
    post: dict[Name, PostOverride] = Field(default_factory=dict)

    def phase(self, phase: Phase) -> Mapping[str, PreOverride]:
        """Give the changes of one phase by type."""
        return self.pre if phase is Phase.PRE else self.post


class EnvironmentSettings(StrictModel):
    """What holds in namespaces with this `kubernaut.io/environment` label.

    Attributes
    ----------
    rollout_percent : float or None
        For every condition at once; one named under `actions` wins.
    """

    rollout_percent: Percent | None = Field(default=None, alias="rolloutPercent")
    actions: dict[Name, ActionOverrides] = Field(default_factory=dict)


class InlinePolicies(StrictModel):
    """Namespaces (shell patterns) whose custom resources may bring Rego of their own; an empty list: none."""

    namespaces: tuple[NamespacePattern, ...] = Field(default=("*",), strict=False)


class Settings(StrictModel):
    """One level's settings.yaml.

    Attributes
    ----------
    rollout : str
        Mixed into the enforcement hash: another word deals the incidents anew.
    enforcement : bool
        The global switch: False turns blocking off, not recording, not safety.
    record_facts : str
        ``read``: what the policies read; ``all``: the whole snapshot.
    blocked_deadline_s : float
        How long a run may stay blocked; 0 ends it at once.
    """

    version: Literal[1] = 1
    rollout: LabelValue = "default"
    enforcement: bool = True
    record_facts: Literal["read", "all"] = Field(default="read", alias="recordFacts")
    inline_policies: InlinePolicies = Field(default_factory=InlinePolicies, alias="inlinePolicies")
    blocked_deadline_s: Seconds = Field(default=3600.0, alias="blockedDeadline")
    actions: dict[Name, ActionSettings] = Field(default_factory=dict)
    environments: dict[LabelValue, EnvironmentSettings] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.blocked_deadline_s:
            check_named("blockedDeadline", self.blocked_deadline_s, minimum_s=1.0, maximum_s=MAX_BLOCKED_DEADLINE_S)
        for name, environment in self.environments.items():
            for action, phase, type_ in _changed_conditions(environment):
                place = f"environments.{name}.actions.{action}.{phase.value}.{type_}"
                if type_ not in self._phase(action, phase):
                    raise ValueError(
                        f"{place}: not in actions.{action}.{phase.value}; an environment changes conditions, "
                        "it does not add them: name it there first"
                    )
                try:
                    self._merged(action, phase, type_, environment=name)
                except ValidationError as error:
                    message = error.errors()[0]["msg"].removeprefix("Value error, ")
                    raise ValueError(f"{place}: {message}") from error
        return self

    def condition_ids(self, level: Level) -> tuple[ConditionId, ...]:
        """Give every condition named here, sorted."""
        return tuple(
            sorted(
                ConditionId(action, level, phase, type_)
                for action in self.actions
                for phase in Phase
                for type_ in self._phase(action, phase)
            )
        )

    def effective(self, condition: ConditionId, *, environment: str = "") -> PreSettings | None:
        """Give one condition's settings in one environment, or None when it is not named.

        Parameters
        ----------
        environment : str
            Value of the namespace's `kubernaut.io/environment` label; one without a section changes nothing.
        """
        if condition.type not in self._phase(condition.action, condition.phase):
            return None
        return self._merged(condition.action, condition.phase, condition.type, environment=environment)

    def with_condition(self, condition: ConditionId, settings: PreSettings) -> Self:
        """Give the same settings with one condition set or replaced, validated as a whole.

        Raises
        ------
        SettingsError
            They do not fit together.
        """
        try:
            suite = self.actions.get(condition.action, ActionSettings())
            changed = {**suite.phase(condition.phase), condition.type: settings}
            suite = ActionSettings(
                pre=changed if condition.phase is Phase.PRE else suite.pre,
                post=changed if condition.phase is Phase.POST else suite.post,  # type: ignore[arg-type] # checked by pydantic
            )
            fields = {name: getattr(self, name) for name in type(self).model_fields}
            return type(self)(**{**fields, "actions": {**self.actions, condition.action: suite}})
        except ValidationError as error:
            raise SettingsError(describe(error, place=lambda _: condition, keys=())) from error

    def _phase(self, action: str, phase: Phase) -> Mapping[str, PreSettings]:
        suite = self.actions.get(action)
        return suite.phase(phase) if suite else {}

    def _merged(self, action: str, phase: Phase, type_: str, *, environment: str) -> PreSettings:
        base = self._phase(action, phase)[type_]
        section = self.environments.get(environment)
        if section is None:
            return base
        changes: dict[str, Any] = {}
        if section.rollout_percent is not None:
            changes["rollout_percent"] = section.rollout_percent
        overrides = section.actions.get(action)
        own = overrides.phase(phase).get(type_) if overrides else None
        if own is not None:
            values = {name: getattr(own, name) for name in type(own).model_fields}
            changes |= {name: value for name, value in values.items() if value is not None}
            changes["settings"] = base.settings | own.settings
        fields = {name: getattr(base, name) for name in type(base).model_fields}
        return type(base)(**(fields | changes))


def _changed_conditions(environment: EnvironmentSettings) -> Iterator[tuple[str, Phase, str]]:
    for action, overrides in environment.actions.items():
        for phase in Phase:
            for type_ in overrides.phase(phase):
                yield action, phase, type_
