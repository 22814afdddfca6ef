"""``override``, ``approve``, ``pause``, ``resume``, ``cancel`` and ``outcome``: a person steps in.

As in `commands`, what a command needs is imported when it runs.
"""

from typing import Annotated

import typer

from kubernaut.errors import InputError
from kubernaut_operator.people.options import (
    AsGroupOption,
    AsUserOption,
    ContextOption,
    KubeconfigOption,
    NameArgument,
    NamespaceOption,
    SaidOutcome,
)
from kubernaut_operator.people.places import place_of


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (override, approve, pause, resume, cancel, outcome):
        app.command()(command)


def override(
    name: NameArgument,
    conditions: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CONDITION",
            help="STEP/LEVEL/PHASE/TYPE such as 1/step/pre/deployment_exists, or a TYPE. Default: what blocks it now.",
        ),
    ] = None,
    *,
    reason: Annotated[str, typer.Option(help="Why; stands in the result and in history.")] = "",
    lasting: Annotated[str, typer.Option("--for", metavar="DURATION", help="How long, at most 24h.")] = "1h",
    replace: Annotated[bool, typer.Option("--replace", help="In place of the override that is there.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take the override back.")] = False,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
    as_user: AsUserOption = None,
    as_groups: AsGroupOption = None,
) -> None:
    """Let conditions not stop a run, for a while.

    Takes the verb `override` on the run; safety policies cannot be overridden. What was overridden, by whom and why
    stands in the run's status, in an Event and in history.

    Example: kubectl kubernaut override web-outage --reason="node pool is being enlarged, ticket 4711"
    """
    if remove and (conditions or reason or replace):
        raise InputError("--remove takes the whole override back; leave the other arguments out")
    if not remove and not reason.strip():
        raise InputError('say why: --reason="..."')
    from kubernaut.durations import parse_span  # noqa: PLC0415 - `--help` needs it not

    for_s = parse_span(lasting, where="--for")
    place = place_of(namespace, context, kubeconfig, as_user=as_user, as_groups=as_groups)
    from kubernaut_operator.people import acting  # noqa: PLC0415 - needs the cluster client

    if remove:
        typer.echo(acting.end_override(place, name))
        return
    typer.echo(acting.override(place, name, conditions or (), reason=reason, for_s=for_s, replace=replace))


def approve(
    name: NameArgument,
    *,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
    as_user: AsUserOption = None,
    as_groups: AsGroupOption = None,
) -> None:
    """Approve a workflow that waits for it; takes the verb `approve` on it.

    Example: kubectl kubernaut approve web-outage
    """
    place = place_of(namespace, context, kubeconfig, as_user=as_user, as_groups=as_groups)
    from kubernaut_operator.people import acting  # noqa: PLC0415 - as above

    typer.echo(acting.approve(place, name))


def pause(
    name: NameArgument,
    *,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
    as_user: AsUserOption = None,
    as_groups: AsGroupOption = None,
) -> None:
    """Keep a workflow from beginning further steps; what has begun is brought to its end.

    Example: kubectl kubernaut pause web-outage
    """
    place = place_of(namespace, context, kubeconfig, as_user=as_user, as_groups=as_groups)
    from kubernaut_operator.people import acting  # noqa: PLC0415 - as above

    typer.echo(acting.pause(place, name, on=True))


def resume(
    name: NameArgument,
    *,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
    as_user: AsUserOption = None,
    as_groups: AsGroupOption = None,
) -> None:
    """Let a paused workflow go on.

    Example: kubectl kubernaut resume web-outage
    """
    place = place_of(namespace, context, kubeconfig, as_user=as_user, as_groups=as_groups)
    from kubernaut_operator.people import acting  # noqa: PLC0415 - as above

    typer.echo(acting.pause(place, name, on=False))


def cancel(
    name: NameArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
    as_user: AsUserOption = None,
    as_groups: AsGroupOption = None,
) -> None:
    """Cancel a run by deleting it.

    No further step begins; an action that runs is brought to its end, and undone where the workflow says so.

    Example: kubectl kubernaut cancel web-outage --yes
    """
    place = place_of(namespace, context, kubeconfig, as_user=as_user, as_groups=as_groups)
    from kubernaut_operator.people import acting  # noqa: PLC0415 - as above

    if not yes:
        typer.confirm(f"Cancel {name} in namespace {place.namespace}? Its record goes with it", abort=True, err=True)
    typer.echo(acting.cancel(place, name))


def outcome(
    name: NameArgument,
    said: Annotated[SaidOutcome, typer.Argument(metavar="OUTCOME", help="effective, ineffective or inconclusive.")],
    *,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
    as_user: AsUserOption = None,
    as_groups: AsGroupOption = None,
) -> None:
    """Say what a workflow did for its incident; wins over every other source. Takes the verb `outcome` on it.

    Example: kubectl kubernaut outcome web-outage effective
    """
    place = place_of(namespace, context, kubeconfig, as_user=as_user, as_groups=as_groups)
    from kubernaut.history.rows import Outcome  # noqa: PLC0415 - as above
    from kubernaut_operator.people import acting  # noqa: PLC0415 - as above

    typer.echo(acting.say_outcome(place, name, Outcome(said.value)))
