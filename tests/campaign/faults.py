"""Each fault as real objects: how the Deployment looks, what changes before the remediation and beside it.

One small function a fault. Where pods that run are to stay well, the fault is in what new pods do; where the template
itself is at fault, nothing serves from the start. Faults of the whole cluster are in `weather.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kubernaut_operator.kernel.api import Manifest

from .plan import Fault, Incident
from .shop import AUTOSCALERS, DEPLOYMENTS, PORT, QUOTAS, SERVE, WEB, Shop

NOWHERE = "localhost/kubernaut-campaign/nowhere:1"
CRASH_LATER = f"{SERVE.replace('exec httpd -f', 'httpd')}; sleep 20; exit 5"
NO_SECRET = [{"name": "registry-of-the-campaign"}]


def _nothing(_shop: Shop, _incident: Incident) -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """How an incident goes.

    Attributes
    ----------
    container, pod : mapping
        Fields laid over the container's and the pods' spec.
    doing : str
        What containers do from the start.
    serves : bool
        Whether the Deployment serves before the incident.
    begins : function
        What goes wrong, before the remediation is asked for.
    beside : function
        What happens right after it was asked for.
    mended : function
        What a person does about it before another run.
    """

    container: Manifest = field(default_factory=dict)
    pod: Manifest = field(default_factory=dict)
    doing: str = SERVE
    serves: bool = True
    begins: Callable[[Shop, Incident], None] = _nothing
    beside: Callable[[Shop, Incident], None] = _nothing
    mended: Callable[[Shop, Incident], None] = _nothing


def story_of(incident: Incident) -> Story:
    """Give how an incident goes."""
    return _STORIES[incident.fault](incident)


def _healthy(_incident: Incident) -> Story:
    return Story()


def _too_large(**requests: str) -> Callable[[Incident], Story]:
    resources = {"requests": {"cpu": "2m", "memory": "4Mi", **requests}}
    return lambda _incident: Story(container={"resources": resources}, serves=False)


def _wrong_image(_incident: Incident) -> Story:
    return Story(container={"image": NOWHERE}, serves=False)


def _pull_secret_missing(_incident: Incident) -> Story:
    return Story(container={"image": NOWHERE}, pod={"imagePullSecrets": NO_SECRET}, serves=False)


def _pull_secret_unused(_incident: Incident) -> Story:
    return Story(pod={"imagePullSecrets": NO_SECRET})


def _new_pods_do(command: str) -> Callable[[Incident], Story]:
    def mended(shop: Shop, _incident: Incident) -> None:
        shop.do(SERVE)
        shop.restart_pods()

    return lambda _incident: Story(begins=lambda shop, _one: shop.do(command), mended=mended)


def _crash_once(_incident: Incident) -> Story:
    once = f"if [ -e /kept/x ]; then {SERVE}; fi; touch /kept/x; echo not yet; exit 4"
    kept = {"volumes": [{"name": "kept", "emptyDir": {}}]}
    mounts = {"volumeMounts": [{"name": "kept", "mountPath": "/kept"}]}
    return Story(container=mounts, pod=kept, begins=lambda shop, _one: shop.do(once))


def _late_ready(incident: Incident) -> Story:
    late = f"sleep {incident.delay_s:g}; {SERVE}"
    return Story(begins=lambda shop, _one: shop.do(late))


def _quota(_incident: Incident) -> Story:
    def begins(shop: Shop, incident: Incident) -> None:
        shop.make(QUOTAS, {"metadata": {"name": "pods"}, "spec": {"hard": {"pods": str(incident.before)}}})

    return Story(begins=begins, mended=lambda shop, _one: shop.remove(QUOTAS, "pods"))


def _node_selector(_incident: Incident) -> Story:
    return Story(pod={"nodeSelector": {"disk": "of-the-campaign"}}, serves=False)


def _not_capacity(_incident: Incident) -> Story:
    # Ready by its port, and no page to give: 404 to every caller.
    return Story(doing=f"mkdir -p /tmp/empty && exec httpd -f -p {PORT} -h /tmp/empty")


def _hpa(_incident: Incident) -> Story:
    def beside(shop: Shop, incident: Incident) -> None:
        cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}
        spec = {
            "scaleTargetRef": {"apiVersion": DEPLOYMENTS.api_version, "kind": DEPLOYMENTS.kind, "name": WEB},
            "minReplicas": 1,
            "maxReplicas": incident.before,
            "metrics": [{"type": "Resource", "resource": cpu}],
        }
        shop.make(AUTOSCALERS, {"metadata": {"name": WEB}, "spec": spec})

    return Story(beside=beside, mended=lambda shop, _one: shop.remove(AUTOSCALERS, WEB))


def _person(_incident: Incident) -> Story:
    return Story(begins=lambda shop, incident: shop.scale(incident.before + 1))


_STORIES: Mapping[Fault, Callable[[Incident], Story]] = {
    Fault.HEALTHY: _healthy,
    Fault.NO_CPU: _too_large(cpu="64"),
    Fault.NO_MEMORY: _too_large(memory="512Gi"),
    Fault.WRONG_IMAGE: _wrong_image,
    Fault.PULL_SECRET_MISSING: _pull_secret_missing,
    Fault.PULL_SECRET_UNUSED: _pull_secret_unused,
    Fault.CRASH_AT_START: _new_pods_do("echo no configuration; exit 3"),
    Fault.CRASH_ONCE: _crash_once,
    Fault.CRASH_LATER: _new_pods_do(CRASH_LATER),
    Fault.OOM: _new_pods_do("exec tail /dev/zero"),
    Fault.NEVER_READY: _new_pods_do("exec sleep 3600"),
    Fault.LATE_READY: _late_ready,
    Fault.QUOTA: _quota,
    Fault.NODE_SELECTOR: _node_selector,
    Fault.NOT_CAPACITY: _not_capacity,
    Fault.HPA: _hpa,
    Fault.PERSON: _person,
    Fault.API_SLOW: _healthy,
    Fault.METRICS_AWAY: _healthy,
}
