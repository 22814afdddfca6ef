"""The documentation page of the suite is what the metadata says today."""

from pathlib import Path

import pytest

from kubernaut.actions.catalogue import ACTIONS
from kubernaut.policy.suite_page import suite_page
from kubernaut.shipped import shipped_policies

PAGES = Path(__file__).parents[3] / "docs" / "policies"


@pytest.mark.parametrize("action", ACTIONS)
def test_the_page_is_up_to_date(action):
    assert suite_page(action) == (PAGES / f"{action}.md").read_text(encoding="utf-8"), "run `make docs`"


@pytest.mark.parametrize("action", ACTIONS)
def test_every_condition_has_its_section(action):
    page = suite_page(action)
    types = [one.type for one in shipped_policies() if one.action == action]

    assert [one for one in types if f"\n## {one}\n" not in page] == []
    assert page.count("\n## ") == len(types) + 1
    assert "`protected_namespaces`" in page


def test_what_a_section_tells():
    page = suite_page("scale_deployment")

    assert "| `tolerated_restarts` | 1 | 0 | 20 |" in page
    assert "- At the action, post: required true, rolloutPercent 0, timeout 2m, holdFor 20s" in page
    assert "`disruption_budget_respected`" in suite_page("restart_pod")
    assert "`bounded_change`" not in suite_page("restart_pod")
