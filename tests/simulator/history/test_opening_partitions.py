"""A data set in folders by day and action is opened by partition: what the names rule out is not even read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from helpers.rows import START, whole_run
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.stored import LONGEST_RUN, StoredHistory

from kubernaut.errors import HistoryError
from kubernaut.history.rows import EvaluationRow, PolicyRow, RowKind, WorkflowRow

DAYS = 30
MINUTES_A_DAY = 1440


@pytest.fixture(scope="module")
def history():
    """A run a day, of one action and the other in turn."""
    rows = [row for day in range(DAYS) for row in whole_run(day * MINUTES_A_DAY)]
    for place, row in enumerate(rows):
        changes = {"bucket": 0} if isinstance(row, EvaluationRow) else {}
        if not isinstance(row, WorkflowRow | PolicyRow) and int(row.execution_uid.split("-")[1]) // MINUTES_A_DAY % 2:
            changes["action"] = "restart_pod"
        rows[place] = replace(row, **changes)
    return History.from_rows(rows)


@pytest.mark.parametrize(
    ("wanted", "runs"),
    [
        ({"action": "restart_pod"}, DAYS // 2),
        ({"since": START + timedelta(days=20)}, 10),
        ({"until": START + timedelta(days=10)}, 10),
        ({"action": "scale_deployment", "since": START + timedelta(days=10), "until": START + timedelta(days=14)}, 2),
        ({"namespace": "nowhere"}, 0),
    ],
)
def test_the_same_runs_are_found_and_other_folders_are_left_alone(history, tmp_path, wanted, runs):
    history.to_parquet(tmp_path, partitioned=True)
    first, last = wanted.get("since"), wanted.get("until")
    for folder in tmp_path.glob("*/day=*/action=*"):
        day = datetime.fromisoformat(folder.parent.name.removeprefix("day=")).replace(tzinfo=UTC)
        far = (first and day < first - LONGEST_RUN) or (last and day > last + LONGEST_RUN)
        if far or ("action" in wanted and folder.name != f"action={wanted['action']}"):
            # Whoever opened it would say so.
            (folder / "part-0.parquet").write_bytes(b"damaged")

    stored = StoredHistory.open(tmp_path, strict=True).filter(**wanted)
    parts = [one.history() for one in stored.partitions(evaluations=7)]

    found = sorted(uid for one in parts for uid in one.executions["execution_uid"].to_pylist())
    kept = history.filter(**wanted)
    assert found == sorted(kept.executions["execution_uid"].to_pylist())
    assert len(found) == runs
    assert stored.report.problems == ()


def test_no_partition_of_that_action_is_an_empty_history(history, tmp_path):
    history.to_parquet(tmp_path, partitioned=True)

    with pytest.raises(HistoryError, match="empty"):
        StoredHistory.open(tmp_path / RowKind.EVALUATIONS.value).filter(action="nothing").partitions()
