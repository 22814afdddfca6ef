"""Registered facts about the Deployment itself, its autoscaler and the parameters of the run."""

from kubernaut.facts.definitions import FactDefinition, FactSource, FactType

_D = ("Deployment",)
_OF_DEPLOYMENT = '{namespace="$namespace",deployment="$name"}'


def _condition(name: str, meaning: str) -> FactDefinition:
    return FactDefinition(
        name=name,
        type=FactType.BOOLEAN,
        meaning=meaning,
        computed="status of the condition is True; a condition that Kubernetes leaves out is false.",
        needs=_D,
        series=f'kube_deployment_status_condition{{namespace="$namespace",deployment="$name",condition="{name}",status="true"}}',
    )


WORKLOAD_FACTS: tuple[FactDefinition, ...] = (
    FactDefinition(
        name="deployment_found",
        type=FactType.BOOLEAN,
        meaning="The target Deployment exists.",
        computed="A 404 is false; a refused or failed read is unobserved.",
        needs=_D,
        series=f"count(kube_deployment_created{_OF_DEPLOYMENT}) > 0",
    ),
    FactDefinition(
        name="deployment_name",
        type=FactType.STRING,
        meaning="Name of the target.",
        computed="Parameter deployment.name; only for a Deployment as target.",
        source=FactSource.PARAMETER,
        about=("Deployment",),
    ),
    FactDefinition(
        name="namespace",
        type=FactType.STRING,
        meaning="Namespace of the target.",
        computed="Parameter deployment.namespace or pod.namespace.",
        source=FactSource.PARAMETER,
    ),
    FactDefinition(
        name="current_replicas",
        type=FactType.INTEGER,
        nullable=True,
        meaning="Replicas that the Deployment asks for now.",
        computed="spec.replicas, 1 when left out (the API's default); null without a Deployment.",
        needs=_D,
        series=f"kube_deployment_spec_replicas{_OF_DEPLOYMENT}",
    ),
    FactDefinition(
        name="target_replicas",
        type=FactType.INTEGER,
        meaning="Replicas that the action asks for.",
        computed="Parameter deployment.replicas (or replicas).",
        source=FactSource.PARAMETER,
    ),
    FactDefinition(
        name="expected_baseline",
        type=FactType.INTEGER,
        nullable=True,
        meaning="Replicas that the author of the run expected to find.",
        computed="Parameter expectedReplicas; without it the replicas seen when the run left pending.",
        needs=_D,
        source=FactSource.PARAMETER,
    ),
    FactDefinition(
        name="additional_replicas",
        type=FactType.INTEGER,
        nullable=True,
        meaning="Replicas that the action adds.",
        computed="max(0, target_replicas - current_replicas); null without a Deployment.",
        needs=_D,
        source=FactSource.PARAMETER,
    ),
    FactDefinition(
        name="conditions",
        type=FactType.OBJECT,
        nullable=True,
        meaning="The Deployment's conditions as flags; null without a Deployment.",
        computed="From status.conditions.",
        needs=_D,
        series=f"kube_deployment_status_condition{_OF_DEPLOYMENT}",
        fields=(
            _condition("Available", "The Deployment has its minimum of available replicas."),
            _condition("Progressing", "A rollout progresses or has completed."),
            _condition("ReplicaFailure", "Pods cannot be created (quota, admission) or deleted."),
        ),
    ),
    FactDefinition(
        name="progress_deadline_exceeded",
        type=FactType.BOOLEAN,
        nullable=True,
        meaning="Kubernetes gave the rollout up for stuck.",
        computed="Condition Progressing has the reason ProgressDeadlineExceeded; null without a Deployment.",
        needs=_D,
    ),
    FactDefinition(
        name="observed_generation_current",
        type=FactType.BOOLEAN,
        nullable=True,
        meaning="The Deployment's controller has seen the latest spec; before, its status tells of the past.",
        computed="status.observedGeneration >= metadata.generation; null without a Deployment.",
        needs=_D,
        series=(
            f"kube_deployment_status_observed_generation{_OF_DEPLOYMENT} >= bool "
            f"kube_deployment_metadata_generation{_OF_DEPLOYMENT}"
        ),
    ),
    FactDefinition(
        name="rollout_in_progress",
        type=FactType.BOOLEAN,
        nullable=True,
        meaning="`kubectl rollout status` would wait; also while scaling, also past the deadline.",
        computed=(
            "Generation not yet observed, or updatedReplicas < spec.replicas, or replicas > updatedReplicas, "
            "or availableReplicas < updatedReplicas; null without a Deployment."
        ),
        needs=_D,
        series=(
            f"kube_deployment_status_replicas_updated{_OF_DEPLOYMENT}, "
            f"kube_deployment_spec_replicas{_OF_DEPLOYMENT}, "
            f"kube_deployment_status_replicas{_OF_DEPLOYMENT}, "
            f"kube_deployment_status_replicas_available{_OF_DEPLOYMENT}"
        ),
    ),
    FactDefinition(
        name="hpa_found",
        type=FactType.BOOLEAN,
        meaning="A HorizontalPodAutoscaler steers the Deployment.",
        computed="One in the namespace whose scaleTargetRef names the Deployment.",
        needs=("HorizontalPodAutoscaler",),
        series=(
            'count(kube_horizontalpodautoscaler_info{namespace="$namespace",scaletargetref_kind="Deployment",'
            'scaletargetref_name="$name"}) > 0'
        ),
    ),
    FactDefinition(
        name="hpa_min_replicas",
        type=FactType.INTEGER,
        nullable=True,
        meaning="Its lower bound.",
        computed="spec.minReplicas, 1 when left out; the largest if several; null without one.",
        needs=("HorizontalPodAutoscaler",),
        series='kube_horizontalpodautoscaler_spec_min_replicas{namespace="$namespace"}',
    ),
    FactDefinition(
        name="hpa_max_replicas",
        type=FactType.INTEGER,
        nullable=True,
        meaning="Its upper bound.",
        computed="spec.maxReplicas; the smallest if several; null without one.",
        needs=("HorizontalPodAutoscaler",),
        series='kube_horizontalpodautoscaler_spec_max_replicas{namespace="$namespace"}',
    ),
)
