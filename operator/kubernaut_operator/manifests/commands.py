"""``kubernaut operator manifests`` and ``kubernaut operator opt-in``: print YAML for `kubectl apply -f -`.

Joined to the operator's command by `register`; nothing here talks to a cluster.
"""

from collections.abc import Sequence
from typing import Annotated

import typer

from kubernaut_operator.manifests.options import InstallOptions

_DEFAULT = InstallOptions()


def register(app: typer.Typer) -> None:
    """Add both commands to the operator's."""
    app.command()(manifests)
    app.command(name="opt-in")(opt_in)


def manifests(
    *,
    image: Annotated[str, typer.Option(help="Image of the operator.")] = _DEFAULT.image,
    image_pull_policy: Annotated[
        str, typer.Option(help="Of both images: Always, IfNotPresent or Never.")
    ] = _DEFAULT.image_pull_policy,
    namespace: Annotated[str, typer.Option(help="Namespace of the operator.")] = _DEFAULT.namespace,
    actions_namespace: Annotated[
        str, typer.Option(help="Namespace in which actions run.")
    ] = _DEFAULT.actions_namespace,
    action_image: Annotated[str, typer.Option(help="Image of actions; holds kubectl.")] = _DEFAULT.action_image,
    replicas: Annotated[int, typer.Option(min=1, max=9, help="Of the operator; one leads.")] = _DEFAULT.replicas,
    records_gib: Annotated[
        int, typer.Option(min=1, max=10_000, help="Size of the volume for history, GiB.")
    ] = _DEFAULT.records_gib,
    storage_class: Annotated[
        str | None, typer.Option(help="Of that volume. Default: the cluster's.")
    ] = _DEFAULT.storage_class,
    keep_records: Annotated[
        bool, typer.Option(help="Keep history on a volume; without, it ends with its pod.")
    ] = _DEFAULT.keep_records,
    prometheus_url: Annotated[
        str | None, typer.Option(help="Prometheus server that PromQL facts are asked of.")
    ] = _DEFAULT.prometheus_url,
    custom_kind: Annotated[
        list[str] | None,
        typer.Option(
            help="Kind that custom facts may read, in every namespace: pods/v1, widgets.example.org/v1; repeatable."
        ),
    ] = None,
    api_port: Annotated[
        list[int] | None,
        typer.Option(min=1, max=65535, help="Port of the API server, for network policies; repeatable. [443, 6443]"),
    ] = None,
    operator_user: Annotated[
        str | None, typer.Option(help="Who may start actions, for an operator outside. Default: its account.")
    ] = _DEFAULT.operator_user,
    conditions: Annotated[
        bool, typer.Option(help="Print the ConfigMaps too; without, an upgrade leaves tuned ones alone.")
    ] = _DEFAULT.conditions,
) -> None:
    """Print everything that an installation consists of.

    kubernaut operator manifests --image=registry.example.org/kubernaut-operator:1 | kubectl apply -f -

    Example: kubernaut operator manifests --image registry.example.org/kubernaut/operator:0.1
    """
    from kubernaut_operator.manifests.install import installation_text  # noqa: PLC0415 - `--help` needs no catalogue

    options = InstallOptions(
        image=image,
        image_pull_policy=image_pull_policy,
        namespace=namespace,
        actions_namespace=actions_namespace,
        action_image=action_image,
        replicas=replicas,
        records_gib=records_gib,
        storage_class=storage_class,
        keep_records=keep_records,
        prometheus_url=prometheus_url,
        custom_kinds=tuple(custom_kind or ()),
        api_ports=tuple(api_port or _DEFAULT.api_ports),
        operator_user=operator_user,
        conditions=conditions,
    )
    typer.echo(installation_text(options), nl=False)


def opt_in(
    namespaces: Annotated[list[str], typer.Argument(metavar="NAMESPACE...", help="Where actions may run.")],
    *,
    action: Annotated[
        list[str] | None, typer.Option(help="Let this action run there; repeatable. Default: every action.")
    ] = None,
    actions_namespace: Annotated[
        str, typer.Option(help="Namespace of the actions' accounts.")
    ] = _DEFAULT.actions_namespace,
) -> None:
    """Print the RoleBindings by which namespaces let actions run there.

    kubernaut operator opt-in shop --action=scale_deployment | kubectl apply -f -

    Deleting a RoleBinding takes its action back, at once.

    Example: kubernaut operator opt-in shop --action scale_deployment
    """
    typer.echo(_bindings(namespaces, action or (), InstallOptions(actions_namespace=actions_namespace)), nl=False)


def _bindings(namespaces: Sequence[str], actions: Sequence[str], options: InstallOptions) -> str:
    from kubernaut_operator.manifests.action_accounts import opt_in as bindings  # noqa: PLC0415 - as above
    from kubernaut_operator.manifests.install import manifests_text  # noqa: PLC0415 - as above

    return manifests_text(binding for namespace in namespaces for binding in bindings(namespace, actions, options))
