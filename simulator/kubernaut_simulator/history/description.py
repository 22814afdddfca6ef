"""What a history holds, as a result: window, rows by kind, conditions and their verdicts, outcomes, problems.

Only recorded verdicts are counted. What a condition is worth is for replay and estimation to say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from kubernaut.history.rows import Outcome, RowKind
from kubernaut.verdicts import Verdict
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.history.reading import ReadReport
from kubernaut_simulator.results.base import MISSING, Result

NO_OUTCOME = "none yet"
NO_SOURCE = "no source"
MAX_NOTES = 10
"""Problems named below the table; the rest are counted."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class HistoryDescription(Result):
    """What a history holds.

    Attributes
    ----------
    since, until : datetime or None
        Start of the first and of the last run; None without runs.
    rows : mapping of RowKind to int
    incidents, runs, targets : int
    outcomes : DataFrame
        Workflows by outcome and its source.
    report : ReadReport
    digest : str
    conditions : DataFrame
        One row per condition: incidents, evaluations, one column per verdict, policies seen, attempts'
        columns.
    """

    since: datetime | None
    until: datetime | None
    rows: Mapping[RowKind, int]
    incidents: int
    runs: int
    targets: int
    outcomes: pd.DataFrame
    report: ReadReport
    digest: str
    conditions: pd.DataFrame

    @property
    def title(self) -> str:
        """What this is."""
        return "History"

    @property
    def data(self) -> pd.DataFrame:
        """One row per condition, with its verdicts as recorded."""
        return self.conditions

    @property
    def summary(self) -> Mapping[str, str]:
        """The facts about the whole."""
        window = MISSING
        if self.since is not None and self.until is not None:
            window = f"{self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M} UTC (starts of runs)"
        outcomes = [f"{row.workflows} {row.outcome} ({row.source})" for row in self.outcomes.itertuples()]
        return {
            "window": window,
            "rows": ", ".join(f"{n} {kind.value}" for kind, n in self.rows.items()),
            "incidents": str(self.incidents),
            "runs": str(self.runs),
            "targets": str(self.targets),
            "outcomes": ", ".join(outcomes) or MISSING,
            "reading": (
                f"{self.report.rows_read} rows read, {self.report.replaced} replaced by newer ones, "
                f"{self.report.duplicates} duplicates, {self.report.set_aside} set aside"
            ),
            "digest": self.digest,
        }

    @property
    def notes(self) -> Sequence[str]:
        """What was wrong, first by kind, then the first few with their places."""
        counts = [f"{n} x {kind.value}" for kind, n in self.report.counts]
        if not counts:
            return ()
        named = [str(problem) for problem in self.report.problems[:MAX_NOTES]]
        left = sum(n for _, n in self.report.counts) - len(named)
        return (
            f"Problems: {', '.join(counts)}",
            *named,
            *([f"... and {left} more"] if left else []),
        )

    def as_json(self) -> dict[str, Any]:
        """Give the description as JSON, with outcomes and problems as data."""
        return super().as_json() | {
            "outcomes": self.outcomes.to_dict(orient="records"),
            "problems": [
                {"kind": p.kind.value, "file": p.file, "place": p.place, "message": p.message}
                for p in self.report.problems
            ],
        }

    def plot(self) -> Any:
        """Give stacked bars: verdicts of each condition."""
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s to import, wanted only for charts

        figure = go.Figure()
        for verdict in Verdict:
            figure.add_bar(
                y=self.conditions["condition"],
                x=self.conditions[verdict.value],
                name=verdict.value,
                orientation="h",
            )
        figure.update_layout(
            barmode="stack",
            title=f"Recorded verdicts, n = {self.rows[RowKind.EVALUATIONS]} evaluations",
            xaxis_title="evaluations",
            height=200 + 40 * len(self.conditions),
        )
        return figure


def describe(tables: Mapping[RowKind, ArrowTable], report: ReadReport, *, digest: str) -> HistoryDescription:
    """Count what a history holds."""
    evaluations, executions = tables[RowKind.EVALUATIONS], tables[RowKind.EXECUTIONS]
    runs = executions if executions.num_rows else evaluations
    bounds = pc.min_max(runs["started_at"]).as_py()
    return HistoryDescription(
        since=bounds["min"],
        until=bounds["max"],
        rows={kind: tables[kind].num_rows for kind in RowKind},
        incidents=_distinct([evaluations, executions, tables[RowKind.WORKFLOWS]], "incident_id"),
        runs=_distinct([evaluations, executions], "execution_uid"),
        targets=_distinct_targets(runs),
        outcomes=_outcomes(tables[RowKind.WORKFLOWS]),
        report=report,
        digest=digest,
        conditions=_conditions(evaluations),
    )


def _distinct(tables: Sequence[ArrowTable], column: str) -> int:
    texts: set[str] = set()
    for table in tables:
        texts.update(pc.unique(table[column].cast(pa.string())).to_pylist())
    return len(texts)


def _distinct_targets(table: ArrowTable) -> int:
    columns = ["cluster_uid", "namespace", "target_kind", "target_name"]
    return table.select(columns).group_by(columns).aggregate([]).num_rows if table.num_rows else 0


def _outcomes(workflows: ArrowTable) -> pd.DataFrame:
    counts = workflows.select(["outcome", "outcome_source"]).to_pandas().value_counts(dropna=False)
    order = [outcome.value for outcome in Outcome] + [NO_OUTCOME]
    rows = [
        (
            NO_OUTCOME if pd.isna(outcome) else str(outcome),
            NO_SOURCE if pd.isna(source) else str(source),
            int(n),
        )
        for (outcome, source), n in counts.items()
        if n
    ]
    rows.sort(key=lambda row: (order.index(row[0]), row[1]))
    return pd.DataFrame(rows, columns=["outcome", "source", "workflows"])


def _conditions(evaluations: ArrowTable) -> pd.DataFrame:
    keys = ["action", "level", "phase", "type", "candidate"]
    columns = ["condition", "candidate", "incidents", "evaluations", *(v.value for v in Verdict), "policies"]
    if not evaluations.num_rows:
        return pd.DataFrame(columns=columns)
    frame = evaluations.select([*keys, "incident_id", "verdict", "policy_digest"]).to_pandas()
    groups = frame.groupby(keys, observed=True, sort=True)
    data = groups.agg(
        incidents=("incident_id", "nunique"),
        evaluations=("verdict", "size"),
        policies=("policy_digest", "nunique"),
    )
    verdicts = frame.groupby([*keys, "verdict"], observed=True).size().unstack(fill_value=0)
    for verdict in Verdict:
        data[verdict.value] = verdicts.get(verdict.value, 0)
    data = data.reset_index()
    data.insert(0, "condition", data[keys[:4]].astype(str).agg("/".join, axis=1))
    data = data.sort_values(["condition", "candidate"], ignore_index=True)
    return pd.DataFrame(data[columns])
