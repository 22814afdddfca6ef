"""Room: requests, what nodes have left, and which of them take a pod."""

import pytest
from helpers.kube_objects import (
    bare_pod,
    container,
    deployment,
    node,
    pod,
    pod_template,
    replica_set,
)
from helpers.looking import look, why

from kubernaut.facts.snapshot import UnobservedReason


def web(replicas=0, **spec):
    return deployment(replicas=replicas, template=pod_template(**spec))


def asks(cpu="1", memory="1Gi", **more):
    return {"containers": [container(requests={"cpu": cpu, "memory": memory, **more})]}


def required(**spec):
    facts = look(web(**spec)).facts
    return facts["required_cpu_per_pod"], facts["required_memory_per_pod"]


def sidecar(cpu):
    return {**container(f"side-{cpu}", requests={"cpu": cpu}), "restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, ("0m", "0Mi")),
        (asks("250m", "128974848"), ("250m", "123Mi")),
        (asks("0.0001", "1"), ("1m", "1Mi")),
        (
            {"containers": [container(requests={"cpu": "1"}), container("b", requests={"cpu": "500m"})]},
            ("1500m", "0Mi"),
        ),
        # Init containers run one by one: the largest counts if it exceeds the sum.
        (
            {
                "containers": [container(requests={"cpu": "1"})],
                "initContainers": [container("i", requests={"cpu": "3"}), container("j", requests={"cpu": "2"})],
            },
            ("3000m", "0Mi"),
        ),
        (
            {
                "containers": [container(requests={"cpu": "4"})],
                "initContainers": [container("i", requests={"cpu": "3"})],
            },
            ("4000m", "0Mi"),
        ),
        # Resource by resource.
        (
            {
                "containers": [container(requests={"cpu": "4"})],
                "initContainers": [container("i", requests={"memory": "2Gi"})],
            },
            ("4000m", "2048Mi"),
        ),
        # A sidecar adds to the sum, and to init containers after it but not before.
        (
            {
                "containers": [container(requests={"cpu": "1"})],
                "initContainers": [sidecar("1"), container("i", requests={"cpu": "3"})],
            },
            ("4000m", "0Mi"),
        ),
        (
            {
                "containers": [container(requests={"cpu": "1"})],
                "initContainers": [container("i", requests={"cpu": "3"}), sidecar("1")],
            },
            ("3000m", "0Mi"),
        ),
        (
            {"containers": [container(requests={"cpu": "1"})], "initContainers": [sidecar("1"), sidecar("2")]},
            ("4000m", "0Mi"),
        ),
        ({**asks(), "overhead": {"cpu": "250m"}}, ("1250m", "1024Mi")),
        # The API server makes a request of a limit when a pod is made from the template.
        ({"containers": [container(limits={"cpu": "2"}, requests={"memory": "1Gi"})]}, ("2000m", "1024Mi")),
        ({"containers": [container(limits={"cpu": "2"}, requests={"cpu": "1"})]}, ("1000m", "0Mi")),
        # Pod-level resources replace the sum; their limit counts where nothing is requested.
        ({**asks("1", "1Gi"), "resources": {"requests": {"cpu": "3"}}}, ("3000m", "1024Mi")),
        ({"containers": [container()], "resources": {"limits": {"memory": "2Gi"}}}, ("0m", "2048Mi")),
        ({**asks("1", "1Gi"), "resources": {"limits": {"cpu": "9"}}}, ("1000m", "1024Mi")),
        # Numbers where people usually write text.
        ({"containers": [container(requests={"cpu": 3, "memory": 1024})]}, ("3000m", "1Mi")),
    ],
)
def test_requests_by_the_schedulers_rule(spec, expected):
    assert required(**spec) == expected


def test_an_unreadable_request_is_named():
    snapshot = look(web(**asks(cpu="lots")))

    reason, detail = why(snapshot, "required_cpu_per_pod")
    assert reason is UnobservedReason.UNREADABLE
    assert detail.startswith(
        "Deployment shop/web: spec.template.spec.containers[0].resources.requests.cpu: 'lots' is not a quantity"
    )


def test_a_deployment_without_template():
    broken = deployment()
    broken["spec"].pop("template")

    assert why(look(broken), "required_cpu_per_pod") == (
        UnobservedReason.UNREADABLE,
        "Deployment shop/web: spec.template is missing",
    )


def available(*objects):
    facts = look(deployment(), *objects).facts
    return facts["available_cpu"], facts["available_memory"]


def test_available_is_what_is_left_on_nodes_that_take_pods():
    assert available(node(cpu="4", memory="8Gi")) == ("4000m", "8192Mi")
    assert available(node(cpu="3920m", memory="5925804Ki")) == ("3920m", "5786Mi")
    assert available() == ("0m", "0Mi")
    assert available(node("a"), node("b"), node("c", ready=False), node("d", unschedulable=True)) == (
        "8000m",
        "16384Mi",
    )


def test_pods_take_until_they_have_finished():
    taken = {"cpu": "1", "memory": "1Gi"}
    objects = [
        node(),
        bare_pod("running", node="node-1", requests=taken),
        bare_pod("ending", node="node-1", requests=taken, terminating=True),
        bare_pod("done", node="node-1", requests=taken, phase="Succeeded"),
        bare_pod("failed", node="node-1", requests=taken, phase="Failed"),
        bare_pod("elsewhere", node="gone", requests=taken),
        bare_pod("nominated", node="", requests=taken, phase="Pending", status={"nominatedNodeName": "node-1"}),
    ]

    assert available(*objects) == ("1000m", "5120Mi")


def test_an_overcommitted_node_takes_nothing_from_the_others():
    assert available(node("a", cpu="1"), node("b", cpu="4"), bare_pod("p", node="a", requests={"cpu": "3"})) == (
        "4000m",
        "16384Mi",
    )


def test_a_pod_that_is_being_resized_takes_the_larger_amount():
    resized = bare_pod("p", node="node-1", requests={"cpu": "1"})
    resized["status"]["containerStatuses"][0] |= {
        "allocatedResources": {"cpu": "2"},
        "resources": {"requests": {"cpu": "3"}},
    }
    assert available(node(), resized)[0] == "1000m"

    resized["status"]["containerStatuses"][0] |= {"resources": {}}
    assert available(node(), resized)[0] == "2000m"

    resized["status"]["containerStatuses"][0] = {"name": "main", "resources": {"requests": {"cpu": "3"}}}
    assert available(node(), resized)[0] == "1000m"

    asked_too_much = bare_pod(
        "p", node="node-1", requests={"cpu": "4"}, conditions=[{"type": "PodResizePending", "reason": "Infeasible"}]
    )
    asked_too_much["status"]["containerStatuses"][0] |= {"allocatedResources": {"cpu": "1"}}
    assert available(node(), asked_too_much)[0] == "3000m"


def test_available_without_the_deployment_knows_no_tolerations():
    tainted = node("b", taints=[{"key": "dedicated", "value": "x", "effect": "NoSchedule"}])

    snapshot = look(node("a"), tainted, unavailable=["Deployment"])

    assert snapshot.facts["available_cpu"] == "4000m"


def test_capacity_needs_every_namespaces_pods():
    snapshot = look(web(**asks()), node(), unavailable=["Pod (all namespaces)"])

    for name in ("available_cpu", "available_memory", "schedulable_replicas"):
        assert why(snapshot, name)[0] is UnobservedReason.FORBIDDEN
    assert snapshot.facts["matching_nodes"] == 1
    assert snapshot.facts["total_pods"] == 0


@pytest.mark.parametrize(
    ("allocatable", "unreadable"),
    [
        (None, {"available_cpu", "available_memory", "schedulable_replicas"}),
        ({"cpu": "x", "memory": "1Gi", "pods": "1"}, {"available_cpu", "available_memory", "schedulable_replicas"}),
        ({"cpu": "9", "memory": "99Gi"}, {"schedulable_replicas"}),
    ],
)
def test_a_node_that_cannot_be_read(allocatable, unreadable):
    broken = node("b")
    broken["status"]["allocatable"] = allocatable

    snapshot = look(web(**asks()), replica_set(owner=web(**asks())), node("a"), broken)

    assert {
        name for name in snapshot.unobserved if name in ("available_cpu", "available_memory", "schedulable_replicas")
    } == unreadable
    assert snapshot.facts["ready_nodes"] == 2


def fits(*objects, deploy=None, replicas=5):
    return look(deploy or web(**asks()), *objects, replicas=replicas).facts["schedulable_replicas"]


def test_fit_is_node_by_node():
    halves = [node(f"n{i}", cpu="1500m") for i in range(4)]

    facts = look(web(**asks(cpu="2")), *halves, replicas=2).facts

    assert facts["available_cpu"] == "6000m"
    assert facts["schedulable_replicas"] == 0


@pytest.mark.parametrize(
    ("nodes", "fit"),
    [
        ([node(cpu="3500m")], 3),
        ([node(cpu="9", memory="2Gi")], 2),
        ([node(cpu="9", memory="9Gi", pods="4")], 4),
        ([node(cpu="9", memory="99Gi")], 5),
        ([node("a", cpu="1"), node("b", cpu="2")], 3),
        ([node(ready=False)], 0),
        ([node(unschedulable=True)], 0),
        ([], 0),
    ],
)
def test_fit(nodes, fit):
    assert fits(*nodes) == fit


def test_free_pod_count():
    assert fits(node(pods="3"), bare_pod("p", node="node-1"), bare_pod("done", node="node-1", phase="Succeeded")) == 2


def test_pods_without_requests_fit_by_count():
    assert fits(node(cpu="0", memory="0", pods="3"), deploy=web()) == 3


def test_extended_resources_count_too():
    gpu = {"nvidia.com/gpu": "2"}
    deploy = web(**asks(**gpu))

    assert fits(node(), deploy=deploy) == 0
    assert fits(node(**{"nvidia.com/gpu": "5"}), deploy=deploy) == 2


def test_nothing_to_add_fits():
    assert fits(replicas=0, deploy=web(replicas=3)) == 0


def test_pods_that_wait_for_a_node_take_their_places_first():
    deploy = web(replicas=2, **asks())
    rs = replica_set(owner=deploy)
    waiting = [pod(f"w{i}", owner=rs, node=None, phase="Pending", ready=False, statuses=[]) for i in range(2)]

    assert fits(node(), rs, *waiting, deploy=deploy) == 2  # four fit, two of them for those that wait
    assert fits(node(cpu="1"), rs, *waiting, deploy=deploy) == 0


SPOT = {"key": "spot", "value": "yes", "effect": "NoSchedule"}


def tolerated(taint, *tolerations, **spec):
    facts = look(web(tolerations=list(tolerations), **spec), node(taints=[taint])).facts
    return facts["matching_nodes"] == 1


@pytest.mark.parametrize(
    ("taint", "toleration", "stands"),
    [
        (SPOT, {"key": "spot", "operator": "Equal", "value": "yes", "effect": "NoSchedule"}, True),
        (SPOT, {"key": "spot", "value": "yes"}, True),
        (SPOT, {"key": "spot", "value": "no"}, False),
        (SPOT, {"key": "spot", "operator": "Exists"}, True),
        (SPOT, {"key": "other", "operator": "Exists"}, False),
        (SPOT, {"operator": "Exists"}, True),
        (SPOT, {"operator": "Exists", "effect": "NoExecute"}, False),
        (SPOT, {"key": "spot", "value": "yes", "effect": "NoExecute"}, False),
        ({**SPOT, "effect": "NoExecute"}, {"key": "spot", "value": "yes"}, True),
        ({**SPOT, "effect": "PreferNoSchedule"}, {"key": "none", "operator": "Exists"}, True),
        ({"key": "loss", "value": "3", "effect": "NoSchedule"}, {"key": "loss", "operator": "Lt", "value": "5"}, True),
        ({"key": "loss", "value": "7", "effect": "NoSchedule"}, {"key": "loss", "operator": "Lt", "value": "5"}, False),
        ({"key": "loss", "value": "7", "effect": "NoSchedule"}, {"key": "loss", "operator": "Gt", "value": "5"}, True),
        ({"key": "loss", "value": "x", "effect": "NoSchedule"}, {"key": "loss", "operator": "Gt", "value": "5"}, False),
    ],
)
def test_taints_and_tolerations(taint, toleration, stands):
    assert tolerated(taint, toleration) is stands


def test_taints_without_tolerations():
    assert tolerated({**SPOT, "effect": "NoExecute"}) is False
    assert tolerated(SPOT) is False


def test_every_taint_must_be_stood():
    two = node(taints=[SPOT, {"key": "gpu", "effect": "NoSchedule"}])

    assert look(web(tolerations=[{"key": "spot", "operator": "Exists"}]), two).facts["matching_nodes"] == 0


def test_a_cordon_is_a_taint_that_can_be_stood():
    cordoned = node(unschedulable=True, taints=[{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}])
    stands = {"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}

    assert look(web(), cordoned).facts["matching_nodes"] == 0
    assert look(web(tolerations=[stands]), cordoned).facts["matching_nodes"] == 1
    assert look(web(), cordoned).facts["ready_nodes"] == 1


def test_memory_pressure_keeps_only_best_effort_off():
    pressure = {"key": "node.kubernetes.io/memory-pressure", "effect": "NoSchedule"}

    assert tolerated(pressure) is False
    assert tolerated(pressure, **asks()) is True


def test_an_unknown_operator_is_unreadable():
    snapshot = look(web(tolerations=[{"key": "spot", "operator": "Like"}]), node(taints=[SPOT]))

    assert why(snapshot, "matching_nodes")[1].endswith("tolerations[0].operator: 'Like' is no operator of a toleration")


def required_affinity(*terms):
    return {
        "affinity": {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}
        }
    }


def expression(operator, *values, key="zone"):
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


ZONE_A = node(labels={"zone": "a", "cores": "8"})


@pytest.mark.parametrize(
    ("spec", "matches"),
    [
        ({}, True),
        ({"nodeSelector": {"zone": "a"}}, True),
        ({"nodeSelector": {"zone": "b"}}, False),
        ({"nodeSelector": {"disk": "ssd"}}, False),
        ({"nodeName": "node-1"}, True),
        ({"nodeName": "node-2"}, False),
        (required_affinity(expression("In", "a", "b")), True),
        (required_affinity(expression("In", "b")), False),
        (required_affinity(expression("NotIn", "b")), True),
        (required_affinity(expression("NotIn", "a")), False),
        (required_affinity(expression("NotIn", "a", key="disk")), True),
        (required_affinity(expression("In", "a", key="disk")), False),
        (required_affinity(expression("Exists")), True),
        (required_affinity(expression("Exists", key="disk")), False),
        (required_affinity(expression("DoesNotExist")), False),
        (required_affinity(expression("DoesNotExist", key="disk")), True),
        (required_affinity(expression("Gt", "4", key="cores")), True),
        (required_affinity(expression("Gt", "8", key="cores")), False),
        (required_affinity(expression("Lt", "9", key="cores")), True),
        (required_affinity(expression("Lt", "9", key="zone")), False),
        (required_affinity(expression("Gt", "4", "5", key="cores")), False),
        (required_affinity(expression("Gt", "4", key="disk")), False),
        (required_affinity(expression("Gt", "-+4", key="cores")), False),
        (required_affinity(expression("Gt", "+4", key="cores")), True),
        (required_affinity(expression("Gt", "99999999999999999999", key="cores")), False),
        # Terms are alternatives, requirements within a term are not.
        (required_affinity(expression("In", "b"), expression("In", "a")), True),
        (
            required_affinity(
                {"matchExpressions": [{"key": "zone", "operator": "Exists"}, {"key": "disk", "operator": "Exists"}]}
            ),
            False,
        ),
        # Nothing in a term, or no term, matches nothing.
        (required_affinity({}), False),
        (required_affinity(), False),
        (required_affinity({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]}), True),
        (
            required_affinity({"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["node-1"]}]}),
            False,
        ),
        (
            {
                "affinity": {
                    "nodeAffinity": {
                        "preferredDuringSchedulingIgnoredDuringExecution": [
                            {"weight": 1, "preference": expression("In", "b")}
                        ]
                    }
                }
            },
            True,
        ),
    ],
)
def test_node_selector_and_affinity(spec, matches):
    facts = look(web(**spec), ZONE_A).facts

    assert facts["matching_nodes"] == int(matches)
    assert facts["schedulable_replicas"] == (5 if matches else 0)
    # The sum over the cluster asks for taints only.
    assert facts["available_cpu"] == "4000m"


def test_an_unknown_operator_of_affinity_is_unreadable():
    snapshot = look(web(**required_affinity(expression("Near", "a"))), ZONE_A)

    assert why(snapshot, "matching_nodes")[1].endswith("operator: 'Near' is no operator of a selector")


def apart(key="kubernetes.io/hostname", selector=None, **term):
    chosen = {"matchLabels": {"app": "web"}} if selector is None else selector
    return {
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": key, "labelSelector": chosen, **term}
                ]
            }
        }
    }


def three_nodes(**labels):
    return [node(f"n{i}", labels=dict(labels)) for i in range(3)]


def test_pods_that_keep_apart_take_one_node_each():
    assert fits(*three_nodes(), deploy=web(**apart())) == 3


def test_pods_that_are_there_hold_their_nodes():
    deploy = web(**apart())
    rs = replica_set(owner=deploy)

    assert fits(*three_nodes(), rs, pod("a", owner=rs, node="n0"), deploy=deploy) == 2
    # Also on a node that takes no more.
    cordoned = node("n3", unschedulable=True)
    assert fits(*three_nodes(), cordoned, rs, pod("a", owner=rs, node="n3"), deploy=deploy) == 3


def test_one_a_zone():
    nodes = [node(f"n{i}", labels={"zone": zone}) for i, zone in enumerate("aab")]

    assert fits(*nodes, deploy=web(**apart(key="zone"))) == 2
    # A node outside every zone is bound by none.
    assert fits(*nodes, node("free", pods="2"), deploy=web(**apart(key="zone"))) == 4


def test_keeping_apart_from_others_only_excludes_their_nodes():
    db = bare_pod("db", node="n0", namespace="shop")
    db["metadata"]["labels"] = {"app": "db"}
    deploy = web(**asks(cpu="2"), **apart(selector={"matchLabels": {"app": "db"}}))

    assert fits(*three_nodes(), db, deploy=deploy) == 4


@pytest.mark.parametrize(
    ("term", "fit"),
    [
        ({}, 5),
        ({"namespaces": ["other"]}, 4),
        ({"namespaceSelector": {}}, 4),
        ({"selector": {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, "namespaceSelector": {}}, 5),
    ],
)
def test_keeping_apart_is_per_namespace(term, fit):
    db = bare_pod("db", node="n0", namespace="other")
    db["metadata"]["labels"] = {"app": "db"}
    nodes = [node(f"n{i}", cpu="2") for i in range(3)]
    deploy = web(**asks(), **apart(**{"selector": {"matchLabels": {"app": "db"}}, **term}))

    assert fits(*nodes, db, deploy=deploy) == fit


def test_namespaces_by_label_are_not_looked_at():
    deploy = web(**asks(), **apart(namespaceSelector={"matchLabels": {"team": "x"}}))

    assert why(look(deploy, node()), "schedulable_replicas")[0] is UnobservedReason.NOT_PROVIDED


def test_a_term_without_selector_matches_no_pod():
    deploy = web()
    deploy["spec"]["template"]["spec"] |= {
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname"}]
            }
        }
    }

    assert fits(node(), deploy=deploy) == 5


def test_match_label_keys_narrow_to_the_pods_of_one_template():
    deploy = web(**apart(matchLabelKeys=["pod-template-hash"]))
    rs = replica_set(owner=deploy)
    old = replica_set(owner=deploy, template_hash="0000", uid="rs-0", template=pod_template(hostname="old"))
    nodes = three_nodes()

    assert fits(*nodes, rs, old, pod("o", owner=old, node="n0"), deploy=deploy) == 3
    assert fits(*nodes, rs, old, pod("n", owner=rs, node="n0"), deploy=deploy) == 2

    mismatch = web(**apart(mismatchLabelKeys=["pod-template-hash"]))
    rs = replica_set(owner=mismatch)
    assert fits(*nodes, rs, pod("n", owner=rs, node="n0"), deploy=mismatch, replicas=9) == 9


def ports(*numbers, host=False, address="", protocol="TCP"):
    wanted = [
        {"containerPort": n, **({} if host else {"hostPort": n}), "hostIP": address, "protocol": protocol}
        for n in numbers
    ]
    return {"containers": [container(ports=wanted)], **({"hostNetwork": True} if host else {})}


@pytest.mark.parametrize(
    ("wanted", "taken", "fit"),
    [
        (ports(80), ports(), 3),
        (ports(80), ports(80), 2),
        (ports(80), ports(81), 3),
        (ports(80, host=True), ports(80), 2),
        (ports(80), ports(80, protocol="UDP"), 3),
        (ports(80, address="10.0.0.1"), ports(80, address="10.0.0.2"), 3),
        (ports(80, address="10.0.0.1"), ports(80), 2),
        (ports(80, address="10.0.0.1"), ports(80, address="0.0.0.0"), 2),
    ],
)
def test_host_ports_are_taken_once_a_node(wanted, taken, fit):
    other = pod("other", node="n0", namespace="other", spec=taken)

    assert fits(*three_nodes(), other, deploy=web(**wanted)) == fit
