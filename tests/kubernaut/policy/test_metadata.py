"""METADATA annotations in OPA's form."""

import pytest

from kubernaut.errors import PolicyError
from kubernaut.policy.metadata import PolicyParameter, read_metadata

SOURCE = """# A comment.

# METADATA
# title: Few pods
# description: |
#   Two
#   lines.
# custom:
#   wrong_when: always
#   parameters:
#     limit: {default: 3, minimum: 0, maximum: 10, description: pods}
#     ratio:
#       default: 0.5
package x

# METADATA
# title: of a rule
allow := true

# METADATA
# scope: document
# title: of a document
fatal := false
"""


def test_the_packages_annotation():
    metadata = read_metadata(SOURCE, file="p.rego")

    assert metadata.title == "Few pods"
    assert metadata.description == "Two\nlines."
    assert metadata.custom["wrong_when"] == "always"
    assert metadata.line == 3
    assert metadata.parameters == (
        PolicyParameter(name="limit", default=3, minimum=0, maximum=10, description="pods"),
        PolicyParameter(name="ratio", default=0.5),
    )


def test_bounds():
    limit, ratio = read_metadata(SOURCE, file="p.rego").parameters

    assert [limit.allows(value) for value in (-1, 0, 10, 11)] == [False, True, True, False]
    assert ratio.allows(-1e9)


def test_a_scope_says_more_than_the_place():
    source = "package x\n\n# METADATA\n# scope: package\n# title: late\n\nallow := true\n"

    assert read_metadata(source, file="p.rego").title == "late"


def test_none():
    assert read_metadata("package x\n", file="p.rego").line is None


def test_custom_is_read_by_nobody_when_empty():
    assert read_metadata("# METADATA\n# title: x\n# custom:\npackage x\n", file="p.rego").parameters == ()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["title: [x"], "p.rego:2: metadata: expected"),
        (["just text"], "p.rego:1: metadata: write `name: value` lines"),
        (["titel: x"], "unknown field `titel`; own fields belong under `custom`"),
        (["scope: everywhere"], "scope 'everywhere' is not one of"),
        (["custom: 7"], "`custom` must be a mapping"),
        (["custom: {parameters: [limit]}"], "`custom.parameters` must map names"),
        (["custom: {parameters: {limit: 3}}"], "parameter `limit`: write a mapping with `default`"),
        (["custom: {parameters: {limit: {minimum: 3}}}"], "parameter `limit`: write a mapping with `default`"),
        (["custom: {parameters: {limit: {default: 3, max: 4}}}"], "parameter `limit`: unknown field `max`"),
        (["custom: {parameters: {limit: {default: true}}}"], "`default` must be a finite number, not True"),
        (["custom: {parameters: {limit: {default: '3'}}}"], "`default` must be a finite number, not '3'"),
        (["custom: {parameters: {limit: {default: .nan}}}"], "`default` must be a finite number, not nan"),
        (["custom: {parameters: {limit: {default: 1, maximum: .inf}}}"], "`maximum` must be a finite number"),
        (["custom: {parameters: {limit: {default: 1, minimum: 3, maximum: 2}}}"], "minimum is above maximum"),
        (["custom: {parameters: {limit: {default: 9, maximum: 2}}}"], "the default 9 is out of its own bounds"),
        (["custom: " + "[" * 2000], "too long or nested too deeply"),
        (["description: " + "x" * 20_000], "too long or nested too deeply"),
        (["title: &t x", "description: *t"], "p.rego:3: metadata: aliases are not supported"),
    ],
)
def test_refused(lines, message):
    source = "\n".join(["# METADATA", *(f"# {line}" for line in lines), "package x"])

    with pytest.raises(PolicyError) as caught:
        read_metadata(source, file="p.rego")
    assert message in str(caught.value)


def test_two_of_the_package():
    source = "# METADATA\n# title: a\n# scope: package\n\n# METADATA\n# title: b\npackage x\n"

    with pytest.raises(PolicyError, match=r"p.rego:5: metadata: a second annotation of the package"):
        read_metadata(source, file="p.rego")
