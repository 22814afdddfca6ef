"""The shipped recording rules and alerts, by Prometheus' own tool: they load, and each holds where it should."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from helpers.generated_docs import ROOT
from helpers.prometheus_server import require_prometheus

RULES = ROOT / "docs" / "operator" / "alerts.yaml"
CASES = Path(__file__).with_name("rules") / "alerts_test.yaml"


@pytest.fixture(scope="module")
def promtool():
    require_prometheus()
    return lambda *argv, cwd: subprocess.run(["promtool", *argv], cwd=cwd, capture_output=True, text=True, check=False)


def test_rules_load(promtool):
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", str(RULES), cwd=ROOT)

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.slow
def test_each_rule_holds_where_it_should(promtool, tmp_path):
    for path in (RULES, CASES):
        shutil.copy(path, tmp_path)

    tested = promtool("test", "rules", CASES.name, cwd=tmp_path)

    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_no_rule_is_without_a_test():
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    text = CASES.read_text(encoding="utf-8")

    for rule in rules:
        name = rule.get("alert") or rule["record"]
        assert name in text, name
