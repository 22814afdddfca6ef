"""The documentation page of an action's shipped suite, written from the policies' own metadata.

One section per condition: what it says, what to avoid and prefer, where it is judged, its parameters, when it is
wrong, what makes it fatal, which facts it reads. It must not know where the page is kept.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from kubernaut.facts.snapshot import format_path
from kubernaut.identity import Level
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.metadata import PolicyParameter
from kubernaut.shipped import (
    ShippedPolicy,
    shipped_libraries,
    shipped_policies,
    shipped_safety_policies,
    shipped_settings,
)


def suite_page(action: str) -> str:
    """Write the page of one action.

    Parameters
    ----------
    action : str
        e.g. ``scale_deployment``.

    Returns
    -------
    str
        Markdown, ending in a newline; the same text every time.
    """
    suites = {level: yaml.safe_load(shipped_settings(level))["actions"].get(action, {}) for level in Level}
    policies = sorted(
        (one for one in shipped_policies() if one.action == action),
        key=lambda one: (one.phase.value != "pre", one.type),
    )
    parts = [
        f"# Conditions of {action}\n",
        "Written from the policies' metadata by `make docs`; edit the `.rego` files, not this page.\n",
        "Out of the box every condition is in warn mode (`rolloutPercent: 0`): judged and recorded, never blocking.\n",
        "\n".join(_overview(policies, suites)) + "\n",
    ]
    parts += ["\n".join(_section(policy, suites)) + "\n" for policy in policies]
    parts.append("\n".join(_safety(action)) + "\n")
    return "\n".join(parts)


def _overview(policies: list[ShippedPolicy], suites: Mapping[Level, Mapping[str, Any]]) -> Iterator[str]:
    yield "| condition | phase | levels | timeout |"
    yield "|---|---|---|---|"
    for policy in policies:
        entries = _entries(policy, suites)
        levels = ", ".join(level.value for level in entries)
        timeouts = ", ".join(sorted({entry["timeout"] for entry in entries.values()}))
        yield f"| [{policy.type}](#{policy.type}) | {policy.phase.value} | {levels} | {timeouts} |"


def _section(policy: ShippedPolicy, suites: Mapping[Level, Mapping[str, Any]]) -> Iterator[str]:
    compiled = _compiled(policy.source, policy.file)
    custom = compiled.metadata.custom
    yield f"## {policy.type}\n"
    yield f"**{compiled.metadata.title}.** {_line(compiled.metadata.description)}\n"
    yield f"- Avoid: {_line(custom.get('avoid', ''))}"
    yield f"- Prefer: {_line(custom.get('prefer', ''))}"
    for level, entry in _entries(policy, suites).items():
        shown = ", ".join(f"{name} {_shown(value)}" for name, value in entry.items())
        yield f"- At the {level.value}, {policy.phase.value}: {shown}"
    if "fatal" in custom:
        yield f"- Fatal, so that waiting ends: {_line(custom['fatal'])}"
    yield f"- Reads: {', '.join(f'`{format_path(path)}`' for path in compiled.reads)}"
    yield f"- Policy: `kubernaut/policies/{policy.file}`\n"
    if compiled.parameters:
        yield "| setting | default | minimum | maximum | meaning |"
        yield "|---|---|---|---|---|"
        yield from (_row(parameter) for parameter in compiled.parameters)
        yield ""
    yield "When it is wrong:\n"
    yield from (f"- {_line(one)}" for one in custom.get("wrong_when", ()))


def _safety(action: str) -> Iterator[str]:
    yield "## Safety policies\n"
    yield "Judged before the conditions. They fail closed, and no override, percentage or switch reaches them.\n"
    for policy in shipped_safety_policies():
        if policy.action in (None, action):
            compiled = _compiled(policy.source, policy.file)
            bounds = "; ".join(f"`{one.name}` {_number(one.default)}" for one in compiled.parameters)
            suffix = f" ({bounds})" if bounds else ""
            yield f"- `{policy.name}`: {_line(compiled.metadata.description)}{suffix}"


def _compiled(source: str, file: str) -> CompiledPolicy:
    return compile_policy(source, name=file, libraries=shipped_libraries())


def _entries(policy: ShippedPolicy, suites: Mapping[Level, Mapping[str, Any]]) -> dict[Level, Mapping[str, Any]]:
    phase = policy.phase.value
    return {level: suite[phase][policy.type] for level, suite in suites.items() if policy.type in suite.get(phase, {})}


def _row(parameter: PolicyParameter) -> str:
    bounds = (parameter.default, parameter.minimum, parameter.maximum)
    return f"| `{parameter.name}` | {' | '.join(_number(one) for one in bounds)} | {_line(parameter.description)} |"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _line(text: Any) -> str:
    return " ".join(str(text).split())
