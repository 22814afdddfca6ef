"""`run`: put a file's workflows and executions into the cluster and follow them to their end."""

import sys
from collections.abc import Sequence
from pathlib import Path

from kubernaut.errors import InputError
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.resources.names import WORKFLOW_EXECUTION
from kubernaut.resources.workflow import WorkflowPhase
from kubernaut_operator.execution.kinds import KUBERNETES_EXECUTIONS, WORKFLOW_EXECUTIONS
from kubernaut_operator.people.files import placed, runs_in
from kubernaut_operator.people.following import follow
from kubernaut_operator.people.reaching import Place, asking
from kubernaut_operator.people.runs import Run, find_run
from kubernaut_operator.people.tree import tree_of
from kubernaut_operator.people.validating import form_problems

_WELL = frozenset({WorkflowPhase.COMPLETED.value, ExecutionPhase.SUCCEEDED.value})


def submit(place: Place, path: Path, *, namespace: str | None) -> list[Run]:
    """Create what a file asks for.

    Raises
    ------
    InputError
        It cannot be what anybody wants, is there already, or the API server refuses it.
    """
    manifests = [placed(one, namespace, default=place.namespace) for one in runs_in(path)]
    # What the operator would refuse for its form alone does not come into the cluster; conditions it knows better.
    wrong = [problem for manifest in manifests for problem in form_problems(manifest)]
    if wrong:
        raise InputError("\n".join(wrong))
    made = []
    for manifest in manifests:
        resource = WORKFLOW_EXECUTIONS if manifest["kind"] == WORKFLOW_EXECUTION.kind else KUBERNETES_EXECUTIONS
        with asking():
            created = place.api.create(resource, manifest, manifest["metadata"]["namespace"])
        made.append(Run(manifest=created, executions={}))
        sys.stderr.write(f"{made[-1]}: created\n")
    return made


def follow_all(place: Place, made: Sequence[Run]) -> bool:
    """Follow runs until all are over, and say whether all ended well.

    Raises
    ------
    InputError
        One was deleted meanwhile.
    """

    def read() -> Sequence[Run]:
        with asking():
            return [
                find_run(
                    Place(api=place.api, namespace=run.namespace),
                    f"{'wfx' if run.is_workflow else 'kex'}/{run.name}",
                )
                for run in made
            ]

    try:
        ended = follow(place, read, lambda run, now: tree_of(run, now=now), until_over=True)
    except KeyboardInterrupt:
        for run in made:
            named = f"{run.name} --namespace={run.namespace}"
            sys.stderr.write(f"{run} goes on in the cluster; to end it: kubectl kubernaut cancel {named}\n")
        raise
    return all(is_well(run) for run in ended)


def is_well(run: Run) -> bool:
    """Say whether a run that is over did what was asked."""
    return run.status.get("phase") in _WELL
