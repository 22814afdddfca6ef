"""What `kubernaut check` says of one look: the verdicts, and before them what a person would see in the dump.

A policy's message says why it did not pass in its own terms ("0 of 1 pods ready"); why the pod is not ready stands in
the same facts, and is told once for all conditions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from kubernaut.facts.objects import Target
    from kubernaut.facts.snapshot import Snapshot
    from kubernaut.suite import CheckedCondition

PODS_SHOWN = 10
"""Pods with something wrong that are named one by one."""

DIGEST_CHARS = 12
_ROW = ("condition", "required", "verdict", "message")


def check_document(
    checked: Sequence[CheckedCondition], snapshot: Snapshot, *, action: str, target: Target, at: datetime
) -> dict[str, Any]:
    """Give the answer as a JSON-ready document."""
    return {
        "action": action,
        "target": str(target),
        "at": at.isoformat(),
        "seen": list(seen(snapshot.facts)),
        "conditions": [
            {
                "condition": f"{one.condition.id}{'@candidate' if one.condition.candidate else ''}",
                "required": one.condition.required,
                "verdict": one.attempt.value,
                "reason": one.judgement.reason.value,
                "message": one.judgement.message,
                "policy": one.policy.name,
                "digest": one.policy.digest[:DIGEST_CHARS],
            }
            for one in checked
        ],
    }


def check_text(document: Mapping[str, Any]) -> str:
    """Give the document as text for people."""
    from kubernaut.policy.wording import clean_message
    from kubernaut_simulator.cli.output import table_lines

    lines = [f"{document['action']} on {document['target']}, as of {document['at']}"]
    lines += [f"  {clean_message(line)}" for line in document["seen"]]
    rows = [{name: one[name] for name in _ROW} for one in document["conditions"]]
    return "\n".join([*lines, "", *table_lines(rows)])


def seen(facts: Mapping[str, Any]) -> Iterator[str]:
    """Say what a person would see at the target, one line each; what the dump does not hold is not mentioned."""
    if "pod_found" in facts:
        yield from _target_pod(facts)
    elif facts.get("deployment_found") is False:
        yield "there is no such Deployment"
        return
    pods = facts.get("pods")
    if pods is not None:
        yield f"{sum(bool(pod.get('ready')) for pod in pods)} of {len(pods)} pods ready"
        wrong = [line for line in map(_pod, pods) if line]
        yield from wrong[:PODS_SHOWN]
        if len(wrong) > PODS_SHOWN:
            yield f"and {len(wrong) - PODS_SHOWN} more pods like these"
    if facts.get("progress_deadline_exceeded"):
        yield "the rollout is stuck: progress deadline exceeded"
    elif facts.get("rollout_in_progress"):
        yield "a rollout is in progress"
    if (facts.get("conditions") or {}).get("ReplicaFailure"):
        yield "pods cannot be created (ReplicaFailure)"


def has_restarts(facts: Mapping[str, Any]) -> bool:
    """Say whether any pod has restarted or was OOM-killed, which conditions count from a zero point."""
    return any(pod.get("restarts_since_baseline") or pod.get("oom_killed") for pod in facts.get("pods") or ())


def _target_pod(facts: Mapping[str, Any]) -> Iterator[str]:
    """Say how a target that is a pod stands, or what came in its place."""
    pod = facts.get("target_pod")
    kind = facts.get("workload_kind")
    if pod is None:
        yield "the pod is gone" if "replacement_pods" in facts else "there is no such Pod"
    elif "workload_kind" in facts:
        yield f"a pod of {kind} {facts.get('workload_name')}" if kind else "a pod that nothing controls"
    if pod is not None and facts.get("pods") is None:
        yield _pod(pod) or f"{pod.get('name')}: {pod.get('status', 'status unknown')}"
    for new in facts.get("replacement_pods") or ():
        yield f"new since then: {new.get('name')}: {new.get('status', 'status unknown')}"


def _pod(pod: Mapping[str, Any]) -> str:
    """Give one line on a pod that is not well, or that was not; empty for the others."""
    from kubernaut_simulator.results.wording import how_many

    marks = []
    if pod.get("unschedulable"):
        marks.append("unschedulable")
    if pod.get("oom_killed") and pod.get("status") != "OOMKilled":
        marks.append("OOM-killed")
    if pod.get("restarts"):
        marks.append(how_many(pod["restarts"], "restart"))
    if pod.get("ready") and not marks:
        return ""
    status = str(pod.get("status", "status unknown"))
    if not pod.get("ready") and status == "Running":
        status = "Running, not ready"
    return ", ".join([f"{pod.get('name', 'pod')}: {status}", *marks])
