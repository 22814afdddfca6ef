"""`WhatIf`: ask a history what other flags, times and percentages would have done, in seconds and without any policy.

A value: every `with_...` gives another one, and all of them share what was laid out once. Editing one policy judges
that condition's looks again, and only those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from kubernaut.conditions.compiled_set import CompiledSet, filled_settings
from kubernaut.conditions.settings import PreSettings
from kubernaut.errors import InputError
from kubernaut.identity import ConditionId
from kubernaut.policy.batch import Evaluator, InputBatch, VerdictBatch
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.tasks import Conditions
from kubernaut_simulator.whatif.accounts import dealt_anew, enrolled
from kubernaut_simulator.whatif.changes import Change, RowTerms, check_change, row_terms
from kubernaut_simulator.whatif.engine_settling import SettledColumns
from kubernaut_simulator.whatif.result import WhatIfResult
from kubernaut_simulator.whatif.settling import Settler
from kubernaut_simulator.whatif.stored import Stored


@dataclass(frozen=True, eq=False, repr=False)
class WhatIf:
    """A history under other terms.

    Parameters
    ----------
    history : History
        Its evaluations are decided again from their attempts, on the recorded terms where nothing else is said.

    Examples
    --------
    >>> base = WhatIf(history)  # doctest: +SKIP
    >>> print(base.with_timeout("desired_replicas_running", 60.0).result().text())  # doctest: +SKIP
    """

    history: History
    _changes: Mapping[tuple[ConditionId, str | None], Change] = field(default_factory=dict)
    _settlers: Mapping[ConditionId, Settler] = field(default_factory=dict)
    _rollout: str | None = None
    _switch: bool | None = None
    _held: list[Stored] = field(default_factory=list)

    @property
    def stored(self) -> Stored:
        """What is laid out once, at the first question."""
        if not self._held:
            self._held.append(Stored(self.history))
        return self._held[0]

    def prepared(self) -> WhatIf:
        """Lay the history out now instead of at the first question."""
        _ = self.stored
        return self

    def with_timeout(self, condition: ConditionId | str, seconds: float, *, environment: str | None = None) -> WhatIf:
        """Give the history under another timeout; InputError or SettingsError where it cannot be set."""
        return self._with(condition, Change(timeout_s=seconds), environment)

    def with_hold_for(self, condition: ConditionId | str, seconds: float, *, environment: str | None = None) -> WhatIf:
        """Give the history under another `holdFor`; beyond the recorded looks it cannot answer, and says so."""
        return self._with(condition, Change(hold_for_s=seconds), environment)

    def with_required(
        self, condition: ConditionId | str, required: bool = True, *, environment: str | None = None
    ) -> WhatIf:
        """Give the history under another flag; how often a required condition stops is its percentage."""
        return self._with(condition, Change(required=required), environment)

    def with_percent(self, condition: ConditionId | str, percent: float, *, environment: str | None = None) -> WhatIf:
        """Give the history under another rollout percentage, 0..100."""
        return self._with(condition, Change(percent=percent), environment)

    def with_rollout(self, rollout: str) -> WhatIf:
        """Give the history with the incidents dealt anew by another rollout word, instead of as recorded."""
        return replace(self, _rollout=rollout)

    def with_enforcement(self, on: bool) -> WhatIf:
        """Give the history with the global switch on or off; on does not raise a percentage."""
        return replace(self, _switch=on)

    def with_policy(
        self,
        condition: ConditionId | str,
        policy: CompiledPolicy,
        *,
        evaluator: Evaluator,
        settings: Mapping[str, float] | None = None,
        environment: str | None = None,
    ) -> WhatIf:
        """Give the history as another policy, or the same with other numbers, judges it; no other is run.

        Parameters
        ----------
        settings : mapping of str to float, or None
            What the policy reads as `input.settings`; None means as recorded.
        environment : str or None
            None means everywhere.

        Raises
        ------
        EvaluatorError
            The evaluator itself is not there.
        """
        found = self.stored.named(condition)
        timelines = self.settler(found).timelines
        wanted = None
        if environment is not None:
            code = self.stored.environments.index(environment) if environment in self.stored.environments else -1
            wanted = self.stored.environment[timelines.rows] == code
        before = self.settler(found)
        numbers = None if settings is None else tuple(sorted(settings.items()))
        key = (id(before), environment, policy.digest, numbers)
        judged = self.stored.judged.get(key)
        if judged is None:
            answered = before.timelines.answered_by(
                self.history.attempts, evaluator, policy, settings=settings, wanted=wanted
            )
            # Where policy and numbers are the recorded ones nothing was judged.
            judged = before if answered is before.timelines else Settler(answered)
            self.stored.judged[key] = judged
        if judged is before:
            return self
        return replace(self, _settlers={**self._settlers, found: judged})

    def with_conditions(self, conditions: Conditions, *, evaluator: Evaluator | None = None) -> WhatIf:
        """Give the history under what the operator would load.

        Parameters
        ----------
        conditions : mapping of Level to CompiledSet
            Flags, times, percentages and numbers in every environment, instead of all that was changed before;
            recorded conditions that they do not name are not required any more.
        evaluator : Evaluator or None
            Judges the looks whose recorded policy or numbers are others; None judges nothing again, which InputError
            refuses where it would be needed.

        Raises
        ------
        InputError
            A condition has to be judged again and there is no evaluator.
        """
        changed = replace(self, _changes={}, _settlers={})
        for condition in self.stored.conditions:
            level = conditions.get(condition.level)
            if level is None or condition not in level.policies:
                changed = changed.with_required(condition, required=False)
                continue
            for environment, settings in self._settings(level, condition):
                changed = changed._under(level, condition, settings, environment, evaluator)  # noqa: SLF001 - own class
            changed = changed.with_rollout(level.texts.settings.rollout)
        return changed

    @property
    def judged(self) -> tuple[ConditionId, ...]:
        """Conditions whose looks another policy, or other numbers, judged again."""
        return tuple(sorted(self._settlers))

    def settler(self, condition: ConditionId) -> Settler:
        """Give what settles one condition: its stored looks, or the same as another policy answers them."""
        return self._settlers.get(condition) or self.stored.settlers[condition]

    def terms(self, condition: ConditionId) -> RowTerms:
        """Give the terms of every evaluation of one condition.

        Raises
        ------
        SettingsError
            They do not fit together.
        """
        timelines = self.settler(condition).timelines
        stored, rows = self.stored, timelines.rows
        return row_terms(
            condition,
            self._changes,
            environment=stored.environment[rows],
            environments=stored.environments,
            recorded=RowTerms(
                timeout_s=None, hold_for_s=None, required=stored.required[rows], percent=stored.percent[rows]
            ),
            recorded_timeout_s=timelines.ends.timeout_s,
            recorded_hold_for_s=timelines.ends.hold_for_s,
        )

    def settled(self, condition: ConditionId) -> SettledColumns:
        """Give what every evaluation of one condition comes to."""
        terms = self.terms(condition)
        return self.settler(condition).settle(timeout_s=terms.timeout_s, hold_for_s=terms.hold_for_s)

    def result(self) -> WhatIfResult:
        """Decide everything on these terms.

        Raises
        ------
        SettingsError
            The terms do not fit together.
        """
        return self._result

    @cached_property
    def _result(self) -> WhatIfResult:
        stored = self.stored
        every = len(stored.required)
        verdict = np.full(every, -1, np.int64)
        settled_s, certain, replayable = np.zeros(every), np.ones(every, bool), np.zeros(every, bool)
        required, percent = stored.required.copy(), stored.percent.copy()
        not_kept = np.zeros(every, bool)
        by_engine = 0
        terms_of: dict[ConditionId, RowTerms] = {}
        for condition in stored.conditions:
            terms = terms_of[condition] = self.terms(condition)
            settler = self.settler(condition)
            found = settler.settle(timeout_s=terms.timeout_s, hold_for_s=terms.hold_for_s)
            rows = settler.timelines.rows
            verdict[rows], settled_s[rows] = found.verdict, found.settled_s
            certain[rows], replayable[rows] = found.certain, found.replayable
            required[rows], percent[rows] = terms.required, terms.percent
            not_kept[rows] = settler.timelines.not_kept
            by_engine += found.by_engine
        bucket = stored.bucket
        if self._rollout is not None:
            bucket = dealt_anew(self._rollout, stored.incident, stored.incidents)
        in_force = required & stored.may_stop & (self._switch is not False)
        return WhatIfResult(
            history=self.history,
            runs=stored.runs,
            verdict=verdict,
            settled_s=settled_s,
            certain=certain,
            replayable=replayable,
            not_kept=not_kept,
            required=required,
            percent=percent,
            enforced=in_force & enrolled(bucket, np.where(required, percent, 0.0)),
            by_engine=by_engine,
            terms=terms_of,
        )

    def __repr__(self) -> str:
        return f"<WhatIf: {self.history!r}, {len(self._changes)} changes>"

    def _with(self, condition: ConditionId | str, change: Change, environment: str | None) -> WhatIf:
        found = self.stored.named(condition)
        check_change(found, change)
        key = (found, environment)
        changed = change.over(self._changes.get(key, Change()))
        return replace(self, _changes={**self._changes, key: changed})

    def _settings(self, level: CompiledSet, condition: ConditionId) -> list[tuple[str | None, PreSettings]]:
        """Give a condition's settings by environment; one entry for all where they do not differ."""
        codes = np.unique(self.stored.environment[self.stored.timelines(condition).rows]).tolist()
        names = sorted(self.stored.environments[at] for at in codes)
        found = [(name, level.texts.settings.effective(condition, environment=name)) for name in names]
        known = [(name, settings) for name, settings in found if settings is not None]
        if known and all(settings == known[0][1] for _, settings in known):
            return [(None, known[0][1])]
        return list(known)

    def _under(
        self,
        level: CompiledSet,
        condition: ConditionId,
        settings: PreSettings,
        environment: str | None,
        evaluator: Evaluator | None,
    ) -> WhatIf:
        _, hold_for_s = settings.timing
        change = Change(
            timeout_s=settings.timeout_s,
            hold_for_s=hold_for_s,
            required=settings.required and level.texts.settings.enforcement,
            percent=settings.rollout_percent,
        )
        changed = self._with(condition, change, environment)
        policy = level.policies[condition]
        numbers = filled_settings(policy, settings.settings)
        by = _Missing(condition) if evaluator is None else evaluator
        return changed.with_policy(condition, policy, evaluator=by, settings=numbers, environment=environment)


class _Missing:
    """Stands where no evaluator was given: whoever asks it is told that one is needed."""

    def __init__(self, condition: ConditionId) -> None:
        self._condition = condition

    def evaluate(self, policy: CompiledPolicy, batch: InputBatch) -> VerdictBatch:
        raise InputError(
            f"{self._condition} is judged by another policy ({policy.digest[:12]}) or other numbers on "
            f"{len(batch):,} inputs; give an evaluator"
        )
