"""`kubernaut export --previous` and `kubernaut tuning diff` as a person calls them."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from helpers.command_line import kubernaut

EXPORT = Path(__file__).parents[1] / "simulator" / "tuning" / "golden" / "kubernaut-conditions.yaml"
PREVIOUS = EXPORT.with_name("kubernaut-conditions-previous.yaml")


def test_an_export_is_taken_back(tmp_path):
    shown = kubernaut("export", "--previous", EXPORT)
    written = kubernaut("export", "--previous", EXPORT, "--to", tmp_path / "previous.yaml")

    assert (shown.code, shown.err, shown.out) == (0, "", PREVIOUS.read_text())
    assert (tmp_path / "previous.yaml").read_text() == shown.out
    assert "kubectl apply --server-side --dry-run=server -f" in written.err


def test_the_next_export_leads_back_to_the_file_it_was_tuned_from(history, tmp_path):
    first, second, back = (tmp_path / name for name in ("first.yaml", "second.yaml", "back.yaml"))
    kubernaut("export", history, "--to", first)
    kubernaut("export", history, "-f", first, "--target", "0.3", "--to", second)
    kubernaut("export", "--previous", second, "--to", back)

    ran = kubernaut("tuning", "diff", first, back)

    assert ran.code == 0, ran.err
    assert "nothing differs" in ran.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name the HISTORY to tune on, or with --previous an export to take back"),
        (("history", "--previous", EXPORT), "leave out HISTORY and -f"),
        (("--previous", EXPORT, "-f", EXPORT), "leave out HISTORY and -f"),
        (("--previous", PREVIOUS), "only one step is kept; take the file before it from version control"),
        (("--previous", "not-there.yaml"), "not-there.yaml: No such file or directory"),
    ],
)
def test_what_export_cannot_do_is_said(arguments, message):
    ran = kubernaut("export", *arguments)

    assert (ran.code, ran.out) == (1, "")
    assert message in ran.err


def test_a_difference_in_every_format():
    table, wide, page = (
        kubernaut("tuning", "diff", PREVIOUS, EXPORT, "-o", form) for form in ("table", "wide", "html")
    )
    document = json.loads(kubernaut("tuning", "diff", PREVIOUS, EXPORT, "-o", "json").out)
    rows = list(csv.DictReader(StringIO(kubernaut("tuning", "diff", PREVIOUS, EXPORT, "-o", "csv").out)))

    assert (table.code, table.err) == (0, "")
    assert table.out == wide.out
    assert "becomes required: stops runs of 5 % of incidents; until now it only warned" in table.out
    assert "becomes required" in page.out
    assert document["summary"] == "2 of 3 conditions are set otherwise; of 1 only the numbers changed"
    assert document["after"]["configMaps"][0]["gateIncidents"] == 80
    assert rows == document["changes"]
    assert kubernaut("tuning", "diff", PREVIOUS, EXPORT, "-o", "yaml").code == 0


def test_a_difference_with_a_file_that_holds_no_conditions(tmp_path):
    (tmp_path / "other.yaml").write_text("kind: ConfigMap\nmetadata: {name: other}\n")

    ran = kubernaut("tuning", "diff", EXPORT, tmp_path / "other.yaml")

    assert ran.code == 1
    assert "no ConfigMap named kubernaut-workflow-conditions or kubernaut-action-conditions" in ran.err
