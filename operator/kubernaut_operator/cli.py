"""``kubernaut operator``: run the operator; as ``python -m kubernaut_operator`` in the image, which has no simulator.

Flags become `Settings` here and nowhere else. What runs is `app.py`; it is imported when it is asked for, so that
``kubernaut --help`` needs no cluster client.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from kubernaut.errors import InputError, KubernautError, MissingExtraError
from kubernaut_operator.manifests.commands import register as register_manifests
from kubernaut_operator.settings import (
    ActionSettings,
    ConfigMapSettings,
    ConnectionSettings,
    EndpointSettings,
    FactSettings,
    LeaderSettings,
    RecorderSettings,
    Settings,
    WatchSettings,
    WorkerSettings,
)

app = typer.Typer(
    name="operator",
    help="Run the operator that guards live remediations.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_CONNECTION, _WATCH, _MAPS, _ACTIONS = ConnectionSettings(), WatchSettings(), ConfigMapSettings(), ActionSettings()
_FACTS, _RECORDER, _WORKER = FactSettings(), RecorderSettings(), WorkerSettings()
_LEADER, _ENDPOINTS = LeaderSettings(), EndpointSettings()


@app.callback()
def root() -> None:
    """Run the operator that guards live remediations."""


register_manifests(app)


@app.command()
def run(
    *,
    kubeconfig: Annotated[
        str | None,
        typer.Option(help="Kubeconfig file. Default: the pod's account, else KUBECONFIG or ~/.kube/config."),
    ] = _CONNECTION.kubeconfig,
    context: Annotated[str | None, typer.Option(help="Context of the kubeconfig.")] = _CONNECTION.context,
    namespace: Annotated[
        list[str] | None,
        typer.Option(help="Work in this namespace only; may be repeated. Default: all."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Executions, and workflows, reconciled at once.")
    ] = _WATCH.workers,
    sweep_interval: Annotated[
        float, typer.Option(min=1.0, help="Seconds between looks for Jobs and Leases whose execution is gone.")
    ] = _WATCH.sweep_s,
    conditions_namespace: Annotated[
        str, typer.Option(help="Namespace of the ConfigMaps with conditions.")
    ] = _MAPS.namespace,
    step_conditions: Annotated[str, typer.Option(help="ConfigMap of the step level.")] = _MAPS.step,
    action_conditions: Annotated[str, typer.Option(help="ConfigMap of the action level.")] = _MAPS.action,
    safety_policies: Annotated[str, typer.Option(help="ConfigMap of further safety policies.")] = _MAPS.safety,
    actions_namespace: Annotated[str, typer.Option(help="Namespace in which actions run.")] = _ACTIONS.namespace,
    action_image: Annotated[str, typer.Option(help="Image of actions; holds kubectl.")] = _ACTIONS.image,
    image_pull_policy: Annotated[str, typer.Option(help="Always, IfNotPresent or Never.")] = _ACTIONS.image_pull_policy,
    keep_finished: Annotated[
        int, typer.Option(min=0, help="Seconds that a Job stays after its result was recorded.")
    ] = _ACTIONS.keep_finished_s,
    prometheus_url: Annotated[
        str | None, typer.Option(help="Prometheus server that PromQL facts are asked of.")
    ] = _FACTS.prometheus_url,
    custom_kind: Annotated[
        list[str] | None,
        typer.Option(help="Kind that custom facts may read, like pods/v1 or widgets.example.org/v1; may be repeated."),
    ] = None,
    history_folder: Annotated[
        Path | None, typer.Option(help="Write history here. Default: none is written.")
    ] = _RECORDER.folder,
    history_mib: Annotated[
        int, typer.Option(min=1, help="Size of all history files, MiB; the oldest go first.")
    ] = _RECORDER.total_mib,
    history_days: Annotated[int, typer.Option(min=1, help="Days that history is kept.")] = _RECORDER.max_age_days,
    history_port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Port of loopback on which history can be fetched by port-forward. Default: none."
        ),
    ] = _RECORDER.port,
    worker_socket: Annotated[
        str | None, typer.Option(help="Unix socket of a policy worker. Default: one is started.")
    ] = _WORKER.socket,
    policy_workers: Annotated[int, typer.Option(min=1, max=16, help="Policies judged at once.")] = _WORKER.count,
    leader_elect: Annotated[bool, typer.Option(help="Work only as the leader of several replicas.")] = _LEADER.elect,
    lease_namespace: Annotated[str, typer.Option(help="Namespace of the Leases.")] = _LEADER.namespace,
    lease_name: Annotated[str, typer.Option(help="Name of the leader's Lease.")] = _LEADER.name,
    host: Annotated[str, typer.Option(help="Address of /healthz, /readyz, /metrics.")] = _ENDPOINTS.host,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Their port; 0 takes a free one.")] = _ENDPOINTS.port,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = Settings().log_level,
) -> None:
    """Work on KubernetesExecutions and WorkflowExecutions until asked to end.

    Example: kubernaut operator run --kubeconfig ~/.kube/config --history-folder history
    """
    settings = Settings(
        connection=ConnectionSettings(kubeconfig=kubeconfig, context=context),
        watch=WatchSettings(namespaces=tuple(namespace or ()), workers=workers, sweep_s=sweep_interval),
        config_maps=ConfigMapSettings(
            namespace=conditions_namespace, step=step_conditions, action=action_conditions, safety=safety_policies
        ),
        actions=ActionSettings(
            namespace=actions_namespace,
            image=action_image,
            image_pull_policy=_one_of(image_pull_policy, ("Always", "IfNotPresent", "Never"), "--image-pull-policy"),
            keep_finished_s=keep_finished,
        ),
        facts=FactSettings(prometheus_url=prometheus_url, custom_kinds=tuple(custom_kind or ())),
        recorder=RecorderSettings(
            folder=history_folder, total_mib=history_mib, max_age_days=history_days, port=history_port
        ),
        worker=WorkerSettings(socket=worker_socket, count=policy_workers),
        leader=LeaderSettings(elect=leader_elect, namespace=lease_namespace, name=lease_name),
        endpoints=EndpointSettings(host=host, port=port),
        log_level=_one_of(log_level.lower(), ("debug", "info", "warning", "error"), "--log-level"),
    )
    try:
        from kubernaut_operator.app import run_operator  # noqa: PLC0415 - `--help` needs no client
    except ImportError as error:
        raise MissingExtraError(
            f"the operator needs {error.name}; install it with: pip install 'kubernaut-workbench[operator]'"
        ) from error
    raise typer.Exit(run_operator(settings))


def main() -> None:
    """Run the command line by itself; the image's entry point."""
    try:
        app()
    except KubernautError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(1 if isinstance(error, (InputError, MissingExtraError)) else 3)


def _one_of(text: str, allowed: tuple[str, ...], flag: str) -> str:
    if text not in allowed:
        raise InputError(f"{flag} is {text!r}; write one of {', '.join(allowed)}")
    return text
