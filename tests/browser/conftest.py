"""The browser, and the pages that it is shown.

Skipped where there is no chromium; with KUBERNAUT_REQUIRE_BROWSER set, a missing browser is a failure.
"""

import os

import pytest
from helpers.browser import Browser, browser_path
from helpers.driven_history import tunable_history
from kubernaut_simulator.results.report import report_page
from kubernaut_simulator.tuning.tune import tune

from kubernaut.policy.evaluating import InProcessEvaluator

HOSTILE = {
    "namespace": "<script>document.title='ran'</script>",
    "environment": "\"'><img src=https://example.invalid/x onerror=\"document.title='ran'\">",
    "target_name": "$x_{i}$ \x1b[31m\u202eatad\u202c עברית " + "n" * 300,
    "target_kind": "</table></style></title><script>document.title='ran'</script>",
    "message": "<svg onload=\"document.title='ran'\">",
}


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    path = browser_path()
    if path is None:
        if os.environ.get("KUBERNAUT_REQUIRE_BROWSER"):
            pytest.fail("KUBERNAUT_REQUIRE_BROWSER is set and there is no chromium: apt-get install chromium")
        pytest.skip("no chromium here: apt-get install chromium")
    return Browser(path, tmp_path_factory.mktemp("browser"))


def written(folder, **changes):
    tuning = tune(tunable_history(80, **changes), evaluator=InProcessEvaluator())
    path = folder / "report.html"
    path.write_text(report_page(tuning, evaluator=InProcessEvaluator(), rollouts=2), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    return written(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="session")
def hostile_report(tmp_path_factory):
    return written(tmp_path_factory.mktemp("hostile"), **HOSTILE)
