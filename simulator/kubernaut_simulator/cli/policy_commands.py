"""`kubernaut policy`: lint policies, run their tests, show what one reads and says of itself."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubernaut_simulator.cli.options import OutputFormat, OutputOption

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kubernaut.errors import Place
    from kubernaut.policy.lint import Finding
    from kubernaut.policy.testing import PolicyTestResult
    from kubernaut_simulator.cli.policy_sources import GivenPolicy

app = typer.Typer(help="Lint, test and show policies.", no_args_is_help=True)

FilesArgument = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILE", help="Policies, folders, or YAML with ConfigMaps; none: all that ship."),
]


class LintFormat(StrEnum):
    """How findings are printed."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    CSV = "csv"
    HTML = "html"
    GITHUB = "github"


class FailLevel(StrEnum):
    """From which findings on the command leaves with 1."""

    ERROR = "error"
    WARNING = "warning"


@app.command("lint")
def lint(
    files: FilesArgument = None,
    fail_level: Annotated[
        FailLevel,
        typer.Option("--fail-level", metavar="error|warning", help="Leave with 1 on errors, or on warnings too."),
    ] = FailLevel.ERROR,
    output: Annotated[
        LintFormat,
        typer.Option(
            "--output",
            "-o",
            metavar="FORMAT",
            help="table, wide, json, yaml, csv, html, or github (annotations of a check).",
        ),
    ] = LintFormat.TABLE,
) -> None:
    """Say what keeps policies from loading or makes them less useful.

    Leaves with 1 when there are errors.

    Example: kubernaut policy lint policies/ --fail-level warning
    """
    from kubernaut.errors import Place, PolicyError
    from kubernaut.policy.lint import Finding, Severity
    from kubernaut_simulator.cli.output import print_records, say
    from kubernaut_simulator.cli.policy_sources import given_policies, settings_problems
    from kubernaut_simulator.results.wording import how_many

    policies = given_policies(files or [], settings_alone=True)
    findings = [finding for policy in policies for finding in _findings(policy)]
    findings += [
        Finding(severity=Severity.ERROR, rule="settings", message=message, place=Place(file=str(path)))
        for path, message in settings_problems(files or [])
    ]
    if output is LintFormat.GITHUB:
        for finding in findings:
            print(_github(finding))
    elif findings or output is not LintFormat.TABLE:
        print_records([_finding_record(one) for one in findings], OutputFormat(output.value), title="Findings")
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    summary = (
        f"{how_many(errors, 'error')} and {how_many(len(findings) - errors, 'warning')} "
        f"in {how_many(len(policies), 'policy', 'policies')}"
    )
    if errors or (findings and fail_level is FailLevel.WARNING):
        raise PolicyError(summary)
    say(summary)


@app.command("test")
def run_policy_tests(files: FilesArgument = None, output: OutputOption = OutputFormat.TABLE) -> None:
    """Run the test files that lie beside policies (NAME_test.rego).

    Leaves with 2 when a test fails.

    Example: kubernaut policy test policies/ -o wide
    """
    from kubernaut.errors import InputError
    from kubernaut.policy.worker.client import WorkerEvaluator
    from kubernaut_simulator.cli.exits import GateNotMetError
    from kubernaut_simulator.cli.output import print_records, say, warn
    from kubernaut_simulator.cli.policy_sources import given_policies
    from kubernaut_simulator.results.wording import how_many

    policies = given_policies(files or [])
    tested = [policy for policy in policies if policy.tests]
    for policy in policies:
        if not policy.tests:
            warn(f"{policy.name} has no tests; write {policy.tests_name or 'a _test.rego file'} beside it")
    if not tested:
        raise InputError("no test file; it lies beside its policy and is called NAME_test.rego")
    with WorkerEvaluator() as evaluator:
        results = [(policy, _run(policy, evaluator)) for policy in tested]
    records = [_test_record(policy, one) for policy, cases in results for one in cases]
    failed = [record for record in records if not record["passed"]]
    if output is OutputFormat.TABLE:
        print_records([_file_record(policy, cases) for policy, cases in results], output)
        if failed:
            print()
            print_records([{key: one[key] for key in ("place", "test", "message")} for one in failed], output)
    else:
        print_records(records, output, title="Policy tests")
    if failed:
        raise GateNotMetError(f"{len(failed)} of {how_many(len(records), 'test')} failed")
    say(f"{how_many(len(records), 'test')} passed")


@app.command("show")
def show(
    policy: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A shipped policy's name, or a file.")],
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Show a policy: title, parameters, facts read, source.

    Example: kubernaut policy show no_crashloop_pods
    """
    from kubernaut_simulator.cli.output import print_document
    from kubernaut_simulator.cli.policy_pages import policy_document, policy_text
    from kubernaut_simulator.cli.policy_sources import named_policy

    given = named_policy(policy)
    document = policy_document(given)
    print_document(document, output, text=policy_text, title=given.name, rows="parameters")


def _findings(policy: GivenPolicy) -> list[Finding]:
    from dataclasses import replace

    from kubernaut.policy.lint import lint as lint_policy
    from kubernaut_simulator.cli.loading import registered_facts
    from kubernaut_simulator.cli.policy_sources import PolicyRole

    if policy.role is not PolicyRole.LIBRARY:
        return lint_policy(policy.source, name=policy.name, libraries=policy.libraries, known_facts=registered_facts())
    # A library has no `allow`: it is examined as part of the smallest policy that imports it.
    package = policy.name.removesuffix(".rego")
    probe = f"package kubernaut_lint\n\nimport data.{package}\nimport rego.v1\n\ndefault allow := false\n"
    name = "kubernaut_lint.rego"
    found = lint_policy(probe, name=name, libraries={**policy.libraries, policy.name: policy.source})
    return [
        replace(one, place=replace(one.place, file=policy.name, line=None, column=None))
        if one.place.file == name
        else one
        for one in found
        if one.place.file == policy.name or one.rule == "load"
    ]


def _run(policy: GivenPolicy, evaluator: Any) -> tuple[PolicyTestResult, ...]:
    from kubernaut.policy.testing import NamedSource, run_tests
    from kubernaut_simulator.cli.policy_sources import PolicyRole

    libraries = dict(policy.libraries)
    if policy.role is PolicyRole.LIBRARY:
        libraries.pop(policy.name, None)
    return run_tests(
        policy=NamedSource(name=policy.name, source=policy.source),
        tests=NamedSource(name=policy.tests_name, source=policy.tests),
        libraries=libraries,
        evaluator=evaluator,
    )


def _finding_record(finding: Finding) -> dict[str, Any]:
    return {
        "place": str(finding.place),
        "severity": finding.severity.value,
        "message": finding.message,
        "rule": finding.rule,
    }


def _github(finding: Finding) -> str:
    """Give a finding as a workflow command; its own separators must not end a field."""
    fields = ",".join(f"{name}={_escaped(value)}" for name, value in _where(finding.place))
    message = finding.message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{finding.severity.value} {fields},title={finding.rule}::{message}"


def _where(place: Place) -> Iterator[tuple[str, str]]:
    yield "file", place.file
    if place.line is not None:
        yield "line", str(place.line)
    if place.column is not None:
        yield "col", str(place.column)


def _escaped(value: str) -> str:
    escapes = {"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"}
    return "".join(escapes.get(char, char) for char in value)


def _test_record(policy: GivenPolicy, result: PolicyTestResult) -> dict[str, Any]:
    return {
        "policy": policy.name,
        "test": result.name,
        "passed": result.passed,
        "message": result.message,
        "place": str(result.place or policy.tests_name),
    }


def _file_record(policy: GivenPolicy, results: Sequence[PolicyTestResult]) -> dict[str, Any]:
    return {
        "policy": policy.name,
        "tests": len(results),
        "failed": sum(not one.passed for one in results),
    }
