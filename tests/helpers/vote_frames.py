"""Small histories as DataFrames of rows: one call a run, with only what matters to the test."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

START = datetime(2025, 3, 1, tzinfo=UTC)


@dataclass
class Rows:
    """Evaluations, executions and workflows that grow run by run."""

    evaluations: list[dict[str, Any]] = field(default_factory=list)
    executions: list[dict[str, Any]] = field(default_factory=list)
    workflows: list[dict[str, Any]] = field(default_factory=list)

    def run(
        self,
        incident: str,
        verdicts: dict[str, str],
        *,
        hour: float = 0.0,
        outcome: str | None = "effective",
        source: str | None = "alert",
        outcome_after_h: float | None = 1.0,
        workflow: str | None = None,
        target: str = "web",
        execution: dict[str, Any] | None = None,
        evaluation: dict[str, Any] | None = None,
    ) -> str:
        """Add one run of one workflow; times in hours since `START`. Returns the execution's uid."""
        uid = f"run-{len(self.executions)}"
        flow = f"flow-{uid}" if workflow is None else workflow
        started = START + timedelta(hours=hour)
        common = {
            "incident_id": incident,
            "workflow_uid": flow,
            "execution_uid": uid,
            "action": "scale_deployment",
            "namespace": "shop",
            "target_kind": "Deployment",
            "target_name": target,
            "cluster_uid": "c",
            "purpose": "forward",
        }
        for type_, verdict in verdicts.items():
            self.evaluations.append(
                common
                | {
                    "record_id": f"{uid}/{type_}",
                    "level": "step",
                    "phase": "pre",
                    "type": type_,
                    "candidate": False,
                    "verdict": verdict,
                    "reason": "",
                    "required": False,
                    "validation_enabled": True,
                    "bucket": 5000,
                    "percent": 0.0,
                    "p_ran": 1.0,
                    "overridden": False,
                    "started_at": started + timedelta(seconds=1),
                    "timeout_s": 120.0,
                    "hold_for_s": 0.0,
                    "time_to_pass_s": None,
                    "time_to_pass_lower_s": None,
                    "observed_until": None,
                    "policy_digest": "p1",
                    "settings_digest": "s1",
                }
                | (evaluation or {})
            )
        self.executions.append(
            common
            | {
                "started_at": started,
                "result": "succeeded",
                "stopped_by": [],
                "blocked_s": 0.0,
                "rolled_back": False,
                "cut_short": False,
                "dry_run": False,
            }
            | (execution or {})
        )
        if not any(w["workflow_uid"] == flow for w in self.workflows):
            late = None if outcome_after_h is None else started + timedelta(hours=outcome_after_h)
            self.workflows.append(
                {
                    "workflow_uid": flow,
                    "outcome": outcome,
                    "outcome_source": source,
                    "outcome_at": late if outcome else None,
                    "rolled_back": False,
                }
            )
        return uid

    def frames(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Lay the rows out as the three tables that votes are made of."""
        return pd.DataFrame(self.evaluations), pd.DataFrame(self.executions), pd.DataFrame(self.workflows)


def hours(n: float) -> pd.Timestamp:
    """An instant, in hours since `START`."""
    return pd.Timestamp(START) + pd.Timedelta(hours=n)
