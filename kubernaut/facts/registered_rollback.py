"""Registered facts about a Deployment's revisions and the one that a rollback goes to."""

from kubernaut.facts.definitions import FactDefinition, FactType

_D = ("Deployment",)
_SETS = ("Deployment", "ReplicaSet")
_OF_DEPLOYMENT = '{namespace="$namespace",deployment="$name"}'
_OF_SETS = '{namespace="$namespace",replicaset=~"$name-[^-]+"}'
_NULL = "Null without a Deployment."
_WANTED = (
    "The wanted revision is parameter toRevision, else the newest before the current one, as the look before the "
    "action saw it. Null without a Deployment, and when that revision is not kept."
)


def _fact(
    name: str,
    kind: FactType,
    meaning: str,
    computed: str,
    *,
    needs: tuple[str, ...] = _SETS,
    nullable: bool = True,
    unit: str = "",
    series: str = "",
    fields: tuple[FactDefinition, ...] = (),
) -> FactDefinition:
    return FactDefinition(
        name=name,
        type=kind,
        nullable=nullable,
        unit=unit,
        meaning=meaning,
        computed=computed,
        needs=needs,
        series=series,
        fields=fields,
    )


def _field(name: str, kind: FactType, meaning: str, computed: str, *, series: str = "") -> FactDefinition:
    return _fact(name, kind, meaning, computed, nullable=False, series=series)


ROLLBACK_FACTS: tuple[FactDefinition, ...] = (
    _fact(
        "deployment_paused",
        FactType.BOOLEAN,
        "The Deployment's rollouts are paused: a changed template changes no pod.",
        f"spec.paused. {_NULL}",
        needs=_D,
        series=f"kube_deployment_spec_paused{_OF_DEPLOYMENT}",
    ),
    _fact(
        "available_replicas",
        FactType.INTEGER,
        "Pods that have been ready for minReadySeconds, as the Deployment counts them.",
        f"status.availableReplicas; of the past while observed_generation_current is false. {_NULL}",
        needs=_D,
        series=f"kube_deployment_status_replicas_available{_OF_DEPLOYMENT}",
    ),
    _fact(
        "revisions",
        FactType.LIST,
        "The revisions that are kept, by number.",
        "ReplicaSets of the Deployment with the annotation deployment.kubernetes.io/revision; at most "
        f"revisionHistoryLimit old ones are kept. {_NULL}",
        fields=(
            _field("revision", FactType.INTEGER, "Its number in `kubectl rollout history`.", "The annotation."),
            _field("replica_set", FactType.STRING, "Name of its ReplicaSet.", "metadata.name."),
            _field(
                "template_hash",
                FactType.STRING,
                "The same for the same template; empty where the label is missing.",
                "Label pod-template-hash.",
            ),
            _field(
                "images",
                FactType.STRING,
                "What its containers run: `main=shop/web:1.4, proxy=envoy:1.31`.",
                "Of its pod template, init containers too, by container.",
            ),
            _field(
                "available_replicas",
                FactType.INTEGER,
                "Available pods that it has now.",
                "status.availableReplicas of its ReplicaSet.",
                series=f"kube_replicaset_status_ready_replicas{_OF_SETS} (approximately)",
            ),
            _field("is_current", FactType.BOOLEAN, "Its template is the Deployment's.", "Equality of templates."),
        ),
    ),
    _fact(
        "current_revision",
        FactType.INTEGER,
        "Number of the revision whose template the Deployment has.",
        f"Null, too, while the controller has not numbered it. {_NULL}",
    ),
    _fact(
        "revision_advanced",
        FactType.BOOLEAN,
        "The current revision is newer than the one before the action; a rollback gives a new number, too.",
        "current_revision > that of the look before the action; false while the controller has not numbered it. "
        f"Unobserved without that look. {_NULL}",
    ),
    _fact(
        "wanted_revision",
        FactType.INTEGER,
        "Number of the revision that the rollback goes to; null when there is no earlier one.",
        "Parameter toRevision as it stands (0 means none given); else the newest revision before the current one, as "
        f"the look before the action saw it. {_NULL}",
    ),
    _fact(
        "wanted_revision_exists",
        FactType.BOOLEAN,
        "The ReplicaSet of the wanted revision is kept.",
        f"By its name, which stays when the revision is taken up again under a new number. {_NULL}",
    ),
    _fact(
        "wanted_revision_is_current",
        FactType.BOOLEAN,
        "The Deployment's template is that of the wanted revision: rolled back, or nothing to roll back.",
        f"Equality of templates, the hash label aside. {_WANTED}",
    ),
    _fact(
        "wanted_revision_images_differ",
        FactType.BOOLEAN,
        "The wanted revision runs other images than the Deployment's template.",
        f"Any container's image, init containers too, or other containers. {_WANTED}",
    ),
    _fact(
        "wanted_revision_available_replicas",
        FactType.INTEGER,
        "Available pods of the wanted revision now: more than none is proof that it can serve.",
        f"status.availableReplicas of its ReplicaSet; none says nothing of how it did. {_WANTED}",
        series=f"kube_replicaset_status_ready_replicas{_OF_SETS} (approximately)",
    ),
    _fact(
        "wanted_revision_served_s",
        FactType.INTEGER,
        "How long the wanted revision stood when it was first rolled out: a sign that it was well, but no proof.",
        "From when its ReplicaSet was made to when that of the next number was, or to the look's time (current one). "
        f"Unobserved when the next number is not kept or went to an older ReplicaSet. {_WANTED}",
        unit="s",
        series=f"kube_replicaset_created{_OF_SETS}",
    ),
    _fact(
        "rollout_before_incident_s",
        FactType.INTEGER,
        "How long before the incident the last rollout began; negative when it began later.",
        "When the incident was detected, else the look's time, minus when the current template's ReplicaSet was made. "
        f"Unobserved when that ReplicaSet is an older one that was taken up again, or is not numbered yet. {_NULL}",
        unit="s",
        series=f"max(kube_replicaset_created{_OF_SETS})",
    ),
)
