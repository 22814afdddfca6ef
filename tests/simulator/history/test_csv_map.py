from pathlib import Path

import pytest
from kubernaut_simulator.history.csv_map import parse_map, read_map

from kubernaut.errors import HistoryError

MAPS = sorted((Path(__file__).parents[3] / "datasets" / "maps").glob("*.yaml"))

MINIMAL = """\
version: 1
about: a test
action: restart
cluster: c
incident: {column: id}
times:
  started: {column: at}
result: succeeded
workflow_result: completed
conditions:
  - condition: restart/step/pre/ready
    verdict: {column: verdict}
"""


@pytest.mark.parametrize("path", MAPS, ids=lambda path: path.stem)
def test_every_shipped_map_can_be_read(path):
    assert read_map(path).about


def test_the_columns_that_a_map_reads():
    assert parse_map(MINIMAL, source="m.yaml").columns() == {"id", "at", "verdict"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version: 1", "version: 2", "m.yaml:1: version: Input should be 1"),
        ("version: 1", "version: 1\nversion: 1", "version"),
        ("action: restart", "action: restart\nactoin: x", "m.yaml:4: actoin: Extra inputs are not permitted"),
        ("{column: id}", "{colunm: id}", "m.yaml:5: incident.colunm: Extra inputs are not permitted"),
        (
            "{column: id}",
            "{values: {}}",
            "m.yaml:5: incident: name a `column`, or several `columns`, or write the constant text itself",
        ),
        ("{column: id}", "{column: id, values: {True: x}}", "incident.values.1: .*; write the word in quotes"),
        ("{column: at}", "{column: at, clock: seconds}", "times.started: `origin` is needed with `clock: seconds`"),
        ("{column: at}", "{column: at, zone: Berlin}", "times.started.zone: String should match"),
        ("restart/step/pre/ready", "restart/pre/ready", "conditions.0.condition: .*is not a condition"),
        ("restart/step/pre/ready", "scale/step/pre/ready", "is of another action than the map's 'restart'"),
        ("restart/step/pre/ready", "restart/step/post/ready", "conditions.0: a postcondition needs `time_to_pass`"),
        ("verdict: {column: verdict}", "timeout_s: 5", "a precondition needs a `policy` with `facts`, or a `verdict`"),
        ("verdict: {column: verdict}", "policy: x", "a `policy` needs `facts` to judge"),
        (
            "verdict: {column: verdict}",
            "verdict: {column: verdict}\n    timeout_s: 0",
            "conditions.0.timeout_s: .*greater than 0",
        ),
        (
            "verdict: {column: verdict}",
            "verdict: a\n  - {condition: restart/step/pre/ready, verdict: b}",
            "condition restart/step/pre/ready stands twice",
        ),
        ("conditions:", "conditions: []\nlabels:", "conditions: .*at least 1 item"),
        (
            "step/pre/ready\n    verdict: {column: verdict}",
            "step/post/ready\n    time_to_pass: {}",
            "name a column of `seconds`",
        ),
    ],
)
def test_a_map_that_cannot_be_used_says_where(old, new, message):
    assert old in MINIMAL
    with pytest.raises(HistoryError, match=message):
        parse_map(MINIMAL.replace(old, new), source="m.yaml")


def test_a_map_that_is_not_there(tmp_path):
    with pytest.raises(HistoryError, match="the map cannot be read"):
        read_map(tmp_path / "none.yaml")


@pytest.mark.parametrize("text", ["", "[]", "a: [", "- x"])
def test_what_is_no_map(text):
    with pytest.raises(HistoryError, match=r"m\.yaml"):
        parse_map(text, source="m.yaml")
