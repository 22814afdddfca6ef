"""Two workflows that tests put into a shop again and again, each under a name and on targets of its own.

``in-order``: two steps beside each other, one of which restarts a pod, and one that depends on both; it completes.
``taken-back``: of two steps beside each other after a first one, one is accepted and has no effect; what depends on it
never begins and everything is taken back. Which of the two a workflow is stands at the front of its name.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cluster.boot import Cluster
from kubernaut_operator.execution.kinds import KUBERNETES_EXECUTIONS, WORKFLOW_EXECUTIONS
from kubernaut_operator.kernel.api import Api
from kubernaut_simulator.history.history import History

from helpers.executions import Manifest, create, deployment
from helpers.held_requests import Whose
from helpers.workflows import scale_step, wait_for_workflow, workflow

IN_ORDER, TAKEN_BACK = "in-order", "taken-back"
TARGETS = {IN_ORDER: 3, TAKEN_BACK: 4}
EXECUTIONS = {IN_ORDER: 3, TAKEN_BACK: 6}
"""How many of each a story has."""

NEVER = 'package mine\nimport rego.v1\nallow if input.current_replicas == 77\nerror_message := "it is not 77"'
ENFORCED = ("desired_replicas_running", "replacement_pod_ready")
"""Shipped postconditions of the step level that stories need in force: dependents wait for them."""

_EVALUATION = ["step", "purpose", "level", "phase", "type"]
_NOT_MET = {"Failed", "Error"}

_ASKED = {
    "scale_deployment": {
        "step/pre": ("deployment_exists", "cluster_capacity_available", "current_replicas_match"),
        "step/post": ("desired_replicas_running", "deployment_health_check"),
        "action/pre": (
            *("deployment_exists", "cluster_capacity_available", "image_pull_secrets_valid", "node_selector_matches"),
        ),
        "action/post": ("no_crashloop_pods", "resource_usage_acceptable", "cpu_throttling_acceptable"),
    },
    "restart_pod": {
        "step/pre": ("pod_exists", "fault_is_the_pods_own"),
        "step/post": ("replacement_pod_ready", "workload_serves"),
        "action/pre": ("pod_exists", "pod_will_be_recreated", "others_serve_meanwhile", "no_rollout_in_progress"),
        "action/post": ("replacement_crash_free",),
    },
}
"""The shipped suites: each of them leaves one evaluation of every run, whatever became of it."""


def _asked(*steps: tuple[int, str], back: Iterable[int] = (), also: Iterable[tuple[str, ...]] = ()) -> list[Any]:
    """Give the evaluations of some steps, and of those that are taken back; going back asks nothing at the step first."""
    runs = [(number, "forward", action) for number, action in steps]
    runs += [(number, "rollback", "scale_deployment") for number in back]
    found = [
        (str(number), purpose, *place.split("/"), kind)
        for number, purpose, action in runs
        for place, kinds in _ASKED[action].items()
        for kind in kinds
        if (purpose, place) != ("rollback", "step/pre")
    ]
    return sorted([*found, *also])


_SUCCEEDED = ("succeeded", "succeeded", "Succeeded")
_MINE = ("3", "forward", "step", "post", "mine")

END: Mapping[str, Mapping[str, object]] = {
    IN_ORDER: {
        "workflow": ("completed", "completed", "Succeeded", "every step is verified", "inconclusive"),
        "steps": dict.fromkeys((1, 2, 3), ("completed", "Succeeded", "completed")),
        "executions": dict.fromkeys(("step-1", "step-2", "step-3"), _SUCCEEDED),
        "replicas": {"-1": 2, "-2": 1, "-3": 2},
    },
    TAKEN_BACK: {
        "workflow": (
            *("rolled_back", "rolled_back", "RolledBack"),
            *("rolled back after: step 3 failed: mine: it is not 77", "inconclusive"),
        ),
        "steps": {
            **dict.fromkeys((1, 2, 3), ("rolled_back", "RolledBack", "rolled_back")),
            4: ("skipped", "DependencyFailed", "skipped"),
        },
        "executions": dict.fromkeys(
            (f"step-{number}{back}" for number in (1, 2, 3) for back in ("", "-rollback")), _SUCCEEDED
        ),
        "replicas": {"-1": 1, "-2": 1, "-3": 1, "-4": 1},
    },
}
"""What becomes of each story, whatever happens to the operator; as `Stories.end` tells it."""

RECORDED: Mapping[str, Mapping[str, object]] = {
    IN_ORDER: {
        "workflow": [("completed", "inconclusive", False)],
        "steps": [(f"/{number}", "succeeded", False) for number in (1, 2, 3)],
        "evaluations": _asked((1, "scale_deployment"), (2, "restart_pod"), (3, "scale_deployment")),
        "not met": [],
    },
    TAKEN_BACK: {
        "workflow": [("rolled_back", "inconclusive", True)],
        "steps": [
            *[("/1", "succeeded", True), ("/1/rollback", "succeeded", False)],
            *[("/2", "succeeded", True), ("/2/rollback", "succeeded", False)],
            *[("/3", "failed", True), ("/3/rollback", "succeeded", False)],
            ("/4", "skipped", False),
        ],
        "evaluations": _asked(*((number, "scale_deployment") for number in (1, 2, 3)), back=(1, 2, 3), also=[_MINE]),
        "not met": [_MINE],
    },
}
"""What each story leaves in history; as `Stories.recorded` tells it."""


def story_of(name: str) -> str:
    """Give which story a workflow is."""
    return IN_ORDER if name.startswith(IN_ORDER) else TAKEN_BACK


def enforced(settings: str) -> str:
    """Give the shipped settings of the step level with what stories need in force, and times of a test."""
    for kind in ENFORCED:
        settings = re.sub(rf"({kind}: {{required: true, rolloutPercent:) 0", r"\1 100", settings)
    return re.sub(r"timeout: \dm(, holdFor: 20s)?", "timeout: 30s", settings)


@dataclass(slots=True)
class Stories:
    """Workflows in one namespace.

    Parameters
    ----------
    whose : Whose
        Told what belongs to each workflow.
    """

    cluster: Cluster
    api: Api
    namespace: str
    whose: Whose

    def prepare(self, *names: str) -> None:
        """Make the targets of some workflows."""
        targets = {f"{name}-{number}": name for name in names for number in range(1, TARGETS[story_of(name)] + 1)}
        create(self.cluster, *(deployment(self.namespace, name=target, replicas=1) for target in targets))
        self.cluster.kubectl(
            *("wait", "--for=condition=Available", f"--namespace={self.namespace}", "--timeout=180s"),
            *(f"deployment/{target}" for target in targets),
        )
        for one in [*self._listed("deployments"), *self._listed("pods")]:
            owner = next((name for target, name in targets.items() if _is_of(one, target)), None)
            if owner is not None:
                self.whose.know(owner, (owner, one["metadata"]["uid"]))

    def begin(self, *names: str) -> None:
        """Put workflows whose targets are there into the cluster."""
        pods = self._listed("pods")
        create(self.cluster, *(self._manifest(name, pods) for name in names))
        for name in names:
            self.whose.know(name, (self.uid(name),))

    def read(self, name: str) -> Manifest:
        """Read a workflow."""
        return self.api.get(WORKFLOW_EXECUTIONS, name, self.namespace)

    def uid(self, name: str) -> str:
        """Give a workflow's UID."""
        return str(self.read(name)["metadata"]["uid"])

    def wait_until(self, name: str, holds: Callable[[Manifest], Any], *, limit_s: float = 90.0) -> Manifest:
        """Wait until something holds of a workflow, and give it."""
        return wait_for_workflow(self.api, self.namespace, name, until=holds, limit_s=limit_s)

    def is_over(self, name: str) -> bool:
        """Say whether nobody works on a workflow any longer."""
        found = self.read(name)
        status = found.get("status") or {}
        return bool((status.get("engine") or {}).get("over")) and not found["metadata"].get("finalizers")

    def wait(self, *names: str, limit_s: float = 240.0) -> None:
        """Wait until nobody works on some workflows and their executions any longer."""
        deadline = time.monotonic() + limit_s
        for name in names:
            while not (self.is_over(name) and all(_is_through(one) for one in self.executions(name).values())):
                if time.monotonic() > deadline:
                    raise AssertionError(f"{name} is not over after {limit_s:g} s: {json.dumps(self._shown(name))}")
                time.sleep(0.5)

    def executions(self, name: str) -> dict[str, Manifest]:
        """Give a workflow's executions by the end of their names."""
        uid = self.uid(name)
        found = self.api.list_all(KUBERNETES_EXECUTIONS, self.namespace)[0]
        mine = [one for one in found if one["metadata"]["name"].startswith(f"wf-{uid}-")]
        return {one["metadata"]["name"].removeprefix(f"wf-{uid}-"): one for one in mine}

    def end(self, name: str) -> Mapping[str, object]:
        """Give all that must be the same in every run of the story."""
        status = self.read(name)["status"]
        replicas = {
            one["metadata"]["name"].removeprefix(name): one["spec"]["replicas"]
            for one in self._listed("deployments")
            if one["metadata"]["name"].startswith(f"{name}-")
        }
        return {
            "workflow": tuple(status.get(key) for key in ("phase", "result", "reason", "message", "outcome")),
            "steps": {
                one["stepNumber"]: tuple(one.get(key) for key in ("phase", "reason", "result"))
                for one in status["stepStatuses"]
            },
            "executions": {
                end: tuple(one["status"].get(key) for key in ("phase", "result", "reason"))
                for end, one in self.executions(name).items()
            },
            "replicas": replicas,
        }

    def recorded(self, name: str, history: History) -> Mapping[str, object]:
        """Give all that must be the same in the history of every run of the story."""
        uid = self.uid(name)

        def mine(table: Any) -> Any:
            frame = table.to_pandas()
            return frame[frame["workflow_uid"].astype(str) == uid]

        evaluations = mine(history.evaluations)
        not_met = evaluations[evaluations["enforced"] & evaluations["verdict"].astype(str).isin(_NOT_MET)]
        return {
            "workflow": _rows(mine(history.workflows), ["result", "outcome", "rolled_back"]),
            "steps": sorted(
                (str(one.execution_uid).removeprefix(uid), one.result, one.rolled_back)
                for one in mine(history.executions).itertuples()
            ),
            "evaluations": sorted(tuple(map(str, one)) for one in _rows(evaluations, _EVALUATION)),
            "not met": [tuple(map(str, one)) for one in _rows(not_met, _EVALUATION)],
        }

    def _manifest(self, name: str, pods: list[Manifest]) -> Manifest:
        story = self._in_order if story_of(name) == IN_ORDER else self._taken_back
        return workflow(
            self.namespace,
            name,
            *story(name, pods),
            executionStrategy={"rollbackStrategy": "automatic"},
            incident={"id": name},
            effectiveness={"stabilizationWindow": "1s"},
        )

    def _in_order(self, name: str, pods: list[Manifest]) -> list[Manifest]:
        victim = next(pod["metadata"]["name"] for pod in pods if _is_of(pod, f"{name}-2"))
        named = {"name": victim, "namespace": self.namespace}
        return [
            self._scale(1, name),
            {"stepNumber": 2, "action": "restart_pod", "parameters": {"pod": named}},
            self._scale(3, name, dependsOn=[1, 2]),
        ]

    def _taken_back(self, name: str, _: list[Manifest]) -> list[Manifest]:
        no_effect = {"type": "mine", "description": "mine", "rego": NEVER, "timeout": "5s", "pollInterval": "1s"}
        return [
            self._scale(1, name),
            self._scale(2, name, dependsOn=[1]),
            self._scale(3, name, dependsOn=[1], postConditions=[no_effect]),
            self._scale(4, name, dependsOn=[2, 3]),
        ]

    def _scale(self, number: int, name: str, **step: Any) -> Manifest:
        return scale_step(number, self.namespace, f"{name}-{number}", to=2, **step)

    def _listed(self, kind: str) -> list[Manifest]:
        text = self.cluster.kubectl("get", kind, f"--namespace={self.namespace}", "--output=json")
        found: list[Manifest] = json.loads(text)["items"]
        return found

    def _shown(self, name: str) -> dict[str, Any]:
        status = self.read(name).get("status") or {}
        return {key: value for key, value in status.items() if key not in ("engine", "conditions")} | {
            end: [(one.get("status") or {}).get(key) for key in ("phase", "reason", "message")]
            for end, one in self.executions(name).items()
        }


def _is_of(one: Manifest, target: str) -> bool:
    return bool(one["metadata"]["name"] == target or (one["metadata"].get("labels") or {}).get("app") == target)


def _is_through(execution: Manifest) -> bool:
    engine = (execution.get("status") or {}).get("engine") or {}
    return bool(engine.get("over")) and not execution["metadata"].get("finalizers")


def _rows(frame: Any, columns: list[str]) -> list[tuple[Any, ...]]:
    return list(frame[columns].itertuples(index=False, name=None))
