"""`kubernaut check` on real dumps: the verdicts that a person would give, as a table to read.

Real pods without a Deployment (bare ones, of Jobs, of DaemonSets) are adopted: a Deployment of one replica is put above
them whose template is the pod's own spec; spec and status of the pod stay as they were dumped.
"""

import copy
import json
from pathlib import Path

import pytest
from helpers.command_line import kubernaut
from helpers.golden import golden
from helpers.real_objects import load_objects, real_data, real_object_files

from kubernaut.facts.dumps import targets_in
from kubernaut.facts.objects import ObjectSet, Target

pytestmark = pytest.mark.realdata
GOLDEN = Path(__file__).parent / "golden" / "check_real_objects.txt"
ROOT = real_data()
if ROOT is None:
    pytest.skip("KUBERNAUT_REAL_DATA is not set", allow_module_level=True)
DUMPS = ROOT / "k8s-objects"
HASH = "5d9f7c8b6d"
NOT_OF_POD = {
    "scale_deployment/step/pre/cluster_capacity_available",
    "scale_deployment/step/pre/current_replicas_match",
    "scale_deployment/step/pre/deployment_exists",
    "scale_deployment/step/post/deployment_health_check",
    "scale_deployment/action/pre/cluster_capacity_available",
    "scale_deployment/action/pre/deployment_exists",
    "scale_deployment/action/pre/node_selector_matches",
    "scale_deployment/action/post/cpu_throttling_acceptable",
}
"""Of an adopted pod these would judge the Deployment that the test made up."""


def table(ran, without=frozenset()):
    """Give the verdicts of one check: what was judged line by line, what could not be with its missing kinds."""
    assert ran.code in (0, 2), ran.err
    document = json.loads(ran.out)
    lines, missing, seen = [f"  {line}" for line in document["seen"]], {}, {}
    for row in document["conditions"]:
        name = row["condition"].removeprefix("scale_deployment/").partition("/")[2]
        if row["condition"] in without:
            continue
        if name in seen:
            assert seen[name] == row["verdict"], "both levels judge the same look alike"
            continue
        seen[name] = row["verdict"]
        if "(NotProvided: " in row["message"]:
            why = row["message"].partition("(NotProvided: ")[2].removesuffix(")")
            missing.setdefault(why, []).append(name)
        else:
            lines.append(f"  {name:<32} {row['verdict']:<7} {row['message']}".rstrip())
    lines += [f"  not judged, {why}: {', '.join(names)}" for why, names in sorted(missing.items())]
    return lines


def check(dumps, target, replicas):
    return kubernaut(
        "check",
        *(part for dump in dumps for part in ("--objects", dump)),
        *("--target", f"{target.namespace}/{target.name}", "-p", f"replicas={replicas}", "-o", "json"),
    )


def as_dumped(tmp_path):
    """Every Deployment of every dump, scaled to what it has."""
    for name in real_object_files(ROOT):
        path = DUMPS / name
        objects = ObjectSet.from_objects(load_objects(path))
        if path.suffix == ".txt":
            # Lines of the recorder stand before the YAML; the command does not take them, as is tested elsewhere.
            path = tmp_path / "objects.json"
            path.write_text(json.dumps(load_objects(DUMPS / name)))
        for target in targets_in(objects):
            found = objects.find(target)
            prefix = f"{target.name}-"
            pods = [pod for pod in objects.of("Pod", target.namespace) if pod.name.startswith(prefix)]
            replicas = len(pods) if found is None else found.spec.number("replicas") or 0
            yield f"{name}: {target.namespace}/{target.name} to {replicas}", table(check([path], target, replicas))


def adopted(tmp_path):
    """Every pod that belongs to no Deployment, under one of its own."""
    for name in real_object_files(ROOT):
        documents = load_objects(DUMPS / name)
        objects = ObjectSet.from_objects(documents)
        if targets_in(objects) or "popeye" in name:
            continue
        for pod in objects.of("Pod"):
            path = tmp_path / "adopted.json"
            path.write_text(json.dumps(family(pod.fields.whole)))
            target = Target(namespace=pod.namespace, name="adopter")
            yield f"{name}: pod {pod.name}", table(check([path], target, 1), without=NOT_OF_POD)


def family(pod):
    """Give a Deployment, its ReplicaSet and the pod."""
    pod = copy.deepcopy(pod)
    namespace = pod["metadata"].get("namespace", "default")
    labels = {"app": "adopter", "pod-template-hash": HASH}
    template = {"metadata": {"labels": labels}, "spec": {**pod["spec"], "nodeName": None}}
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", ()))
    counts = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": int(ready), "availableReplicas": int(ready)}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "adopter",
            "namespace": namespace,
            "uid": "d",
            "generation": 1,
            "annotations": {"deployment.kubernetes.io/revision": "1"},
        },
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "adopter"}}, "template": template},
        "status": {"observedGeneration": 1, **counts},
    }
    replica_set = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"adopter-{HASH}",
            "namespace": namespace,
            "uid": "r",
            "labels": labels,
            "annotations": {"deployment.kubernetes.io/revision": "1"},
            "ownerReferences": [{"kind": "Deployment", "name": "adopter", "uid": "d", "controller": True}],
        },
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
        "status": {"replicas": 1},
    }
    pod |= {"kind": "Pod", "apiVersion": "v1"}
    pod["metadata"] |= {
        "labels": {**pod["metadata"].get("labels", {}), **labels},
        "ownerReferences": [{"kind": "ReplicaSet", "name": f"adopter-{HASH}", "uid": "r", "controller": True}],
    }
    return {"apiVersion": "v1", "kind": "List", "items": [deployment, replica_set, pod]}


def grouped(cases):
    """Give cases under one another, those with the same table under one."""
    heads = {}
    for head, rows in cases:
        heads.setdefault("\n".join(rows), []).append(head)
    return ["\n".join([*names, rows]) for rows, names in heads.items()]


@pytest.mark.slow
def test_real_objects_get_the_verdicts_that_a_person_would_give(tmp_path):
    parts = [
        "# As dumped, scaled to the replicas that are there",
        *grouped(as_dumped(tmp_path)),
        "# Pods without a Deployment, adopted by one of one replica",
        *grouped(adopted(tmp_path)),
    ]
    text = "\n\n".join(parts) + "\n"

    assert text == golden(GOLDEN, text)
