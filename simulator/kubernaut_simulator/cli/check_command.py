"""`kubernaut check`: judge an action's suite on a dump of real objects, no cluster needed."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kubernaut_simulator.cli.options import ConfigOption, OutputFormat, OutputOption
from kubernaut_simulator.instants import parse_instant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubernaut.facts.snapshot import Unobserved
    from kubernaut.suite import CheckedCondition


UNRECOGNISED_SHOWN = 5
"""Things in a dump that are no object, named one by one."""


class CheckedPhase(StrEnum):
    """Which conditions are judged."""

    PRE = "pre"
    POST = "post"
    ALL = "all"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(
    objects: Annotated[
        list[Path],
        typer.Option(
            "--objects",
            metavar="DUMP",
            help="Dumps as `kubectl get -o json|yaml` gives them; may be repeated; - is stdin.",
        ),
    ],
    action: Annotated[
        str, typer.Option("--action", metavar="ACTION", help="Whose suite is judged.")
    ] = "scale_deployment",
    target: Annotated[
        str | None,
        typer.Option("--target", metavar="NAMESPACE/NAME", help="May be left out where one is in the dump."),
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
    phase: Annotated[
        CheckedPhase, typer.Option("--phase", metavar="pre|post|all", help="Only preconditions, or postconditions.")
    ] = CheckedPhase.ALL,
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Judge an action's suite on a dump of real objects.

    Leaves with 2 when a required condition does not pass. A still picture has no deadline: a postcondition that does
    not hold in it is NotYet. Without --before restarts and OOM kills count from each pod's start.

    Example: kubernaut check --objects dump.json --target shop/web -p replicas=5

    Example: kubernaut check --action restart_pod --objects dump.json --target shop/web-7d9c-x2z
    """
    from kubernaut.conditions.custom_values import values_of_dump
    from kubernaut.facts.dumps import latest_time, missing_kinds
    from kubernaut.facts.extract import extract, take_baseline
    from kubernaut.facts.objects import ObjectSet
    from kubernaut.policy.worker.client import WorkerEvaluator
    from kubernaut.suite import check_suite
    from kubernaut_simulator.cli.check_pages import check_document, check_text, has_restarts
    from kubernaut_simulator.cli.complete_kinds import complete_kinds
    from kubernaut_simulator.cli.dumps import (
        chosen_target,
        given_parameters,
        others_of_the_kind,
        read_dumps,
        target_kind,
    )
    from kubernaut_simulator.cli.exits import GateNotMetError
    from kubernaut_simulator.cli.loading import compile_with_facts, load_conditions, shipped_conditions
    from kubernaut_simulator.cli.output import print_document, say, warn

    whole = complete_kinds(complete or ())
    found = ObjectSet.from_objects(read_dumps(objects))
    for one in found.unrecognised[:UNRECOGNISED_SHOWN]:
        warn(f"ignored: {one}")
    for why in found.unreadable.values():
        warn(why)
    where = chosen_target(found, target, kind=target_kind(action))
    earlier = ObjectSet.from_objects(read_dumps(before)) if before else None
    others = others_of_the_kind(found, where)
    if others and (earlier is None or earlier.find(where) is None):
        warn(f"the dump has no {where}; in it: {others}")
    checked_parameters = given_parameters(action, where, parameters or [])
    now = parse_instant(at, "--at") or latest_time(found) or datetime.now(UTC)
    missing = missing_kinds(found, where, complete=whole)
    snapshot = extract(
        found,
        where,
        checked_parameters,
        now=now,
        baseline=None
        if earlier is None
        else take_baseline(earlier, where, unavailable=missing_kinds(earlier, where, complete=whole)),
        unavailable=missing,
    )
    with WorkerEvaluator() as evaluator:
        checked = check_suite(
            snapshot,
            action=action,
            parameters=checked_parameters,
            conditions=load_conditions(conditions) or shipped_conditions(action),
            namespace=where.namespace,
            environment=environment,
            evaluator=evaluator,
            compile_=compile_with_facts,
            custom=lambda defined, names: values_of_dump(defined, names, found, where),
        )
    if phase is not CheckedPhase.ALL:
        checked = tuple(one for one in checked if one.condition.id.phase.value == phase.value)
    document = check_document(checked, snapshot, action=action, target=where, at=now)
    print_document(document, output, text=check_text, title=f"{action} on {where}", rows="conditions")
    failed = _not_passed(checked)
    if earlier is None and has_restarts(snapshot.facts):
        say('no --before dump: "since the action" means since each pod\'s start')
    if earlier is None and snapshot.facts.get("pod_found") is False:
        say("no --before dump: what the pod belonged to, and which pods are new, is not known")
    lacking = _not_provided(checked, missing)
    if lacking:
        say(f"if the dump holds all that there is, say so: {' '.join(f'--complete {kind}' for kind in lacking)}")
    if failed:
        raise GateNotMetError(f"not passed: {', '.join(failed)}")


def _not_passed(checked: Sequence[CheckedCondition]) -> list[str]:
    from kubernaut.verdicts import Attempt

    return [
        str(one.condition.id)
        for one in checked
        if one.condition.required and not one.condition.candidate and one.attempt is not Attempt.PASSED
    ]


def _not_provided(checked: Sequence[CheckedCondition], missing: Mapping[str, Unobserved]) -> list[str]:
    """Give the kinds, as `--complete` takes them, for want of which conditions could not be judged."""
    from kubernaut.verdicts import Reason
    from kubernaut_simulator.cli.complete_kinds import option_word

    lacked = [
        first[1]
        for one in checked
        if one.judgement.reason is Reason.FACT_UNOBSERVED and (first := one.seen.first_unobserved(one.policy.reads))
    ]
    return [option_word(kind) for kind, why in missing.items() if why in lacked]
