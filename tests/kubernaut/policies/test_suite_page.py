"""The documentation page of the suite is what the metadata says today."""

from pathlib import Path

from kubernaut.policy.suite_page import suite_page
from kubernaut.shipped import shipped_policies

PAGE = Path(__file__).parents[3] / "docs" / "policies" / "scale_deployment.md"


def test_the_page_is_up_to_date():
    assert suite_page("scale_deployment") == PAGE.read_text(encoding="utf-8"), "run `make docs`"


def test_every_condition_has_its_section():
    page = suite_page("scale_deployment")

    assert [f"\n## {one.type}\n" in page for one in shipped_policies()] == [True] * 10
    assert "| `tolerated_restarts` | 1 | 0 | 20 |" in page
    assert "- At the action, post: required true, rolloutPercent 0, timeout 2m, holdFor 20s" in page
    assert "`protected_namespaces`" in page
