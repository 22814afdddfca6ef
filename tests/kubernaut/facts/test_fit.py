"""The count of fitting pods against placing them one by one."""

from fractions import Fraction

from helpers.kube_objects import bare_pod, container, deployment, node, pod_template
from helpers.looking import look
from hypothesis import given, settings
from hypothesis import strategies as st

from kubernaut.facts.fit import count_on_node
from kubernaut.quantities import parse_resource

CPUS = ["0", "100m", "0.3", "1", "1500m", "2", "4"]
MEMORIES = ["0", "1Mi", "500M", "1Gi", "1.5Gi", "4000000Ki"]

nodes = st.lists(
    st.fixed_dictionaries(
        {
            "cpu": st.sampled_from(CPUS),
            "memory": st.sampled_from(MEMORIES),
            "pods": st.sampled_from(["0", "1", "3", "110"]),
            "ready": st.booleans(),
            "unschedulable": st.booleans(),
        }
    ),
    max_size=5,
)
pods = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(CPUS), st.sampled_from(MEMORIES)), max_size=6)
requests = st.fixed_dictionaries({}, optional={"cpu": st.sampled_from(CPUS), "memory": st.sampled_from(MEMORIES)})


def place_one_by_one(node_items, pod_items, asked, wanted):
    """First fit, the slow and plain way."""
    room = {}
    for item in node_items:
        allocatable = item["status"]["allocatable"]
        ready = item["status"]["conditions"][0]["status"] == "True"
        if ready and not item["spec"].get("unschedulable"):
            room[item["metadata"]["name"]] = {name: parse_resource(value) for name, value in allocatable.items()}
    for item in pod_items:
        left = room.get(item["spec"]["nodeName"])
        if left is not None:
            for name, value in item["spec"]["containers"][0]["resources"]["requests"].items():
                left[name] -= parse_resource(value)
            left["pods"] -= 1
    need = {name: parse_resource(value) for name, value in asked.items()}
    placed = 0
    while placed < wanted:
        for left in room.values():
            fits = all(left[name] >= amount for name, amount in need.items() if amount > 0)
            if fits and left["pods"] >= 1:
                for name, amount in need.items():
                    left[name] -= amount
                left["pods"] -= 1
                placed += 1
                break
        else:
            return placed
    return placed


@settings(deadline=None)
@given(nodes, pods, requests, st.integers(0, 12))
def test_fit_agrees_with_placing_one_by_one(node_specs, pod_specs, asked, wanted):
    node_items = [node(f"n{i}", **spec) for i, spec in enumerate(node_specs)]
    pod_items = [
        bare_pod(f"p{i}", node=f"n{index}", requests={"cpu": cpu, "memory": memory})
        for i, (index, cpu, memory) in enumerate(pod_specs)
    ]
    web = deployment(replicas=0, template=pod_template(containers=[container(requests=asked)]))

    facts = look(web, *node_items, *pod_items, replicas=wanted).facts

    assert facts["schedulable_replicas"] == place_one_by_one(node_items, pod_items, asked, wanted)


amounts = st.dictionaries(st.sampled_from("abc"), st.fractions(min_value=0, max_value=10), max_size=3)


@given(amounts, amounts, st.integers(0, 20))
def test_a_node_takes_what_fits_and_not_one_more(asked, room, slots):
    count = count_on_node(asked, room, slots)

    def fit(n):
        return n <= slots and all(n * amount <= room.get(name, Fraction(0)) for name, amount in asked.items())

    assert fit(count)
    assert not fit(count + 1)
