"""What `kubernaut explain` says of one record: as a document for programs and as text for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kubernaut.policy.wording import clean_message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kubernaut.policy.tracing import FailedLine
    from kubernaut_simulator.replay.explaining import Explanation

VALUE_CHARS = 160
"""Of a value in the text for people; `-o json` has all of it."""

DIGEST_CHARS = 12


def explanation_document(one: Explanation) -> dict[str, Any]:
    """Give an explanation as a JSON-ready document."""
    recorded, now = one.recorded, one.now
    return {
        "record": recorded.record_id,
        "condition": f"{recorded.condition}{'@candidate' if now.candidate else ''}",
        "incident": recorded.incident_id,
        "target": f"{recorded.target_kind} {recorded.namespace}/{recorded.target_name}",
        "startedAt": recorded.started_at.isoformat(),
        "policy": None
        if one.policy is None
        else {
            "title": one.policy.metadata.title,
            "name": one.policy.name,
            "digest": one.policy.digest,
            "settings": dict(one.settings) if one.settings is not None else None,
        },
        "terms": {"timeoutSeconds": now.timeout_s, "holdForSeconds": now.hold_for_s},
        "source": one.source.value,
        "whyNotReplayed": one.why_not,
        "now": _end(now),
        "recorded": {**_end(recorded), "digest": recorded.policy_digest},
        "differences": list(one.differences),
        "look": None
        if one.told is None
        else {
            "slot": one.told.recorded.slot,
            "offsetSeconds": one.told.offset_s,
            "result": one.told.result.value,
            "reason": one.told.judgement.reason.value,
            "message": one.told.judgement.message,
        },
        "facts": [{"path": fact.path, "state": fact.state, "value": fact.value} for fact in one.facts],
        "trace": None
        if one.trace is None
        else {"allow": one.trace.outcome.value, "note": one.trace.note, "lines": _lines(one.trace.line)},
        "looks": [
            {
                "slot": look.recorded.slot,
                "offsetSeconds": look.offset_s,
                "recorded": look.recorded.result.value,
                "now": look.result.value,
                "counted": look.counted,
                "message": look.judgement.message,
            }
            for look in one.looks
        ],
    }


def explanation_text(document: Mapping[str, Any]) -> str:
    """Give the document as text for people."""
    return "\n".join(_text(document))


def _end(row: Any) -> dict[str, Any]:
    return {
        "verdict": row.verdict.value,
        "reason": row.reason,
        "message": row.message,
        "timeToPassSeconds": row.time_to_pass_s,
    }


def _lines(line: FailedLine | None) -> list[dict[str, Any]]:
    """Give the line that did not hold, then the one in the helper called there, and so on."""
    found = []
    while line is not None:
        found.append(
            {
                "place": str(line.place),
                "text": line.text.strip(),
                "values": [{"name": one.name, "there": one.there, "value": one.value} for one in line.values],
            }
        )
        line = line.cause
    return found


def _text(document: Mapping[str, Any]) -> Iterator[str]:
    policy, terms = document["policy"], document["terms"]
    heads = {
        "record": document["record"],
        "condition": document["condition"],
        "target": document["target"],
        "incident": document["incident"],
        "started": document["startedAt"],
        "policy": "-"
        if policy is None
        else f"{policy['title'] or policy['name']} (digest {policy['digest'][:DIGEST_CHARS]})",
        "terms": f"timeout {terms['timeoutSeconds']:g} s, holdFor {terms['holdForSeconds']:g} s",
        "verdict": _verdict(document["now"]),
        "recorded": "the same" if not document["differences"] else _verdict(document["recorded"]),
    }
    if document["whyNotReplayed"]:
        heads["verdict"] = f"{document['source']}: {document['whyNotReplayed']}"
        heads["recorded"] = _verdict(document["recorded"])
    if policy is not None and policy["settings"]:
        heads["settings"] = ", ".join(f"{name} = {value:g}" for name, value in policy["settings"].items())
    width = max(map(len, heads)) + 2
    for name, value in heads.items():
        yield f"{name:<{width}}{_clean(value)}"
    for difference in document["differences"]:
        yield f"{'differs':<{width}}{_clean(difference)}"
    if document["look"] is not None:
        yield from _look(document)
    if len(document["looks"]) > 1:
        yield ""
        yield from _looks(document["looks"])


def _look(document: Mapping[str, Any]) -> Iterator[str]:
    look, trace = document["look"], document["trace"]
    yield ""
    yield f"look {look['slot']} at {look['offsetSeconds']:.2f} s: {look['result']} ({look['reason']})"
    if trace is not None and trace["lines"]:
        yield f"  `allow` is {trace['allow']}; the line that did not hold:"
        for depth, line in enumerate(trace["lines"]):
            indent = "  " * (depth + 2)
            yield f"{indent}{line['place']}: {_clean(line['text'])}"
            for one in line["values"]:
                shown = _value(one["value"]) if one["there"] else "not there"
                yield f"{indent}    {one['name']} = {shown}"
    elif trace is not None:
        yield f"  `allow` is {trace['allow']}" + (f": {_clean(trace['note'])}" if trace["note"] else "")
    yield ""
    yield "facts read"
    width = max((len(fact["path"]) for fact in document["facts"]), default=0) + 2
    for fact in document["facts"]:
        shown = _value(fact["value"]) if fact["state"] in ("value", "null") else _clean(fact["state"])
        yield f"  {fact['path']:<{width}}{shown}"


def _looks(looks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "  slot    at s  recorded  now       message"
    for look in looks:
        mark = " " if look["counted"] else "*"
        yield (
            f"{mark} {look['slot']:>4}{look['offsetSeconds']:>8.2f}  {look['recorded']:<8}  {look['now']:<8}  "
            f"{_clean(look['message'])}"
        ).rstrip()
    if not all(look["counted"] for look in looks):
        yield "* after the verdict, or beyond the deadline"


def _verdict(end: Mapping[str, Any]) -> str:
    passed = end["timeToPassSeconds"]
    when = f" after {passed:g} s" if passed is not None else ""
    reason = f" ({end['reason']})" if end["reason"] else ""
    return f"{end['verdict']}{when}{reason}" + (f": {end['message']}" if end["message"] else "")


def _value(value: Any) -> str:
    return _clean(json.dumps(value, ensure_ascii=False), VALUE_CHARS)


def _clean(text: str, most: int = 2000) -> str:
    return clean_message(text, max_chars=most)
