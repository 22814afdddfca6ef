"""Shipped policies and the guide's, judged by OPA and by us on inputs as nobody would send them."""

from pathlib import Path

import pytest
from helpers.known_differences import known_difference
from helpers.odd_inputs import documents
from helpers.verdict_of_opa import difference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubernaut.policy.batch import RowBatch
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.shipped import shipped_libraries, shipped_policies, shipped_safety_policies

pytestmark = [pytest.mark.oracle, pytest.mark.slow]

GUIDE = Path(__file__).parents[1] / "kubernaut" / "policies" / "guide"
SOURCES = {
    **{policy.file: policy.source for policy in (*shipped_policies(), *shipped_safety_policies())},
    **{f"guide/{path.name}": path.read_text(encoding="utf-8") for path in sorted(GUIDE.glob("*.rego"))},
}

booleans = st.sampled_from((True, True, False))
LIKELY = {
    "deployment_found": booleans,
    "observed_generation_current": booleans,
    "progress_deadline_exceeded": booleans,
    "Available": booleans,
    "Progressing": booleans,
    "ReplicaFailure": st.sampled_from((False, False, True)),
    "image_pull_secrets_exist": booleans,
    "image_pull_secrets_valid": booleans,
    "oom_killed": st.sampled_from((False, False, True)),
    "throttled": st.booleans(),
    "deployment_name": st.sampled_from(("web", "web-frontend")),
    "namespace": st.sampled_from(("shop", "kube-system")),
    "name": st.sampled_from(("web-1", "web-2", "web-3", "web-4")),
    "status": st.sampled_from(("Running", "Running", "CrashLoopBackOff", "Init:CrashLoopBackOff", "Error")),
    "available_cpu": st.sampled_from(("0m", "1000m", "999m", "4", "0.5", "1e3")),
    "required_cpu_per_pod": st.sampled_from(("0m", "500m", "0.25", "1")),
    "available_memory": st.sampled_from(("0Mi", "1024Mi", "1Gi", "8Gi", "1e9", "1048576Ki", "500M")),
    "required_memory_per_pod": st.sampled_from(("0Mi", "256Mi", "0.5Gi", "128974848")),
    "quota_replicas": st.none() | st.integers(0, 5),
    "cpu_throttling_ratio": st.sampled_from((0, 0.05, 0.25, 0.4, 1)),
    "pod_found": booleans,
    "ready": booleans,
    "terminating": st.sampled_from((False, False, True)),
    "unschedulable": st.sampled_from((False, False, True)),
    "waiting_reason": st.sampled_from((None, "CrashLoopBackOff", "ImagePullBackOff")),
    "pod_will_be_recreated": st.sampled_from((True, True, False, None)),
    "controller_kind": st.sampled_from(("ReplicaSet", "Job", None)),
    "workload_kind": st.sampled_from(("Deployment", "Deployment", "StatefulSet", None)),
    "disruptions_allowed": st.none() | st.integers(0, 3),
    "deployment_paused": st.sampled_from((False, False, True, None)),
    "wanted_revision": st.none() | st.integers(1, 9),
    "wanted_revision_exists": booleans,
    "wanted_revision_is_current": st.booleans(),
    "revision_advanced": booleans,
    "wanted_revision_served_s": st.sampled_from((0, 60, 600, 86400)),
    "rollout_before_incident_s": st.sampled_from((-60, 0, 600, 86400, 90000)),
    "maximum_age_s": st.sampled_from((86400, 60)),
    "minimum_served_s": st.sampled_from((600, 0)),
    "minimum_ready_peers_percent": st.sampled_from((50, 0, 100)),
    "headroom_percent": st.sampled_from((0, 10, 33)),
    "minimum_fit_percent": st.sampled_from((100, 50, 1)),
    "minimum_ready_percent": st.sampled_from((100, 80, 81, 1)),
    "maximum_throttled_ratio": st.sampled_from((0.25, 0, 1)),
    "factor": st.sampled_from((5, 2)),
}


@pytest.mark.parametrize("name", SOURCES)
def test_verdict_fatal_and_message_are_those_of_opa(opa, name):
    policy = compile_policy(SOURCES[name], name=name, libraries=shipped_libraries())
    modules = {name: policy.source, **policy.libraries}
    whole = "\n".join(modules.values())
    evaluator = InProcessEvaluator()

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(st.lists(documents(policy.reads, LIKELY), min_size=20, max_size=20))
    def compare(inputs):
        answered = opa.judge(modules, policy.package, inputs)
        judged = evaluator.evaluate(policy, RowBatch(inputs))
        differences = [
            (document, said)
            for index, document in enumerate(inputs)
            if (said := difference(answered.answers[index], judged[index]))
            and not known_difference(whole, document, answered.answers[index], judged[index])
        ]

        assert answered.compile_error == ""
        assert differences == []

    compare()
