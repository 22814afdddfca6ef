"""The fact registry as a table, for terminals, files and the documentation.

`docs/facts.md` is the text of `markdown()`; a test holds them equal.
"""

import re
from dataclasses import dataclass

from kubernaut.facts.definitions import FactDefinition, FactType
from kubernaut.facts.rebuilding import Rebuilding, rebuilding_of
from kubernaut.facts.registry import NAMESPACES, REGISTRY
from kubernaut.facts.snapshot import format_path

_BELOW = re.compile(r"[.\[]")
_TYPE_WORDS = {FactType.CPU: "text `<n>m`", FactType.MEMORY: "text `<n>Mi`"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRow:
    """One line of the table; every cell is text.

    Attributes
    ----------
    path : str
        ``pods[*].status``.
    type : str
        With ``or null`` where `null` is a value.
    rbac : str
        The rights that looking needs, separated by commas; those that only improve it in brackets.
    """

    path: str
    type: str
    unit: str
    source: str
    meaning: str
    computed: str
    rbac: str
    series: str


def rows() -> tuple[FactRow, ...]:
    """Give every registered fact and field in the order of the registry."""
    return tuple(_row(format_path(path), definition) for fact in REGISTRY.values() for path, definition in fact.paths())


def _row(path: str, fact: FactDefinition) -> FactRow:
    kind = _TYPE_WORDS.get(fact.type, fact.type.value)
    needed = [str(right) for right in fact.required_rights]
    improving = [str(right) for right in fact.improving_rights]
    return FactRow(
        path=path,
        type=f"{kind} or null" if fact.nullable else kind,
        unit=fact.unit,
        source=fact.source.value,
        meaning=fact.meaning,
        computed=fact.computed,
        rbac=", ".join([*needed, *([f"({', '.join(improving)})"] if improving else [])]),
        series=fact.series,
    )


_HEAD = """# Facts

What a policy may read as `input`. Generated from the registry (`kubernaut.facts.registry`); the command
`kubernaut facts` prints the same table.

A fact has a **value**, or `null` (looked, not there), or is **unobserved** with a reason: forbidden, timed
out, no such API, stale, unreadable, not provided. A policy that reads an unobserved fact, in any element of a
list too, is not run: its verdict is Error. History adds **not recorded**.

CPU is text `<n>m` and memory text `<n>Mi`: what is needed or used is rounded up, what is available or a limit
down.

Facts are told of the action's target. Where that is a Pod, facts about a Deployment are those of the one that the pod
belongs to, null when it belongs to none; and facts that are told of a Pod only are unobserved for a Deployment.

"""

_RIGHTS = (
    "Rights in RBAC; *(cluster)* means bound cluster-wide, otherwise a Role in the target's namespace is "
    "enough. Rights in brackets make a fact surer; without them it is still observed, as the table says. "
    "No fact needs a right on Secrets. Where the target is a Pod, facts about its Deployment also need the right on "
    "pods, and are surer with that on ReplicaSets, which lead from the one to the other."
)


_REBUILDING = (
    "`kubernaut telemetry` puts objects together from these metrics of kube-state-metrics and cAdvisor and takes the "
    "fact from them by its own rule, as of the newest scrape before the instant. A metric that is missing for the "
    "target makes the fact unobserved; see [telemetry.md](telemetry.md)."
)


def markdown() -> str:
    """Give the documentation page."""
    lines = [_HEAD + "## Registered facts", ""]
    lines += ["| path | type | source | meaning | how it is computed |", "|---|---|---|---|---|"]
    table = rows()
    lines += [_line(f"`{row.path}`", row.type, row.source, row.meaning, row.computed) for row in table]
    lines += ["", "## What looking needs", ""]
    lines += [
        _RIGHTS,
        "",
        "| path | rights |",
        "|---|---|",
    ]
    whole = {row.path: row.rbac for row in table}
    lines += [
        _line(f"`{row.path}`", row.rbac)
        for row in table
        if row.rbac and (row.path in REGISTRY or row.rbac != whole[_BELOW.split(row.path)[0]])
    ]
    lines += ["", "Fields of a list or an object need what the whole needs, unless they are named here.", ""]
    lines += ["## Rebuilding a fact at a past instant", ""]
    lines += [
        _REBUILDING,
        "",
        "| path | metrics that must be there | what is lost, or why it cannot be rebuilt |",
        "|---|---|---|",
    ]
    lines += [
        _line(f"`{format_path(path)}`", _names(rebuilding_of(path).series), _what_is_lost(rebuilding_of(path)))
        for fact in REGISTRY.values()
        for path, _ in fact.paths()
    ]
    lines += ["", "## Series to look at", ""]
    lines += ["PromQL that shows a fact, or comes near it; facts that are not listed have none.", ""]
    lines += ["| path | series |", "|---|---|"]
    lines += [_line(f"`{row.path}`", f"`{row.series}`") for row in table if row.series]
    lines += ["", "## The other parts of `input`", "", "| part | what is in it |", "|---|---|"]
    lines += [_line(f"`{name}`", meaning) for name, meaning in NAMESPACES.items()]
    return "\n".join(lines) + "\n"


def _names(series: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in series)


def _what_is_lost(entry: Rebuilding) -> str:
    if entry.why_not:
        return f"**cannot**: {entry.why_not}"
    label = f"needs the label `{entry.label[1]}`, which older kube-state-metrics lack" if entry.label else ""
    return "; ".join(part for part in (entry.loss, label) if part)


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
