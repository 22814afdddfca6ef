"""A difference of two files of conditions, told: as one document for programs, and as text for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from kubernaut.identity import Level
from kubernaut_simulator.results.wording import how_many
from kubernaut_simulator.tuning.difference import NUMBERS, ConditionsFile, changes_between
from kubernaut_simulator.tuning.provenance import (
    HISTORY_DIGEST,
    HISTORY_WINDOW,
    RESTORED_FROM,
    TOOL_VERSION,
    TUNING,
    WrittenConfigMap,
)

_WIDTH = 110
_DIGEST_SHOWN = 12


def difference_document(before: ConditionsFile, after: ConditionsFile) -> dict[str, Any]:
    """Give everything that is said of two files.

    Returns
    -------
    dict
        `before` and `after` (file, ConfigMaps with their origin), `summary`, `changes` (rows of `SettingChange`),
        `unchanged` (conditions) and `notes`.

    Raises
    ------
    InputError
        An annotation cannot be read.
    """
    changes = [asdict(change) for change in changes_between(before, after)]
    touched = {change["subject"] for change in changes}
    conditions = [
        str(condition)
        for level in Level
        if level in before.written or level in after.written
        for condition in sorted({*before.conditions[level].texts.suite, *after.conditions[level].texts.suite})
    ]
    return {
        "before": _file(before),
        "after": _file(after),
        "summary": _summary(changes, conditions),
        "changes": changes,
        "unchanged": [name for name in conditions if name not in touched],
        "notes": [*_missing(before, after), *_missing(after, before), *_edited(before), *_edited(after)],
    }


def difference_text(document: Mapping[str, Any]) -> str:
    """Tell a document of `difference_document` to a person."""
    lines = [line for heading in ("before", "after") for line in _origin_lines(heading, document[heading])]
    lines += ["", document["summary"]]
    otherwise, newer = _parted(document["changes"])
    lines += _told(otherwise)
    if newer:
        lines += ["", "only the numbers changed:", *_told(newer)]
    if document["changes"] and document["unchanged"]:
        lines += ["", "unchanged:", *(f"  {name}" for name in document["unchanged"])]
    if document["notes"]:
        lines += ["", *document["notes"]]
    return "\n".join(lines)


def _parted(changes: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Part what is set otherwise, with its numbers, from that of which only the numbers changed."""
    measured = {what.value for what in NUMBERS}
    otherwise = {change["subject"] for change in changes if change["what"] not in measured}
    return (
        [change for change in changes if change["subject"] in otherwise],
        [change for change in changes if change["subject"] not in otherwise],
    )


def _told(changes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    subject = None
    for change in changes:
        if change["subject"] != subject:
            subject = change["subject"]
            yield from ("", str(subject))
        yield from textwrap.wrap(
            change["text"], _WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
        )


def _file(file: ConditionsFile) -> dict[str, Any]:
    return {"file": file.source, "configMaps": [_origin(one) for one in file.written.values()]}


def _origin(one: WrittenConfigMap) -> dict[str, Any]:
    terms = one.json(TUNING)
    return {
        "name": one.name,
        "version": one.version,
        "historyWindow": one.annotations.get(HISTORY_WINDOW),
        "historyDigest": one.annotations.get(HISTORY_DIGEST),
        "searchIncidents": terms.get("searchIncidents"),
        "gateIncidents": terms.get("gateIncidents"),
        "target": terms.get("target"),
        "alpha": terms.get("alpha"),
        "share": terms.get("share"),
        "toolVersion": one.annotations.get(TOOL_VERSION),
        "restoredFrom": one.annotations.get(RESTORED_FROM),
    }


def _origin_lines(heading: str, file: Mapping[str, Any]) -> Iterator[str]:
    yield f"{heading}: {file['file']}"
    told = [_origin_text(one) for one in file["configMaps"]]
    names = [f"{one['name']} {one['version'] or '(without version)'}" for one in file["configMaps"]]
    if len(set(told)) == 1:
        names, told = [", ".join(names)], told[:1]
    for name, text in zip(names, told, strict=True):
        yield f"  {name}"
        yield from textwrap.wrap(text, _WIDTH, initial_indent="    ", subsequent_indent="    ")


def _origin_text(one: Mapping[str, Any]) -> str:
    restored = f"; it is what {one['restoredFrom']} replaced" if one["restoredFrom"] else ""
    if not one["historyWindow"]:
        return f"no data behind it is named{restored}"
    text = f"tuned on {one['historyWindow']} (history {str(one['historyDigest'])[:_DIGEST_SHOWN]})"
    if one["gateIncidents"] is not None:
        text += f", {how_many(one['gateIncidents'], 'incident')} judged, {one['searchIncidents']:,} searched"
    if one["target"] is not None:
        text += f", false stops below {one['target'] * 100:g} %, alpha {one['alpha']:g}"
    return f"{text}, kubernaut {one['toolVersion']}{restored}"


def _summary(changes: Sequence[Mapping[str, Any]], conditions: Sequence[str]) -> str:
    otherwise, newer = ({change["subject"] for change in part} & set(conditions) for part in _parted(changes))
    total = how_many(len(conditions), "condition")
    if not changes:
        return f"nothing differs: {total}"
    text = (
        f"{len(otherwise):,} of {total} {'is' if len(otherwise) == 1 else 'are'} set otherwise"
        if otherwise
        else f"none of {total} is set otherwise"
    )
    return text + (f"; of {len(newer):,} only the numbers changed" if newer else "")


def _missing(one: ConditionsFile, other: ConditionsFile) -> Iterator[str]:
    for level in Level:
        if level in other.written and level not in one.written:
            yield f"{one.source} has no {other.written[level].name}: compared is what ships, which holds without one"


def _edited(file: ConditionsFile) -> Iterator[str]:
    """Name the policies that are no longer those which the file's own evidence speaks of."""
    for level, one in file.conditions.items():
        for condition, policy in one.policies.items():
            judged = file.evidence(condition).get("policy")
            if level in file.written and judged not in {None, policy.digest}:
                yield (
                    f"{file.source}: the policy of {condition} ({policy.digest[:_DIGEST_SHOWN]}) is not what its "
                    f"numbers speak of ({str(judged)[:_DIGEST_SHOWN]}): edited after the export"
                )
