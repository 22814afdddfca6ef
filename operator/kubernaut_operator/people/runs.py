"""What a person calls a run: a workflow with the executions of its steps, or an execution of its own.

Found by name, as kubectl would take it: ``NAME``, ``wfx/NAME``, ``kex/NAME``. A bare name is a workflow's first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kubernaut.errors import InputError, NotFoundError
from kubernaut.resources.names import KUBERNETES_EXECUTION, WORKFLOW_EXECUTION, ResourceKind
from kubernaut_operator.execution.kinds import KUBERNETES_EXECUTIONS, WORKFLOW_EXECUTIONS
from kubernaut_operator.kernel.api import Api, Manifest
from kubernaut_operator.kernel.resources import Resource
from kubernaut_operator.people.reaching import Place

_KINDS = ((WORKFLOW_EXECUTION, WORKFLOW_EXECUTIONS), (KUBERNETES_EXECUTION, KUBERNETES_EXECUTIONS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run.

    Attributes
    ----------
    manifest : dict
        The workflow, or the execution without one.
    executions : mapping of str to dict
        Of the workflow's steps, by name; empty for an execution.
    """

    manifest: Manifest
    executions: Mapping[str, Manifest]

    @property
    def is_workflow(self) -> bool:
        """Whether it is a workflow."""
        return bool(self.manifest["kind"] == WORKFLOW_EXECUTION.kind)

    @property
    def resource(self) -> Resource:
        """Its kind, for requests."""
        return WORKFLOW_EXECUTIONS if self.is_workflow else KUBERNETES_EXECUTIONS

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.manifest["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return str(self.manifest["metadata"]["namespace"])

    @property
    def status(self) -> Mapping[str, Any]:
        """Its status; empty before the operator saw it."""
        return self.manifest.get("status") or {}

    @property
    def over(self) -> bool:
        """Whether it has its result."""
        return bool(self.status.get("result"))

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """The workflow and its steps' executions, in order of their names."""
        return (self.manifest, *(self.executions[name] for name in sorted(self.executions)))

    def __str__(self) -> str:
        return f"{'workflow' if self.is_workflow else 'execution'} {self.namespace}/{self.name}"


def find_run(place: Place, name: str) -> Run:
    """Find a run by its name.

    Raises
    ------
    InputError
        There is none of that name.
    """
    kinds, bare = _named(name)
    for resource in kinds:
        try:
            found = place.api.get(resource, bare, place.namespace)
        except NotFoundError:
            continue
        return Run(manifest=found, executions=_steps(place.api, found) if resource is WORKFLOW_EXECUTIONS else {})
    raise InputError(
        f"no workflow or execution {bare!r} in namespace {place.namespace}; "
        "`kubectl kubernaut get --all-namespaces` lists what there is"
    )


def list_runs(place: Place) -> list[Run]:
    """Give all runs of a namespace, or of all, the newest last; an execution of a workflow is a part of it.

    Raises
    ------
    InputError
        The cluster knows no such resources.
    """
    try:
        workflows, _ = place.api.list_all(WORKFLOW_EXECUTIONS, place.namespace)
        executions, _ = place.api.list_all(KUBERNETES_EXECUTIONS, place.namespace)
    except NotFoundError as error:
        raise InputError(
            "this cluster knows no workflows: install them with `kubernaut operator manifests | kubectl apply "
            "--server-side -f -`"
        ) from error
    known = {workflow["metadata"]["uid"] for workflow in workflows}
    steps: dict[str, dict[str, Manifest]] = {uid: {} for uid in known}
    runs = []
    for execution in executions:
        owner = next((uid for uid in _owners(execution) if uid in known), None)
        if owner is None:
            runs.append(Run(manifest=execution, executions={}))
        else:
            steps[owner][execution["metadata"]["name"]] = execution
    runs += [Run(manifest=one, executions=steps[one["metadata"]["uid"]]) for one in workflows]
    return sorted(runs, key=lambda run: (run.manifest["metadata"].get("creationTimestamp", ""), run.name))


def _steps(api: Api, workflow: Manifest) -> dict[str, Manifest]:
    """Read the executions that the workflow's status names; one that is gone is left out."""
    metadata = workflow["metadata"]
    found = {}
    for name in _named_by(workflow):
        try:
            execution = api.get(KUBERNETES_EXECUTIONS, name, metadata["namespace"])
        except NotFoundError:
            continue
        if metadata["uid"] in _owners(execution):
            found[name] = execution
    return found


def _named_by(workflow: Manifest) -> Iterable[str]:
    for step in (workflow.get("status") or {}).get("stepStatuses") or ():
        for reference in ("execution", "rollbackExecution"):
            if reference in step:
                yield str(step[reference]["name"])


def _owners(execution: Manifest) -> list[str]:
    return [str(owner["uid"]) for owner in execution["metadata"].get("ownerReferences") or ()]


def _named(name: str) -> tuple[tuple[Resource, ...], str]:
    kind, slash, bare = name.partition("/")
    if not slash:
        return tuple(resource for _, resource in _KINDS), name
    for known, resource in _KINDS:
        if kind.lower() in _words(known):
            return (resource,), bare
    raise InputError(f"{name!r}: write NAME, wfx/NAME for a workflow or kex/NAME for an execution")


def _words(kind: ResourceKind) -> set[str]:
    return {kind.singular, kind.plural, *kind.short_names, f"{kind.singular}.{kind.group}", kind.crd_name}
