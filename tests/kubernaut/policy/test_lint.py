"""What lint says, and when it is silent."""

import pytest
from helpers.policy_inputs import HEADER as H

from kubernaut.policy.lint import Severity, lint

GOOD = """# METADATA
# title: Few pods
# description: There are not too many pods.
# custom:
#   parameters:
#     limit:
#       default: 3
#       description: Most pods allowed, pods
package condition.few

import rego.v1

default allow := false

allow if input.total_pods <= input.settings.limit

error_message := sprintf("%d pods", [input.total_pods])
"""


def rules(source):
    return [finding.rule for finding in lint(source, name="p.rego")]


def test_nothing_to_say():
    assert lint(GOOD, name="p.rego") == []


def test_load_errors_are_all_listed():
    findings = lint(H + "allow if {\n\tfoo(input.a)\n\tbar(input.b)\n}\n", name="p.rego")
    errors = [finding for finding in findings if finding.severity == Severity.ERROR]

    assert [str(one) for one in errors] == [
        "p.rego:6:2: error: unknown function or builtin `foo`; did you mean `floor`? [load]",
        "p.rego:7:2: error: unknown function or builtin `bar` [load]",
    ]


def test_what_cannot_be_outlined_has_errors_only():
    assert rules("") == ["load"]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("# METADATA", "#", "no-metadata"),
        ("# title: Few pods\n", "", "no-title"),
        ("# description: There are not too many pods.\n", "", "no-description"),
        ("#       description: Most pods allowed, pods\n", "", "no-description"),
        ("default allow := false\n", "", "no-default"),
        ("import rego.v1", "import future.keywords.if", "future-import"),
        ('error_message := sprintf("%d pods", [input.total_pods])', "", "no-error-message"),
        ("<= input.settings.limit", "<= 3", "unused-parameter"),
        ("input.total_pods <= input.settings.limit", "input[_] <= 3", "reads-everything"),
        ("default allow", "# " + "x" * 130 + "\ndefault allow", "long-line"),
    ],
)
def test_warnings(old, new, rule):
    changed = GOOD.replace(old, new)
    if rule == "no-metadata":
        changed = changed.replace("input.settings.limit", "3")

    assert changed != GOOD
    assert rules(changed) == [rule]
