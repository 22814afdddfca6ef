"""``kubectl kubernaut get``, ``why``, ``run`` and ``validate``: looking, and asking for what a file says.

Joined to the `kubernaut` command by `register`. What a command needs is imported when it runs: the help needs neither a
cluster client nor the engine.
"""

from pathlib import Path
from typing import Annotated

import typer

from kubernaut.errors import InputError
from kubernaut_operator.people import acting_commands
from kubernaut_operator.people.options import (
    AsGroupOption,
    AsUserOption,
    ContextOption,
    EverywhereOption,
    KubeconfigOption,
    NameArgument,
    NamespaceOption,
    Output,
    OutputOption,
)
from kubernaut_operator.people.places import place_of
from kubernaut_operator.settings import OPERATOR_NAMESPACE

GATE_NOT_MET = 2
"""Exit code where the answer is no, as of the other commands."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("get")(get)
    app.command("why")(why)
    app.command("run")(run)
    app.command("validate")(validate)
    acting_commands.register(app)


def get(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A workflow or an execution: NAME, wfx/NAME or kex/NAME.")
    ] = None,
    *,
    namespace: NamespaceOption = None,
    everywhere: EverywhereOption = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow live; one run until it is over.")] = False,
    output: OutputOption = Output.TREE,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
    as_user: AsUserOption = None,
    as_groups: AsGroupOption = None,
) -> None:
    """Show workflows and executions of a cluster, with steps and conditions.

    One by NAME is shown whole, all of them in short: of those that go on, what is not well.

    Example: kubectl kubernaut get web-outage -w
    """
    if name is not None and everywhere:
        raise InputError("a run is named in one namespace; give --namespace in place of --all-namespaces")
    if watch and output is not Output.TREE:
        raise InputError(f"--watch shows trees; leave out --output={output.value}")
    place = place_of(namespace, context, kubeconfig, as_user=as_user, as_groups=as_groups, everywhere=everywhere)
    from kubernaut_operator.people.showing import show  # noqa: PLC0415 - as above

    show(place, name, watch=watch, output=output)


def why(
    name: NameArgument,
    *,
    namespace: NamespaceOption = None,
    look: Annotated[
        bool, typer.Option("--look/--no-look", help="Look at its conditions again now, with your own rights.")
    ] = True,
    conditions_namespace: Annotated[
        str, typer.Option(metavar="NAMESPACE", help="Of the ConfigMaps with conditions.")
    ] = OPERATOR_NAMESPACE,
    prometheus_url: Annotated[
        str, typer.Option(metavar="URL", help="For facts that Prometheus gives. Default: they are unobserved.")
    ] = "",
    output: OutputOption = Output.TREE,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
    as_user: AsUserOption = None,
    as_groups: AsGroupOption = None,
) -> None:
    """Say what blocks a run or made it fail, and what would help.

    Which condition, which line of its policy does not hold, which facts have which value now; until when it waits.

    Example: kubectl kubernaut why web-outage
    """
    if output is Output.NAME:
        raise InputError("--output=name has no meaning here; write tree, json or yaml")
    place = place_of(namespace, context, kubeconfig, as_user=as_user, as_groups=as_groups)
    from kubernaut_operator.condition_sets.names import ConfigMapNames  # noqa: PLC0415 - as above
    from kubernaut_operator.people.why import tell_why  # noqa: PLC0415 - as above

    maps = ConfigMapNames(namespace=conditions_namespace)
    tell_why(place, name, maps=maps, prometheus_url=prometheus_url, look=look, output=output)


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML or JSON; - is standard input.")],
    *,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Show it until it is over.")] = True,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
    as_user: AsUserOption = None,
    as_groups: AsGroupOption = None,
) -> None:
    """Submit workflows and executions, and follow them.

    Leaves with 2 when one of them does not end well.

    Example: kubectl kubernaut run web-outage.yaml
    """
    place = place_of(namespace, context, kubeconfig, as_user=as_user, as_groups=as_groups)
    from kubernaut_operator.people import submitting  # noqa: PLC0415 - as above

    made = submitting.submit(place, file, namespace=namespace)
    if follow and not submitting.follow_all(place, made):
        raise typer.Exit(GATE_NOT_MET)


def validate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="YAML or JSON; - is standard input.")],
    *,
    conditions: Annotated[
        Path | None,
        typer.Option(
            "--conditions", "-f", metavar="FILE", help="YAML with the ConfigMaps. Default: the conditions that ship."
        ),
    ] = None,
    environment: Annotated[
        str, typer.Option(metavar="NAME", help="The namespace's kubernaut.io/environment label.")
    ] = "",
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", metavar="NAMESPACE", help="Of objects that name none.")
    ] = None,
) -> None:
    """Check files as the operator would, without a cluster.

    Fields, order of steps, parameters, conditions and their policies. Leaves with 2 when one would be refused.

    Example: kubectl kubernaut validate web-outage.yaml
    """
    from kubernaut_operator.people.files import placed, runs_in  # noqa: PLC0415 - `--help` needs it not
    from kubernaut_operator.people.validating import Validator  # noqa: PLC0415 - as above

    validator = Validator(conditions=conditions, environment=environment)
    found = [validator.check(placed(one, namespace, default="default")) for file in files for one in runs_in(file)]
    for finding in found:
        for problem in finding.problems:
            typer.echo(problem)
        if not finding.problems:
            typer.echo(f"{finding.name}: well ({finding.summary})")
        for note in finding.notes:
            typer.echo(f"note: {finding.name}: {note}", err=True)
    if any(finding.problems for finding in found):
        raise typer.Exit(GATE_NOT_MET)
