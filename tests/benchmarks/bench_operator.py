"""`make bench-operator`: what the operator costs where it runs, and how fast it judges; writes docs/operator/footprint.md.

``python tests/benchmarks/bench_operator.py [--quick]``. The operator is a process beside a real API server, with the
rights and the account of the installed one; kwok plays a node, so Jobs and pods are real objects of the real controllers
and cost the machine little. Each figure is of one run on one machine; what the machine did besides is told.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import machine
import psutil
import yaml
from cluster.boot import Cluster, boot, start_kwok, stop
from cluster.layout import Tier
from helpers.executions import scaling
from helpers.installation import Installation, install
from helpers.operator_process import OperatorProcess

from kubernaut.identity import Level
from kubernaut.shipped import shipped_settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operator" / "footprint.md"
CLUSTER = "bench-operator"
NAMESPACE = "bench"
NODE = "played"
TARGETS = 25
"""Deployments; two executions on one target wait for each other."""

GOAL_MIB = 110
SEED = "seed: < 50 MB, < 0.1 core"
LOOK_GOALS_S = {"pre": 1.0, "post": 5.0}
_IMPORTS = (
    ("Python itself", "pass"),
    (
        "the client, without what is never used",
        "from kubernaut_operator.lean import start_lean; start_lean(); import kubernaut_operator.kernel.api",
    ),
    (
        "the engine and the operator",
        "from kubernaut_operator.lean import start_lean; start_lean(); import kubernaut_operator.app",
    ),
)
_SETTLE_S = 65.0
"""Above the minute after which workers end that had nothing to do."""

LIMIT_S = 300.0
"""Executions that are not done by then are not waited for; the page says how many were."""

_NO_CONDITIONS: dict[str, object] = {"version": 1, "actions": {}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Memory of the operator's process and of its policy workers, MiB; what several share is counted once.

    Attributes
    ----------
    processes : int
        Workers that there are.
    """

    operator: float
    workers: float
    processes: int

    @property
    def all(self) -> float:
        return self.operator + self.workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one operator came to.

    Attributes
    ----------
    cpu_cores : float
        While idle. The second operator still clears away what the first one's executions left, so its own is not told.
    requests_per_min : float
        The same.
    cpu_per_execution_s : float, unit s
    executions, succeeded : int
        That ended in time, and of them those that ended well.
    looks : mapping of str to list of (float, float)
        By phase: upper bound in s and share of looks at or below it.
    """

    start_s: float
    at_start: Memory
    after: Memory
    executions: int
    took_s: float
    cpu_cores: float
    requests_per_min: float
    cpu_per_execution_s: float
    succeeded: int
    looks: Mapping[str, list[tuple[float, float]]]


def measure(cluster: Cluster, installation: Installation, *, executions: int, idle_s: float, prefix: str) -> Measured:
    """Run one operator: let it idle, give it executions, let it come to rest."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        operator = OperatorProcess(
            installation.operator_kubeconfig(Path(folder)),
            f"--action-image={installation.action_image}",
            f"--history-folder={folder}/history",
            "--log-level=info",
            "--workers=8",
            elect=True,
        )
        with _started(operator) as process:
            start_s = time.monotonic() - began
            time.sleep(_SETTLE_S)
            at_start = _memory(process)
            cpu, requests, at = _cpu_s(process), _requests(cluster), time.monotonic()
            time.sleep(idle_s)
            elapsed_s = time.monotonic() - at
            cores = (_cpu_s(process) - cpu) / elapsed_s
            per_min = (_requests(cluster) - requests) / elapsed_s * 60
            cpu, at = _cpu_s(process), time.monotonic()
            done, succeeded = _run(cluster, executions, prefix)
            took_s = time.monotonic() - at
            used_s = _cpu_s(process) - cpu
            time.sleep(_SETTLE_S)
            after, looks = _memory(process), _looks(operator.metrics())
    return Measured(
        start_s=start_s,
        at_start=at_start,
        after=after,
        executions=done,
        took_s=took_s,
        cpu_cores=cores,
        requests_per_min=per_min,
        cpu_per_execution_s=used_s / max(done, 1),
        succeeded=succeeded,
        looks=looks,
    )


def imports_mib() -> list[tuple[str, float]]:
    """Give what a process holds after loading each of its layers, MiB; each in a process of its own."""
    return [(what, statistics.median(_imported_mib(code) for _ in range(3))) for what, code in _IMPORTS]


def _imported_mib(code: str) -> float:
    script = f"{code}\nimport re\nprint(re.search(r'Pss:\\s+(\\d+)', open('/proc/self/smaps_rollup').read())[1])"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return int(done.stdout) / 1024


@contextmanager
def _started(operator: OperatorProcess) -> Iterator[psutil.Process]:
    operator.start()
    try:
        yield psutil.Process(operator.pid)
    finally:
        operator.stop()


def _memory(process: psutil.Process) -> Memory:
    children = process.children(recursive=True)
    workers = sum(child.memory_full_info().pss for child in children)
    operator = process.memory_full_info().pss
    return Memory(operator=operator / 2**20, workers=workers / 2**20, processes=len(children))


def _cpu_s(process: psutil.Process) -> float:
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    ended = process.cpu_times()
    return sum(one.user + one.system for one in times) + ended.children_user + ended.children_system


def _requests(cluster: Cluster) -> float:
    """Count what the API server took from ServiceAccounts outside kube-system: here the operator's alone."""
    lines = cluster.kubectl("get", "--raw", "/metrics").splitlines()
    wanted = re.compile(r'apiserver_flowcontrol_dispatched_requests_total\{flow_schema="service-accounts".*\} (.+)')
    return sum(float(match[1]) for line in lines if (match := wanted.fullmatch(line)))


def _run(cluster: Cluster, executions: int, prefix: str) -> tuple[int, int]:
    """Have executions carried out, one at a time on each target; gives how many ended in time, and how many well."""
    left = list(range(executions))
    pending: dict[str, int] = {}
    done = succeeded = 0
    deadline = time.monotonic() + LIMIT_S
    while (left or pending) and time.monotonic() < deadline:
        busy = set(pending.values())
        new = []
        while left and len(pending) < TARGETS:
            number = left[0]
            if number % TARGETS in busy:
                break
            left.pop(0)
            name, target = f"{prefix}-{number}", number % TARGETS
            busy.add(target)
            pending[name] = target
            new.append(scaling(NAMESPACE, name, to=3 - number // TARGETS % 2, target=f"web-{target}"))
        if new:
            cluster.kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": new}))
        time.sleep(1.0)
        found = cluster.kubectl(
            *("get", "kubernetesexecutions", f"--namespace={NAMESPACE}"),
            "--output=jsonpath={range .items[*]}{.metadata.name} {.status.result}{'\\n'}{end}",
        )
        for line in found.splitlines():
            name, _, result = line.partition(" ")
            if result and pending.pop(name, None) is not None:
                done += 1
                succeeded += result == "succeeded"
    return done, succeeded


def _looks(series: Mapping[str, float]) -> dict[str, list[tuple[float, float]]]:
    buckets: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    form = re.compile(r"execution_look_duration_seconds_bucket\{(.*)\}")
    for name, count in series.items():
        if match := form.fullmatch(name):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', match[1]))
            buckets[labels["phase"]][float(labels["le"])] += count
    return {
        phase: [(bound, count / by_bound[float("inf")]) for bound, count in sorted(by_bound.items())]
        for phase, by_bound in buckets.items()
        if by_bound[float("inf")]
    }


def prepare() -> tuple[Cluster, Installation]:
    """Boot a control plane with a played node and Deployments to act on."""
    cluster = boot(CLUSTER, Tier.API)
    start_kwok(cluster)
    capacity = {"cpu": "64", "memory": "256Gi", "pods": "500"}
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE, "annotations": {"kwok.x-k8s.io/node": "fake"}},
        "status": {"allocatable": capacity, "capacity": capacity},
    }
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(node))
    installation = install(cluster)
    cluster.kubectl("create", "namespace", NAMESPACE)
    installation.opt_in(NAMESPACE)
    items = [_deployment(f"web-{number}") for number in range(TARGETS)]
    cluster.kubectl(
        "create", "-n", NAMESPACE, "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    )
    cluster.kubectl("wait", "-n", NAMESPACE, "--all", "deployments", "--for=condition=Available", "--timeout=120s")
    return cluster, installation


def _deployment(name: str) -> dict[str, object]:
    resources = {"requests": {"cpu": "10m", "memory": "16Mi"}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "app", "image": "app:1", "resources": resources}]},
            },
        },
    }


def _short_observation() -> dict[str, object]:
    """Give the shipped suites, watched for a quarter of a minute: a run is over when nobody waits for it any more."""
    settings = yaml.safe_load(shipped_settings(Level.ACTION))
    for suite in settings["actions"].values():
        for condition in suite["post"].values():
            condition.update({"timeout": "15s"}, **({"holdFor": "5s"} if "holdFor" in condition else {}))
    found: dict[str, object] = settings
    return found


def _set_conditions(cluster: Cluster, settings: Mapping[str, object]) -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "kubernaut-action-conditions", "namespace": "kubernaut-system"},
        "data": {"settings.yaml": json.dumps(settings)},
    }
    cluster.kubectl("replace", "-f", "-", stdin=json.dumps(manifest))


def page(layers: Sequence[tuple[str, float]], judged: Measured, bare: Measured, *, busy: float) -> str:
    """Write the page."""
    steps = [
        f"| {what} | {mib:.0f} | +{mib - before:.0f} |"
        for (what, mib), before in zip(layers, [0.0, *(mib for _, mib in layers)], strict=False)
    ]
    steps.append(
        f"| running, all watches listed, policies compiled | {judged.at_start.operator:.0f} | +{judged.at_start.operator - layers[-1][1]:.0f} |"
    )
    return "\n".join(
        [
            "# What the operator costs",
            "",
            "Measured by `make bench-operator`; not to be edited. One operator as a process beside a real API server, with the "
            "account and rights of the installed one; kwok plays the node. The shipped suites in warn mode, each postcondition watched "
            "for 15 s instead of minutes.",
            "",
            f"Load of the machine when it began: {busy:.1f}. "
            + " · ".join(f"{what}: {value}" for what, value in machine.described()[:5]),
            "",
            "## Memory",
            "",
            f"MiB; pages that processes share are counted once (PSS). Goal: {GOAL_MIB} in all ({SEED}).",
            "",
            "| | operator | policy workers | of them processes | together |",
            "|---|---|---|---|---|",
            _memory_row("at rest after the start", judged.at_start),
            _memory_row(f"at rest after {judged.executions} executions", judged.after),
            _memory_row("no conditions: at rest after the start", bare.at_start),
            _memory_row(f"no conditions: after {bare.executions} executions", bare.after),
            "",
            f"With conditions there are {judged.after.all - bare.after.all:.0f} MiB more after the executions than without: compiled "
            "policies, a worker that has them, facts that were read, rows on their way to the volume. From the start to the "
            f"last of {judged.executions} executions the operator's own process grew by "
            f"{judged.after.operator - judged.at_start.operator:.0f} MiB.",
            "",
            "What the operator's own process is made of:",
            "",
            "| loaded | MiB | of it new |",
            "|---|---|---|",
            *steps,
            "",
            "## Processor and requests",
            "",
            "| | shipped conditions | no conditions |",
            "|---|---|---|",
            f"| start until ready, s | {judged.start_s:.1f} | {bare.start_s:.1f} |",
            f"| idle, cores | {judged.cpu_cores:.3f} | |",
            f"| idle, requests to the API server a minute | {judged.requests_per_min:.0f} | |",
            f"| processor time of one execution, s | {judged.cpu_per_execution_s:.2f} | {bare.cpu_per_execution_s:.2f} |",
            f"| {judged.executions} executions on {TARGETS} targets, s | {judged.took_s:.0f} | {_scaled(bare, judged):.0f} |",
            f"| of them succeeded | {judged.succeeded} | {bare.succeeded} of {bare.executions} |",
            "",
            "## How long a look takes",
            "",
            "Share of looks (reading facts and judging a whole suite) that took at most so long; `execution_look_duration_seconds` has "
            "the same figures live.",
            "",
            *_look_table(judged.looks),
            "",
        ]
    )


def _scaled(bare: Measured, judged: Measured) -> float:
    return bare.took_s / bare.executions * judged.executions


def _memory_row(what: str, memory: Memory) -> str:
    return f"| {what} | {memory.operator:.0f} | {memory.workers:.0f} | {memory.processes} | {memory.all:.0f} |"


def _look_table(looks: Mapping[str, list[tuple[float, float]]]) -> list[str]:
    phases = sorted(looks, reverse=True)
    bounds = sorted({bound for by_bound in looks.values() for bound, _ in by_bound if bound != float("inf")})
    lines = [
        "| at most, s | " + " | ".join(f"{phase}conditions" for phase in phases) + " |",
        "|---" * (len(phases) + 1) + "|",
    ]
    for bound in bounds:
        shares = [dict(looks[phase]).get(bound) for phase in phases]
        lines.append(f"| {bound:g} | " + " | ".join("" if share is None else f"{share:.1%}" for share in shares) + " |")
    for phase in phases:
        goal = LOOK_GOALS_S[phase]
        share = dict(looks[phase]).get(goal)
        if share is not None:
            lines += [
                "",
                f"Goal for {phase}conditions, below {goal:g} s: {'kept' if share == 1 else f'{1 - share:.2%} above'}.",
            ]
    return lines


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few executions; writes nothing")
    asked = parser.parse_args()
    busy = machine.load()
    cluster, installation = prepare()
    try:
        executions, idle_s = (10, 10.0) if asked.quick else (500, 60.0)
        _set_conditions(cluster, _short_observation())
        judged = measure(cluster, installation, executions=executions, idle_s=idle_s, prefix="judged")
        cluster.kubectl("delete", "kubernetesexecutions", "--all", f"--namespace={NAMESPACE}", "--wait=false")
        _set_conditions(cluster, _NO_CONDITIONS)
        bare = measure(cluster, installation, executions=max(executions // 10, 5), idle_s=idle_s, prefix="bare")
    finally:
        stop(CLUSTER)
    text = page(imports_mib(), judged, bare, busy=busy)
    print(text)
    if not asked.quick:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
