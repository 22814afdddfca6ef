"""One condition looked at once more, now and with a person's own rights: its facts, and the line that does not hold.

The status says what a policy answered, not what it saw. So the facts that it reads are read again as the operator reads
them, and the engine traces the policy on them. What a person may not see is said to be unobserved, as for anybody; and
whether this is the text that judged the run is told by its digest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubernaut.conditions.added import AddedCondition
from kubernaut.conditions.compiled_set import CompiledSet, compile_set
from kubernaut.conditions.condition_set import ConditionSet, shipped_set
from kubernaut.conditions.configmaps import condition_set
from kubernaut.conditions.defaults import shipped_defaults
from kubernaut.conditions.inputs import policy_input
from kubernaut.conditions.pinning import PinnedSets
from kubernaut.conditions.resolve import Resolution, resolve
from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.errors import ForbiddenError, InputError, NotFoundError
from kubernaut.execution import status_json as execution_json
from kubernaut.facts.snapshot import Snapshot, Unobserved, format_path
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut.judging import missing_fact
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.tracing import Trace, explain
from kubernaut.resources.names import WORKFLOW_EXECUTION
from kubernaut.resources.reading import read_execution, read_workflow
from kubernaut.workflow import status_json as workflow_json
from kubernaut.workflow.keys import StepKey, Undo
from kubernaut_operator.condition_sets.names import CONFIG_MAPS, ConfigMapNames, Part
from kubernaut_operator.execution import reading_runs
from kubernaut_operator.execution.subject import Judged, Subject
from kubernaut_operator.execution.work import Work
from kubernaut_operator.kernel.resources import key_of
from kubernaut_operator.live_facts.question import Question
from kubernaut_operator.live_facts.reader import FactReader
from kubernaut_operator.people.causes import Hold
from kubernaut_operator.people.compiling import compile_known
from kubernaut_operator.people.reaching import Place
from kubernaut_operator.people.runs import Run
from kubernaut_operator.workflow import reading_workflows
from kubernaut_operator.workflow.work import WorkflowWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was found.

    Attributes
    ----------
    condition : ResolvedCondition
    policy : CompiledPolicy
    trace : Trace or None
        None when a fact that the policy reads is missing: then `missing` says which.
    facts : mapping of str to object
        Facts that the policy reads, by path, as they are now.
    unobserved : mapping of str to str
        Those that could not be seen, with why.
    notes : tuple of str
        What a reader should know before believing it.
    """

    condition: ResolvedCondition
    policy: CompiledPolicy
    trace: Trace | None
    missing: str = ""
    facts: Mapping[str, Any]
    unobserved: Mapping[str, str]
    notes: tuple[str, ...] = ()


def look_again(place: Place, run: Run, hold: Hold, *, maps: ConfigMapNames, prometheus_url: str = "") -> Looked:
    """Look at a hold's condition now.

    Parameters
    ----------
    maps : ConfigMapNames
        Where the cluster's conditions stand.
    prometheus_url : str
        For facts that Prometheus gives; empty leaves them unobserved.

    Raises
    ------
    InputError
        The condition is not in force any more, or its policy cannot be used.
    ApiError
        The cluster does not answer.
    """
    if hold.result is None:
        raise InputError(f"{hold.where}: there is no condition to look at")
    wanted = _id_of(hold.result)
    sets, notes = _sets(place, wanted.action, maps)
    resolution = resolve(
        sets.level(wanted.level),
        action=wanted.action,
        namespace=run.namespace,
        environment=str(((hold.of["status"].get("pinned")) or {}).get("environment", "")),
        added=[one for one in _added(hold) if one.id.level is wanted.level],
        compile_=compile_known,
    )
    condition = _condition(resolution, wanted)
    policy = resolution.policy(condition)
    if hold.result.get("policyDigest") not in (None, policy.digest):
        notes = (*notes, "the policy was changed since it judged this run: this is what it says today")
    judged = Judged(
        sets=sets,
        level=wanted.level,
        resolution=resolution,
        environment=str((hold.of["status"].get("pinned") or {}).get("environment", "")),
    )
    seen = _read(place, _subject(run, hold, judged), condition, policy, prometheus_url=prometheus_url)
    missing = missing_fact(policy, seen)
    return Looked(
        condition=condition,
        policy=policy,
        trace=explain(policy, seen.facts) if missing is None else None,
        missing="" if missing is None else missing.message,
        facts=_facts(seen, policy),
        unobserved={path: _why(gap) for path, gap in seen.unobserved.items()},
        notes=notes,
    )


def _id_of(result: Mapping[str, Any]) -> ConditionId:
    return ConditionId(
        str(result["action"]), Level(result["level"]), Phase(result["phase"]), str(result["conditionType"])
    )


def _condition(resolution: Resolution, wanted: ConditionId) -> ResolvedCondition:
    for condition in resolution.conditions:
        if condition.id == wanted and not condition.candidate:
            return condition
    raise InputError(f"{wanted} is not in force any more: it is neither in the settings nor in the resource")


def _sets(place: Place, action: str, maps: ConfigMapNames) -> tuple[PinnedSets, tuple[str, ...]]:
    """Compile what is in force for an action; where it may not be read, what ships."""
    notes: list[str] = []
    compiled: dict[Level, CompiledSet] = {}
    for level, part in ((Level.STEP, Part.STEP), (Level.ACTION, Part.ACTION)):
        key, texts = maps.key(part), shipped_set(level, shipped_defaults())
        try:
            texts = _texts(place, level, key.namespace, key.name)
        except ForbiddenError:
            notes.append(f"you may not read the ConfigMap {key}, so the conditions that ship are shown")
        compiled[level] = compile_set(texts, compile_known, action=action)
    return PinnedSets(step=compiled[Level.STEP], action=compiled[Level.ACTION]), tuple(notes)


def _texts(place: Place, level: Level, namespace: str, name: str) -> ConditionSet:
    try:
        found = place.api.get(CONFIG_MAPS, name, namespace)
    except NotFoundError:
        return shipped_set(level, shipped_defaults())
    return condition_set(found, level=level, shipped=shipped_defaults())


def _added(hold: Hold) -> tuple[AddedCondition, ...]:
    if hold.of["kind"] == WORKFLOW_EXECUTION.kind:
        return read_workflow(hold.of).added.get(hold.step, ())
    return tuple(one for brought in read_execution(hold.of).added.values() for one in brought)


def _subject(run: Run, hold: Hold, judged: Judged) -> Subject:
    manifest = hold.of
    engine = manifest["status"]["engine"]
    if manifest["kind"] != WORKFLOW_EXECUTION.kind:
        return Work(
            key=key_of(manifest),
            manifest=manifest,
            run=reading_runs.run_of(manifest),
            status=execution_json.from_json(engine),
            stored=engine,
            told=set(),
            judged=judged,
        ).subject
    workflow = reading_workflows.run_of(manifest)
    status, key = workflow_json.from_json(engine), StepKey(hold.step)
    step = workflow.step(hold.step)
    named = [one for one in manifest["status"].get("stepStatuses") or () if one["stepNumber"] == hold.step]
    execution = run.executions.get(((named[0] if named else {}).get("execution") or {}).get("name", ""))
    return WorkflowWork(
        key=key_of(manifest),
        manifest=manifest,
        run=workflow,
        status=status,
        stored=engine,
        forward={hold.step: judged},
        executions={} if execution is None else {key: execution},
    ).subject(key, Undo(action=step.action, parameters=step.parameters))


def _read(
    place: Place, subject: Subject, condition: ResolvedCondition, policy: CompiledPolicy, *, prometheus_url: str
) -> Snapshot:
    reader = FactReader(place.api, prometheus_url=prometheus_url)
    try:
        reading = reader.read(
            Question(
                target=subject.target,
                parameters=subject.parameters,
                reads=policy.reads,
                baseline=subject.baseline,
                action_ended_at=subject.action_ended_at,
                incident_detected_at=subject.detected_at,
                custom=subject.custom_facts,
            )
        )
    finally:
        reader.close()
    return policy_input(
        reading.snapshot,
        condition=condition.id,
        context=subject.context,
        parameters=subject.parameters,
        settings=condition.settings,
        custom=reading.custom,
    )


def _facts(seen: Snapshot, policy: CompiledPolicy) -> dict[str, Any]:
    """Give the facts that a policy reads, each once, as far up as it is a name of its own."""
    found: dict[str, Any] = {}
    for path in policy.reads:
        short = path[:2] if path and path[0] in _GROUPED else path[:1]
        value: Any = seen.facts
        for part in short:
            value = value.get(part) if isinstance(value, Mapping) else None
        name = format_path(short)
        if short and name not in seen.unobserved:
            found[name] = value
    return found


_GROUPED = frozenset({"parameters", "settings", "custom", "context"})
"""Not facts themselves: what they hold are."""


def _why(gap: Unobserved) -> str:
    return f"{gap.reason.value}: {gap.detail}" if gap.detail else gap.reason.value
