"""`kubernaut check`: judge an action's suite on a dump of real objects, no cluster needed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kubernaut_simulator.cli.options import ConfigOption, OutputFormat, OutputOption, parse_instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubernaut.suite import CheckedCondition


UNRECOGNISED_SHOWN = 5
"""Things in a dump that are no object, named one by one."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(
    objects: Annotated[
        list[Path],
        typer.Option(
            "--objects", metavar="DUMP", help="Dumps as `kubectl get -o json|yaml` gives them; may be repeated."
        ),
    ],
    action: Annotated[
        str, typer.Option("--action", metavar="ACTION", help="Whose suite is judged.")
    ] = "scale_deployment",
    target: Annotated[
        str | None,
        typer.Option("--target", metavar="NAMESPACE/NAME", help="May be left out where one Deployment is in the dump."),
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--parameters",
            "-p",
            metavar="FILE|KEY=VALUE",
            help="A YAML or JSON file, or key=value (replicas=5); may be repeated.",
        ),
    ] = None,
    conditions: ConfigOption = None,
    complete: Annotated[
        list[str] | None,
        typer.Option(
            "--complete", metavar="KIND", help="Kinds that the dump holds in full even where it has none, e.g. Node."
        ),
    ] = None,
    environment: Annotated[
        str, typer.Option("--environment", metavar="NAME", help="The namespace's kubernaut.io/environment.")
    ] = "",
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="INSTANT", help="When the dump was made (RFC 3339); else its newest time."),
    ] = None,
    before: Annotated[
        list[Path] | None,
        typer.Option("--before", metavar="DUMP", help="Dumps from before the action; restarts count from there."),
    ] = None,
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Judge an action's suite on a dump of real objects.

    Leaves with 2 when a required condition does not pass. A still picture has no deadline: a postcondition that does
    not hold in it is NotYet. Without --before restarts and OOM kills count from each pod's start.

    Example: kubernaut check --objects dump.json --target shop/web -p replicas=5
    """
    from kubernaut.facts.dumps import latest_time, missing_kinds
    from kubernaut.facts.extract import extract, take_baseline
    from kubernaut.facts.objects import ObjectSet
    from kubernaut.policy.worker.client import WorkerEvaluator
    from kubernaut.suite import check_suite
    from kubernaut_simulator.cli.check_pages import check_document, check_text, has_restarts
    from kubernaut_simulator.cli.dumps import chosen_target, given_parameters, read_dumps
    from kubernaut_simulator.cli.exits import GateNotMetError
    from kubernaut_simulator.cli.loading import compile_with_facts, load_conditions, shipped_conditions
    from kubernaut_simulator.cli.output import print_document, say, warn

    found = ObjectSet.from_objects(read_dumps(objects))
    for one in found.unrecognised[:UNRECOGNISED_SHOWN]:
        warn(f"ignored: {one}")
    for why in found.unreadable.values():
        warn(why)
    where = chosen_target(found, target)
    checked_parameters = given_parameters(action, where, parameters or [])
    earlier = ObjectSet.from_objects(read_dumps(before)) if before else None
    now = parse_instant(at, "--at") or latest_time(found) or datetime.now(UTC)
    snapshot = extract(
        found,
        where,
        checked_parameters,
        now=now,
        baseline=None
        if earlier is None
        else take_baseline(earlier, where, unavailable=missing_kinds(earlier, where, complete=complete or ())),
        unavailable=missing_kinds(found, where, complete=complete or ()),
    )
    with WorkerEvaluator() as evaluator:
        checked = check_suite(
            snapshot,
            action=action,
            parameters=checked_parameters,
            conditions=load_conditions(conditions) or shipped_conditions(),
            namespace=where.namespace,
            environment=environment,
            evaluator=evaluator,
            compile_=compile_with_facts,
        )
    document = check_document(checked, snapshot, action=action, target=where, at=now)
    print_document(document, output, text=check_text, title=f"{action} on {where}", rows="conditions")
    failed = _not_passed(checked)
    if earlier is None and has_restarts(snapshot.facts):
        say('no --before dump: "since the action" means since each pod\'s start')
    if failed:
        raise GateNotMetError(f"not passed: {', '.join(failed)}")


def _not_passed(checked: Sequence[CheckedCondition]) -> list[str]:
    from kubernaut.verdicts import Attempt

    return [
        str(one.condition.id)
        for one in checked
        if one.condition.required and not one.condition.candidate and one.attempt is not Attempt.PASSED
    ]
