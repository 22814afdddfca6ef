"""The page on custom facts says what the code does."""

import re

import pytest
from helpers.generated_docs import ROOT

from kubernaut.conditions.custom_facts import DEFAULT_KINDS, MAX_EXPRESSION_BYTES, load_custom_facts
from kubernaut.facts.promql import asks_for_now, looks_back_s
from kubernaut.facts.snapshot import UnobservedReason


@pytest.fixture(scope="module")
def page():
    return (ROOT / "docs" / "operator" / "custom-facts.md").read_text()


def test_its_example_is_taken(page):
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)

    facts = load_custom_facts(example).facts

    assert set(facts) == {"disruptions_allowed", "migration_done", "error_ratio"}
    assert looks_back_s(facts["error_ratio"].promql) == 60
    assert not asks_for_now(facts["error_ratio"].promql)


def test_it_names_every_kind_and_every_reason(page):
    named = page.split("These kinds may be read:")[1].split(". Others")[0]

    assert set(re.findall(r"\w+", named)) - {"and"} == set(DEFAULT_KINDS)
    assert set(re.findall(r"^\| `(\w+)` \|", page.split("## Why")[1], re.MULTILINE)) == set(UnobservedReason)
    assert f"{MAX_EXPRESSION_BYTES // 1024} KiB as JSON" in page
