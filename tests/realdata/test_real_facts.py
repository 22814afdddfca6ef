"""What an SRE would read off real dumps, and what the facts say of them, as one golden file.

`golden/facts.json` holds, for each dump, every Deployment that it speaks of (with the facts that its conditions rest on,
and which kinds the dump lacks) and the pods of no Deployment. It was read against the objects themselves; after a wanted
change write it anew as `test_real_histories` says, and read the difference. The rules below it recount in the raw
objects, without our extraction, what may be recounted simply.
"""

import json
from functools import cache
from pathlib import Path

import pytest
from helpers.golden import golden
from helpers.real_objects import load_objects, real_data, real_object_files

from kubernaut.facts.dumps import latest_time, missing_kinds, targets_in
from kubernaut.facts.extract import extract
from kubernaut.facts.objects import ObjectSet
from kubernaut.facts.pod_status import shown

pytestmark = pytest.mark.realdata
ROOT = real_data()
if ROOT is None:
    pytest.skip("KUBERNAUT_REAL_DATA is not set", allow_module_level=True)

GOLDEN = Path(__file__).parent / "golden" / "facts.json"
FILES = real_object_files(ROOT)
KEY_FACTS = (
    "current_replicas",
    "running_pods",
    "ready_pods",
    "updated_pods",
    "total_pods",
    "terminating_pods",
    "unschedulable_pods",
    "conditions",
    "progress_deadline_exceeded",
    "observed_generation_current",
    "rollout_in_progress",
    "required_cpu_per_pod",
    "required_memory_per_pod",
    "image_pull_secrets_exist",
    "image_pull_secrets_valid",
)


def raw(name):
    for document in load_objects(ROOT / "k8s-objects" / name):
        yield from document.get("items", [document])


@cache
def looked_at(name):
    """Give target -> snapshot of one dump."""
    objects = ObjectSet.from_objects(load_objects(ROOT / "k8s-objects" / name))
    found = {}
    for target in targets_in(objects):
        parameters = {"deployment": {"name": target.name, "namespace": target.namespace, "replicas": 3}}
        unavailable = missing_kinds(objects, target)
        found[target] = extract(objects, target, parameters, now=latest_time(objects), unavailable=unavailable)
    return objects, found


def key_facts(snapshot):
    facts = {name: snapshot.facts[name] for name in KEY_FACTS if name in snapshot.facts}
    if "conditions" in facts:
        facts["conditions"] = ", ".join(kind for kind, holds in facts["conditions"].items() if holds) or "none true"
    if "pods" in snapshot.facts:
        facts["pods"] = {pod["name"]: pod_line(pod) for pod in snapshot.facts["pods"]}
    unobserved = {}
    for path, why in snapshot.unobserved.items():
        if path in KEY_FACTS:
            unobserved.setdefault(f"{why.reason.value}: {why.detail}", []).append(path)
    return facts | {"unobserved": {why: ", ".join(paths) for why, paths in sorted(unobserved.items())}}


def pod_line(pod):
    """Give a pod's facts in one line, those that are as they should be left out."""
    parts = [pod["status"], "ready" if pod["ready"] else "not ready", f"{pod['restarts']} restarts"]
    parts += [f"phase {pod['phase']}"] if pod["phase"] != pod["status"] else []
    parts += [f"waits: {pod['waiting_reason']}"] if pod["waiting_reason"] else []
    parts += [name for name in ("unschedulable", "oom_killed") if pod[name]]
    return ", ".join([*parts, f"memory limit {pod['memory_limit'] or 'none'}"])


def of_no_deployment(objects, found):
    """Give pods that no target counts as its own, as `kubectl get pods` shows them."""
    taken = {(target.namespace, pod["name"]) for target, one in found.items() for pod in one.facts.get("pods", ())}
    return {
        f"{pod.namespace}/{pod.name}": f"{shown(pod).status}, {shown(pod).restarts} restarts"
        for pod in objects.of("Pod")
        if (pod.namespace, pod.name) not in taken
    }


def test_what_the_facts_say_of_every_dump():
    told = {}
    for name in FILES:
        objects, found = looked_at(name)
        entry = {str(target): key_facts(snapshot) for target, snapshot in found.items()}
        if pods := of_no_deployment(objects, found):
            entry["pods of no Deployment"] = pods
        if entry:
            told[name] = entry
    text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"

    assert text == golden(GOLDEN, text)


def deployments():
    for name in FILES:
        for item in raw(name):
            # Some dumps keep a Deployment without its kind; only it has a strategy beside a selector.
            if item.get("kind") == "Deployment" or (not item.get("kind") and "strategy" in (item.get("spec") or {})):
                metadata = item["metadata"]
                (one,) = (
                    snapshot
                    for target, snapshot in looked_at(name)[1].items()
                    if (target.namespace, target.name) == (metadata["namespace"], metadata["name"])
                )
                yield item, one


def test_every_deployment_is_read_as_it_stands():
    seen = 0
    for item, snapshot in deployments():
        seen += 1
        status, spec = item.get("status", {}), item["spec"]
        conditions = {one["type"]: one["status"] == "True" for one in status.get("conditions", ())}
        facts = snapshot.facts
        assert facts["deployment_found"] is True
        assert facts["current_replicas"] == spec.get("replicas", 1)
        assert facts["conditions"] == {
            name: conditions.get(name, False) for name in ("Available", "Progressing", "ReplicaFailure")
        }
        reasons = {one.get("reason") for one in status.get("conditions", ()) if one["type"] == "Progressing"}
        assert facts["progress_deadline_exceeded"] is ("ProgressDeadlineExceeded" in reasons)
        if "generation" in item["metadata"]:
            assert facts["updated_pods"] == status.get("updatedReplicas", 0)
            current = status["observedGeneration"] >= item["metadata"]["generation"]
            assert facts["observed_generation_current"] is current

    assert seen == 14


def test_ready_and_running_pods_are_counted_as_in_the_raw_objects():
    seen = 0
    for name in FILES:
        by_name = {item["metadata"]["name"]: item for item in raw(name) if "containers" in (item.get("spec") or {})}
        for snapshot in looked_at(name)[1].values():
            if "pods" not in snapshot.facts:
                continue
            seen += 1
            own = [by_name[pod["name"]] for pod in snapshot.facts["pods"]]
            ready = [
                pod
                for pod in own
                if any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"]["conditions"])
            ]
            assert snapshot.facts["total_pods"] == len(own)
            assert snapshot.facts["ready_pods"] == len(ready)
            assert snapshot.facts["running_pods"] == sum(pod["status"]["phase"] == "Running" for pod in own)

    assert seen >= 10
