"""`validate`: what the operator would refuse, said before anybody submits it and without a cluster.

Every check is the operator's own: the models of the resources, the order of steps, the catalogue's parameters, and
conditions resolved against the ConfigMaps of a file or what ships. What only a cluster knows - rights, targets, facts -
is not asked.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kubernaut.conditions.added import AddedCondition
from kubernaut.conditions.compiled_set import CompiledSet, compile_set
from kubernaut.conditions.condition_set import ConditionSet, shipped_set
from kubernaut.conditions.configmaps import load_condition_sets
from kubernaut.conditions.defaults import shipped_defaults
from kubernaut.conditions.resolve import resolve
from kubernaut.errors import InputError
from kubernaut.execution.checks import parameters_of
from kubernaut.identity import Level
from kubernaut.policy.wording import clean_message
from kubernaut.resources.names import WORKFLOW_EXECUTION
from kubernaut.resources.reading import read_execution, read_workflow
from kubernaut.workflow.checks import problems as workflow_problems
from kubernaut_operator.execution import reading_runs
from kubernaut_operator.kernel.api import Manifest
from kubernaut_operator.people.compiling import compile_known
from kubernaut_operator.workflow import reading_workflows

NOT_STORED = "not-stored"
"""UID of an object that is in no cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is found of one object.

    Attributes
    ----------
    problems : tuple of str
        Why the operator would refuse it; empty where it would not.
    notes : tuple of str
        What of it would not be followed.
    summary : str
        What it will be judged by, where nothing is wrong.
    """

    name: str
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    summary: str = ""


class Validator:
    """Checks objects against conditions.

    Parameters
    ----------
    conditions : Path or None
        YAML with the ConfigMaps; None means what ships.
    environment : str
        Value of the namespace's label; empty without one.
    """

    def __init__(self, *, conditions: Path | None = None, environment: str = "") -> None:
        self._environment = environment
        self._texts: Mapping[Level, ConditionSet] = {level: shipped_set(level, shipped_defaults()) for level in Level}
        if conditions is not None:
            text = conditions.read_text(encoding="utf-8")
            self._texts = load_condition_sets(text, source=str(conditions), shipped=shipped_defaults())
        self._sets: dict[tuple[Level, str], CompiledSet] = {}

    def check(self, manifest: Manifest) -> Finding:
        """Check one object, with its namespace filled in."""
        name = _name(manifest)
        problems = list(form_problems(manifest))
        if problems:
            return Finding(name=name, problems=tuple(problems))
        notes: list[str] = []
        actions, count = _actions(_stored(manifest)), 0
        for where, action, levels, added in actions:
            try:
                for noted, judged in self._judged(action, manifest["metadata"]["namespace"], added, levels):
                    notes += [where + note for note in noted]
                    count += judged
            except InputError as error:
                problems += [f"{name}: {where}{line}" for line in str(error).splitlines()]
        summary = _plural(count, "condition")
        if manifest["kind"] == WORKFLOW_EXECUTION.kind:
            summary = f"{_plural(len(actions), 'step')}, {summary}"
        return Finding(name=name, problems=tuple(problems), notes=tuple(notes), summary=summary)

    def _judged(
        self, action: str, namespace: str, added: Sequence[AddedCondition], levels: Sequence[Level]
    ) -> Iterator[tuple[tuple[str, ...], int]]:
        """Resolve what an action is judged by, each level; gives notes, and how many conditions."""
        for level in levels:
            if (level, action) not in self._sets:
                self._sets[level, action] = compile_set(self._texts[level], compile_known, action=action)
            resolution = resolve(
                self._sets[level, action],
                action=action,
                namespace=namespace,
                environment=self._environment,
                added=[one for one in added if one.id.level is level],
                compile_=compile_known,
            )
            yield resolution.notes, sum(not one.candidate for one in resolution.conditions)


def form_problems(manifest: Manifest) -> tuple[str, ...]:
    """Say what is wrong with an object apart from its conditions: fields, order of steps, parameters."""
    stored, name = _stored(manifest), _name(manifest)
    try:
        if manifest["kind"] == WORKFLOW_EXECUTION.kind:
            read_workflow(stored)
            return tuple(f"{name}: {problem}" for problem in workflow_problems(reading_workflows.run_of(stored)))
        read_execution(stored)
    except InputError as error:
        return tuple(str(error).splitlines())
    try:
        parameters_of(reading_runs.run_of(stored))
    except InputError as error:
        return (f"{name}: {error}",)
    return ()


def _actions(stored: Manifest) -> list[tuple[str, str, tuple[Level, ...], tuple[AddedCondition, ...]]]:
    """Give each action that an object asks for: where, which, judged at which levels, and what it adds."""
    if stored["kind"] == WORKFLOW_EXECUTION.kind:
        workflow = read_workflow(stored)
        return [
            (f"step {step.step_number}: ", step.action, tuple(Level), workflow.added.get(step.step_number, ()))
            for step in workflow.spec.definition.steps
        ]
    execution = read_execution(stored)
    return [("", execution.spec.action, (Level.ACTION,), execution.added[execution.spec.step_number])]


def _stored(manifest: Manifest) -> Manifest:
    """Give an object as the API server would store it, as far as its form goes."""
    metadata = dict(manifest["metadata"])
    if "generateName" in metadata:
        metadata.setdefault("name", f"{metadata['generateName']}xxxxx")
    return {**manifest, "metadata": {**metadata, "uid": NOT_STORED}}


def _name(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    named = metadata.get("name") or metadata.get("generateName") or "without a name"
    return clean_message(f"{manifest['kind']} {metadata['namespace']}/{named}")


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
