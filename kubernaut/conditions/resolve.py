"""What one run will be judged by: the suite of its action, and what its custom resource adds.

Whose word counts, in this order:

1. The suite: every condition that settings.yaml names for the action, with the settings' times and flags. A
   custom resource that lists one of them changes nothing about it; a note says what was ignored.
2. Text: the ConfigMap's policy, else the shipped one, else inline Rego - the platform team's text wins over
   an author's.
3. What a custom resource adds beyond the suite has the author's own flags, and when required it is enforced
   in every incident: nobody else's run is touched by it, and the author asked for it.

Resolved once, when a run leaves `pending`; the set's digest is what the run is pinned to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from kubernaut.conditions.added import AddedCondition
from kubernaut.conditions.compiled_set import Compile, CompiledSet, compile_text, filled_settings
from kubernaut.conditions.condition_set import PolicyText
from kubernaut.conditions.settings import PreSettings
from kubernaut.conditions.spec import PolicySource, ResolvedCondition
from kubernaut.durations import format_duration
from kubernaut.errors import SettingsError
from kubernaut.identity import ConditionId, Phase

if TYPE_CHECKING:
    from kubernaut.policy.compiled import CompiledPolicy

ADDED_ROLLOUT_PERCENT = 100.0
"""Of a required condition that a custom resource adds beyond the suite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """One run's conditions at one level.

    Attributes
    ----------
    conditions : tuple of ResolvedCondition
        Preconditions before postconditions, the suite by type, then what was added in its own order; each
        challenger right after the condition it challenges.
    policies : mapping of str to CompiledPolicy
        By digest.
    set_digest : str
        Of the condition set; goes into status.
    notes : tuple of str
        What of the custom resource was not followed, and why.
    """

    conditions: tuple[ResolvedCondition, ...]
    policies: Mapping[str, "CompiledPolicy"] = field(repr=False)
    set_digest: str
    notes: tuple[str, ...] = ()

    def policy(self, condition: ResolvedCondition) -> "CompiledPolicy":
        """Give the policy of one of the conditions."""
        return self.policies[condition.policy_digest]

    def phase(self, phase: Phase) -> tuple[ResolvedCondition, ...]:
        """Give the conditions of one phase."""
        return tuple(condition for condition in self.conditions if condition.id.phase is phase)


def resolve(
    conditions: CompiledSet,
    *,
    action: str,
    namespace: str,
    environment: str = "",
    added: Sequence[AddedCondition] = (),
    compile_: Compile,
) -> Resolution:
    """Say what a run of `action` is judged by at the set's level.

    Parameters
    ----------
    conditions : CompiledSet
        The level's set.
    action : str
    namespace : str
        Of the custom resource; decides whether its inline Rego may run.
    environment : str
        Value of that namespace's `kubernaut.io/environment` label; empty without one.
    added : sequence of AddedCondition
        What the custom resource lists at this level.
    compile_ : Compile
        For policies outside the suite.

    Raises
    ------
    SettingsError
        An added condition of another action or level, one that nobody has a policy for, or inline Rego in a
        namespace where none may run.
    PolicyError
        An added condition's policy cannot be used; with its place.
    """
    texts = conditions.texts
    resolved: list[ResolvedCondition] = []
    policies: dict[str, CompiledPolicy] = {}
    notes: list[str] = []
    listed = {entry.id: entry for entry in added}
    for condition in sorted(_suite_of(conditions, action), key=_order):
        settings = texts.settings.effective(condition, environment=environment)
        text = texts.policy(condition)
        if settings is None or text is None:
            continue
        policy = conditions.policies[condition]
        entry = listed.get(condition)
        if entry is not None:
            notes += _ignored(entry, settings, text)
        made = _from_settings(condition, settings, policy, text.origin, entry)
        resolved.append(made)
        policies[policy.digest] = policy
        challenger = conditions.candidates.get(condition)
        if challenger is not None:
            resolved.append(_challenger(made, challenger, settings))
            policies[challenger.digest] = challenger
    suite = {condition.id for condition in resolved}
    for entry in added:
        if entry.id.action != action or entry.id.level is not texts.level:
            raise SettingsError(f"{entry.place}: {entry.id} does not belong to {action} at the {texts.level} level")
        if entry.id in suite:
            continue
        text = texts.policy(entry.id) or _inline(entry, conditions, namespace=namespace)
        if entry.rego is not None and text.origin is not PolicySource.INLINE:
            notes.append(f"{entry.place}: inline rego is not used; {text.name} replaces it")
        policy = compile_text(text, texts, compile_)
        resolved.append(_from_author(entry, policy, text.origin))
        policies[policy.digest] = policy
    resolved.sort(key=lambda condition: condition.id.phase is Phase.POST)
    return Resolution(conditions=tuple(resolved), policies=policies, set_digest=texts.digest, notes=tuple(notes))


def allows_inline(patterns: Sequence[str], namespace: str) -> bool:
    """Say whether a custom resource in `namespace` may bring Rego of its own."""
    return any(fnmatchcase(namespace, pattern) for pattern in patterns)


def _suite_of(conditions: CompiledSet, action: str) -> list[ConditionId]:
    return [condition for condition in conditions.texts.suite if condition.action == action]


def _order(condition: ConditionId) -> tuple[bool, str]:
    return condition.phase is Phase.POST, condition.type


def _from_settings(
    condition: ConditionId,
    settings: PreSettings,
    policy: "CompiledPolicy",
    origin: PolicySource,
    entry: AddedCondition | None,
) -> ResolvedCondition:
    poll_interval_s, hold_for_s = settings.timing
    return ResolvedCondition(
        id=condition,
        description=(entry.description if entry else "") or policy.metadata.title,
        policy_digest=policy.digest,
        policy_source=origin,
        required=settings.required,
        rollout_percent=settings.rollout_percent,
        timeout_s=settings.timeout_s,
        poll_interval_s=poll_interval_s,
        hold_for_s=hold_for_s,
        settings=filled_settings(policy, settings.settings),
    )


def _challenger(champion: ResolvedCondition, policy: "CompiledPolicy", settings: PreSettings) -> ResolvedCondition:
    """Judge the challenger on the same looks: the same times, its own parameters, never enforced."""
    return replace(
        champion,
        description=policy.metadata.title or champion.description,
        policy_digest=policy.digest,
        policy_source=PolicySource.CONFIGMAP,
        required=False,
        rollout_percent=0.0,
        settings=filled_settings(policy, settings.settings),
        candidate=True,
    )


def _from_author(entry: AddedCondition, policy: "CompiledPolicy", origin: PolicySource) -> ResolvedCondition:
    return ResolvedCondition(
        id=entry.id,
        description=entry.description or policy.metadata.title,
        policy_digest=policy.digest,
        policy_source=origin,
        required=entry.required,
        rollout_percent=ADDED_ROLLOUT_PERCENT if entry.required else 0.0,
        timeout_s=entry.timeout_s,
        poll_interval_s=entry.poll_interval_s,
        hold_for_s=entry.hold_for_s,
        settings=filled_settings(policy, {}),
    )


def _inline(entry: AddedCondition, conditions: CompiledSet, *, namespace: str) -> PolicyText:
    if entry.rego is None:
        raise SettingsError(
            f"{entry.place}: no policy for {entry.id}; add rego here, or a key "
            f"{entry.id.action}.{entry.id.phase.value}.{entry.id.type}.rego to the ConfigMap"
        )
    patterns = conditions.texts.settings.inline_policies.namespaces
    if not allows_inline(patterns, namespace):
        raise SettingsError(
            f"{entry.place}: inline rego may not run in namespace {namespace} "
            f"(inlinePolicies.namespaces: {', '.join(patterns) or 'none'}); "
            "have the policy put into the ConfigMap"
        )
    return PolicyText(name=f"{entry.place}.rego", source=entry.rego, origin=PolicySource.INLINE)


def _ignored(entry: AddedCondition, settings: PreSettings, text: PolicyText) -> list[str]:
    """Say which of an author's fields the suite's settings outvote."""
    poll_interval_s, hold_for_s = settings.timing
    notes = []
    if entry.rego is not None:
        notes.append(f"{entry.place}: inline rego is not used; {text.name} replaces it")
    if entry.required != settings.required:
        notes.append(f"{entry.place}: required is {_yaml(settings.required)} here: settings.yaml decides it")
    for name, own, decided in (
        ("timeout", entry.timeout_s, settings.timeout_s),
        ("pollInterval", entry.poll_interval_s, poll_interval_s),
        ("holdFor", entry.hold_for_s, hold_for_s),
    ):
        if own != decided:
            shown = "the default" if decided is None else format_duration(decided)
            notes.append(f"{entry.place}: {name} is {shown} here: settings.yaml decides it")
    return notes


def _yaml(value: bool) -> str:
    return "true" if value else "false"
