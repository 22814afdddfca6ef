"""What changes between two files of conditions: settings, policies and the numbers behind them, one by one.

Two exports, or what is in the cluster and an export, or files written by hand. A change is a value with a before and an
after, said in words a person would use; no history is read and nothing is judged. What the change would have done to
past runs is another question, and `whatif/diff` answers it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kubernaut.conditions.compiled_set import CompiledSet, compile_set
from kubernaut.conditions.configmaps import load_condition_sets
from kubernaut.conditions.defaults import shipped_defaults
from kubernaut.conditions.settings import PreSettings, Settings
from kubernaut.durations import format_duration
from kubernaut.identity import ConditionId, Level
from kubernaut.policy.compiling import compile_policy
from kubernaut_simulator.estimation.rates import percent
from kubernaut_simulator.tuning.provenance import EVIDENCE, WrittenConfigMap, written_configmaps

NOTHING = "none"
"""Where one of the two says nothing."""

AS_BEFORE = "as before"

_DIGEST_SHOWN = 12


class What(StrEnum):
    """What of a condition changes."""

    SUITE = "suite"
    FLAG = "flag"
    TIMEOUT = "timeout"
    HOLD_FOR = "holdFor"
    POLL_INTERVAL = "pollInterval"
    PARAMETER = "parameter"
    POLICY = "policy"
    CHALLENGER = "challenger"
    FALSE_STOPS = "good incidents it would stop"
    BLOCK_RATE = "incidents it would stop"
    TIMES = "time to pass of good runs"
    REASON = "reason"


NUMBERS = (What.FALSE_STOPS, What.BLOCK_RATE, What.TIMES, What.REASON)
"""What was measured, and not what was set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """One thing that is otherwise.

    Attributes
    ----------
    subject : str
        The condition's identity; of what holds for all of them, the ConfigMap's name.
    environment : str
        Where it holds; empty: everywhere but where an environment is named.
    what : str
        A word of `What`, or a key of settings.yaml.
    text : str
        The change as a sentence.
    """

    subject: str
    environment: str
    what: str
    before: str
    after: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionsFile:
    """One of the two files, loaded.

    Attributes
    ----------
    conditions : mapping of Level to CompiledSet
    written : mapping of Level to WrittenConfigMap
        The ConfigMaps that are in it; a level without one has what ships.
    """

    source: str
    conditions: Mapping[Level, CompiledSet] = field(repr=False)
    written: Mapping[Level, WrittenConfigMap] = field(repr=False)

    def evidence(self, condition: ConditionId) -> Mapping[str, Any]:
        """Give what the annotation says of a condition; empty without it."""
        written = self.written.get(condition.level)
        found = {} if written is None else written.json(EVIDENCE).get(str(condition))
        return found if isinstance(found, dict) else {}


def conditions_file(text: str, *, source: str) -> ConditionsFile:
    """Load a text of ConfigMaps for a comparison.

    Raises
    ------
    InputError
        It, its settings or a policy cannot be used.
    """
    sets = load_condition_sets(text, source=source, shipped=shipped_defaults())
    return ConditionsFile(
        source=source,
        conditions={level: compile_set(one, compile_policy) for level, one in sets.items()},
        written=written_configmaps(text, source=source),
    )


def changes_between(before: ConditionsFile, after: ConditionsFile) -> list[SettingChange]:
    """Name everything that differs, in order of level and identity.

    Raises
    ------
    InputError
        An annotation cannot be read.
    """
    found: list[SettingChange] = []
    for level in Level:
        if level not in before.written and level not in after.written:
            continue
        old, new = before.conditions[level].texts.settings, after.conditions[level].texts.settings
        found += _of_the_whole(old, new, level=level, before=before, after=after)
        for condition in sorted({*old.condition_ids(level), *new.condition_ids(level)}):
            found += _of_condition(condition, before, after)
    return found


def _of_the_whole(
    old: Settings, new: Settings, *, level: Level, before: ConditionsFile, after: ConditionsFile
) -> Iterator[SettingChange]:
    name = next(one.written[level].name for one in (after, before) if level in one.written)
    pairs = {
        "enforcement": (_on_off(old.enforcement), _on_off(new.enforcement)),
        "rollout": (old.rollout, new.rollout),
        "recordFacts": (old.record_facts, new.record_facts),
        "inlinePolicies": (_listed(old.inline_policies.namespaces), _listed(new.inline_policies.namespaces)),
        "blockedDeadline": (format_duration(old.blocked_deadline_s), format_duration(new.blocked_deadline_s)),
        "facts.yaml": (
            _listed(sorted(before.conditions[level].texts.custom_facts.facts)),
            _listed(sorted(after.conditions[level].texts.custom_facts.facts)),
        ),
    }
    for what, (was, now) in pairs.items():
        if was != now:
            more = "; another word deals the incidents anew" if what == "rollout" else ""
            text = f"{what} is {now} instead of {was}{more}"
            yield SettingChange(subject=name, environment="", what=what, before=was, after=now, text=text)


def _of_condition(condition: ConditionId, before: ConditionsFile, after: ConditionsFile) -> Iterator[SettingChange]:
    name, level = str(condition), condition.level
    one, other = before.conditions[level], after.conditions[level]
    old, new = (each.texts.settings.effective(condition) for each in (one, other))
    if old is None or new is None:
        yield _entered_or_left(name, old, new)
        return
    everywhere = list(_settings(name, old, new))
    yield from everywhere
    plain = [change.text for change in everywhere]
    for environment in sorted({*one.texts.settings.environments, *other.texts.settings.environments}):
        there = list(
            _settings(
                name,
                one.texts.settings.effective(condition, environment=environment) or old,
                other.texts.settings.effective(condition, environment=environment) or new,
                environment=environment,
            )
        )
        yield from (change for change in there if change.text.removeprefix(_where(environment)) not in plain)
        yield from _stays(name, everywhere, there, environment)
    for what, policies in ((What.POLICY, "policies"), (What.CHALLENGER, "candidates")):
        was, now = (_digest(getattr(each, policies).get(condition)) for each in (one, other))
        if was != now:
            yield _change(name, what, was, now, f"another {what}: {now} instead of {was}")
    yield from _numbers(name, (old, before.evidence(condition)), (new, after.evidence(condition)))


def _entered_or_left(name: str, old: PreSettings | None, new: PreSettings | None) -> SettingChange:
    was, now = (NOTHING if one is None else flag_text(one) for one in (old, new))
    text = (
        f"new: evaluated on every run from now on; {now}"
        if old is None
        else f"gone: no longer evaluated on every run; it was {was}"
    )
    return _change(name, What.SUITE, was, now, text)


def _settings(name: str, old: PreSettings, new: PreSettings, *, environment: str = "") -> Iterator[SettingChange]:
    was, now = flag_text(old), flag_text(new)
    if was != now:
        yield _change(name, What.FLAG, was, now, _flag_sentence(old, new), environment=environment)
    durations = {What.TIMEOUT: "timeout_s", What.HOLD_FOR: "hold_for_s", What.POLL_INTERVAL: "poll_interval_s"}
    for what, field_name in durations.items():
        was, now = (_duration(getattr(one, field_name, None)) for one in (old, new))
        if was != now:
            yield _change(name, what, was, now, f"{what} {now} instead of {was}", environment=environment)
    for key in sorted({*old.settings, *new.settings}):
        was, now = (_number(one.settings.get(key)) for one in (old, new))
        if was != now:
            yield _change(
                name, What.PARAMETER, was, now, f"parameter {key} {now} instead of {was}", environment=environment
            )


def _stays(
    name: str, everywhere: Sequence[SettingChange], there: Sequence[SettingChange], environment: str
) -> Iterator[SettingChange]:
    """Name what changes elsewhere and not here, since the environment's own word wins."""
    for what in sorted({change.what for change in everywhere} - {change.what for change in there}):
        yield _change(name, What(what), AS_BEFORE, AS_BEFORE, f"{what} stays as it was", environment=environment)


def flag_text(one: PreSettings) -> str:
    """Say what a condition's verdict does: warn, or stop runs, of how many incidents."""
    if not one.required or one.rollout_percent == 0:
        return "warn"
    return f"required at {one.rollout_percent:g} %"


def _flag_sentence(old: PreSettings, new: PreSettings) -> str:
    was, now = flag_text(old), flag_text(new)
    if was == "warn":
        return f"becomes required: stops runs of {new.rollout_percent:g} % of incidents; until now it only warned"
    if now == "warn":
        return f"only warns again; it stopped runs of {old.rollout_percent:g} % of incidents"
    return f"stops runs of {new.rollout_percent:g} % of incidents instead of {old.rollout_percent:g} %"


def _numbers(
    name: str, before: tuple[PreSettings, Mapping[str, Any]], after: tuple[PreSettings, Mapping[str, Any]]
) -> Iterator[SettingChange]:
    for what, say in (
        (What.FALSE_STOPS, _false_stops),
        (What.BLOCK_RATE, _block_rate),
        (What.TIMES, _time_to_pass),
        (What.REASON, _reason),
    ):
        was, now = say(*before), say(*after)
        if was != now:
            # The reason before spoke of numbers that stand above.
            told = was != NOTHING and what is not What.REASON
            yield _change(name, what, was, now, f"{what}: {now}" + (f"; before: {was}" if told else ""))


def _false_stops(_: PreSettings, evidence: Mapping[str, Any]) -> str:
    if "falseStops" not in evidence:
        return NOTHING
    upper = evidence.get("upper95")
    return f"{evidence['falseStops']}" + (f" (upper 95 % {percent(upper)})" if isinstance(upper, float | int) else "")


def _block_rate(settings: PreSettings, _: Mapping[str, Any]) -> str:
    found = None if settings.evidence is None else settings.evidence.block_rate
    if found is None:
        return NOTHING
    k = round(found.predicted * found.n)
    return f"{k}/{found.n}" + (f" = {percent(found.predicted)}" if k else "") + f" (budget {percent(found.upper)})"


def _time_to_pass(settings: PreSettings, _: Mapping[str, Any]) -> str:
    found = None if settings.evidence is None else settings.evidence.time_to_pass
    if found is None:
        return NOTHING
    return f"half by {format_duration(found.p50_s)}, 95 % by {format_duration(found.p95_s)} (n {found.n:,})"


def _reason(settings: PreSettings, _: Mapping[str, Any]) -> str:
    return (settings.evidence.reason if settings.evidence is not None else "") or NOTHING


def _change(name: str, what: What, before: str, after: str, text: str, *, environment: str = "") -> SettingChange:
    return SettingChange(
        subject=name,
        environment=environment,
        what=what.value,
        before=before,
        after=after,
        text=_where(environment) + text,
    )


def _where(environment: str) -> str:
    return f"in {environment}: " if environment else ""


def _digest(policy: Any) -> str:
    return NOTHING if policy is None else str(policy.digest)[:_DIGEST_SHOWN]


def _duration(seconds: float | None) -> str:
    return "by default" if seconds is None else format_duration(seconds)


def _number(value: float | None) -> str:
    return "the policy's default" if value is None else f"{value:g}"


def _on_off(on: bool) -> str:
    return "on" if on else "off"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or NOTHING
