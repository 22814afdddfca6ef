"""`why`: everything that holds a run or ended it, the line and the facts behind it, and what would let it go on.

A document first, so that `-o json` and the text are the same answer.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from kubernaut.durations import format_duration
from kubernaut.errors import KubernautError
from kubernaut.policy.tracing import FailedLine, Outcome
from kubernaut.policy.wording import clean_message, describe
from kubernaut.verification.status_json import rfc3339
from kubernaut_operator.condition_sets.names import ConfigMapNames
from kubernaut_operator.people.causes import Hold, Kind, holds_of
from kubernaut_operator.people.drawing import console
from kubernaut_operator.people.looking_again import Looked, look_again
from kubernaut_operator.people.options import Output
from kubernaut_operator.people.reaching import Place, asking
from kubernaut_operator.people.runs import Run, find_run
from kubernaut_operator.people.showing import print_document
from kubernaut_operator.people.tree import said_by

Document = dict[str, Any]

COMMAND = "kubectl kubernaut"
_NAMES = 9
"""Columns of the names of rows."""

MOST_FACTS = 20
"""Facts told of one condition; a policy that reads more has most of them in its line."""


def tell_why(
    place: Place, name: str, *, maps: ConfigMapNames, prometheus_url: str = "", look: bool = True, output: Output
) -> None:
    """Print why a run is where it is.

    Parameters
    ----------
    look : bool
        Whether conditions are looked at again; else only what the status says is told.
    """
    with asking():
        run = find_run(place, name)
    document = why_document(place, run, maps=maps, prometheus_url=prometheus_url, look=look)
    if output in (Output.JSON, Output.YAML):
        print_document(document, output)
        return
    screen = console()
    for line in _lines(document):
        screen.print(line)


def why_document(
    place: Place, run: Run, *, maps: ConfigMapNames, prometheus_url: str = "", look: bool = True
) -> Document:
    """Give the answer as a document."""
    now = datetime.now(UTC)
    holds = []
    for hold in holds_of(run):
        seen: Document = {}
        if look and hold.result is not None:
            try:
                seen = _seen(look_again(place, run, hold, maps=maps, prometheus_url=prometheus_url))
            except KubernautError as error:
                seen = {"notes": [f"it could not be looked at again: {clean_message(str(error))}"]}
        holds.append(_hold(place, run, hold, seen, now=now))
    status = run.status
    return {
        "kind": run.manifest["kind"],
        "namespace": run.namespace,
        "name": run.name,
        "phase": status.get("phase"),
        "reason": status.get("reason"),
        "message": clean_message(str(status.get("message", ""))),
        "over": run.over,
        "holds": holds,
    }


def _hold(place: Place, run: Run, hold: Hold, seen: Document, *, now: datetime) -> Document:
    result = hold.result
    document: Document = {
        "kind": hold.kind.value,
        "where": hold.where,
        "ended": hold.ended,
        "message": clean_message(hold.message) if result is None else said_by(result),
    }
    if result is not None:
        document["condition"] = hold.entry
        document |= {
            name: result[name]
            for name in ("verdict", "reason", "attempts", "evaluationTime", "policySource", "policyDigest")
            if result.get(name) is not None
        }
    if hold.until is not None and not hold.ended:
        document["until"] = rfc3339(hold.until)
        document["secondsLeft"] = max(round((hold.until - now).total_seconds()), 0)
    if seen:
        document["now"] = seen
    document["helps"] = list(_helps(place, run, hold, seen))
    return document


def _seen(looked: Looked) -> Document:
    document: Document = {"policy": looked.policy.name}
    trace = looked.trace
    if trace is None:
        document |= {"allow": None, "missing": looked.missing}
    else:
        document["allow"] = trace.outcome is Outcome.ALLOWED
        if trace.note:
            document["note"] = clean_message(trace.note)
        document["lines"] = list(_failed(trace.line))
    document["facts"] = dict(looked.facts)
    document["unobserved"] = dict(looked.unobserved)
    document["notes"] = list(looked.notes)
    return document


def _failed(line: FailedLine | None) -> Iterator[Document]:
    while line is not None:
        yield {
            "place": str(line.place),
            "text": line.text.strip(),
            "values": [{"name": one.name, "there": one.there, "value": one.value} for one in line.values],
        }
        line = line.cause


# --- what helps ---


def _helps(place: Place, run: Run, hold: Hold, seen: Mapping[str, Any]) -> Iterator[str]:
    named = f"{run.name}{place.flags}"
    if hold.ended and hold.kind in (Kind.PRECONDITION, Kind.POSTCONDITION, Kind.OTHER):
        yield "this run is over; once the cause is gone, ask anew under another name with the same incident"
    elif hold.kind is Kind.UNSEEN:
        yield "see that an operator runs: kubectl get pods --namespace=kubernaut-system"
    elif hold.kind is Kind.APPROVAL:
        yield f"{COMMAND} approve {named}   (takes the verb approve)"
    elif hold.kind is Kind.PAUSE:
        yield f"{COMMAND} resume {named}"
    elif hold.kind is Kind.PRECONDITION:
        if seen.get("allow"):
            yield "it holds now: the next look lets the run go on"
        else:
            yield "it goes on by itself once the line holds"
        yield f'{COMMAND} override {named} {hold.entry} --reason="..."   (takes the verb override)'
    elif hold.kind is Kind.POSTCONDITION:
        yield "it is looked at again until its deadline; nothing is to be done while it may still come true"
        yield f'{COMMAND} override {named} {hold.entry} --reason="..."   (takes the verb override)'
    elif hold.kind is Kind.SAFETY:
        yield "nobody can override a safety policy; ask for something that it allows, or have the policy changed"
    elif hold.kind is Kind.ACCESS:
        yield (
            "let the action run there: kubernaut operator opt-in "
            f"{_target_namespace(hold)} | kubectl apply --server-side -f -, then ask anew"
        )
    elif hold.kind is Kind.LOCK:
        yield f"wait for the run that holds the target, or cancel one of them: {COMMAND} cancel {named}"
    elif hold.kind is Kind.RETRY:
        yield "the operator tries again by itself"


def _target_namespace(hold: Hold) -> str:
    target = (hold.of.get("spec") or {}).get("targetResource") or {}
    return str(target.get("namespace") or hold.of["metadata"]["namespace"])


# --- as text ---


def _lines(document: Document) -> Iterator[RenderableType]:
    what = "workflow" if document["kind"].startswith("Workflow") else "execution"
    head = Text.assemble(
        f"{what} {document['namespace']}/{document['name']} is ", (str(document["phase"] or "not seen yet"), "bold")
    )
    if document["reason"]:
        head.append(f" ({document['reason']})")
    if document["message"]:
        head.append(f": {document['message']}")
    yield head
    if not document["holds"]:
        yield Text("nothing holds it" if not document["over"] else "it is over, and nothing enforced stood in its way")
    for hold in document["holds"]:
        yield Text()
        yield from _hold_lines(hold, said=document["message"])


def _hold_lines(hold: Document, *, said: str) -> Iterator[RenderableType]:
    head = Text(f"{hold['where']}: ", "bold")
    if "condition" in hold:
        head.append(hold["condition"], "bold")
        head.append(f"  {hold.get('verdict', 'not yet')}", "red" if hold.get("verdict") else "cyan")
        if "attempts" in hold:
            head.append(f"  ({hold['attempts']} look{'' if hold['attempts'] == 1 else 's'})", "dim")
    else:
        head.append(hold["kind"], "bold")
    yield head
    if hold["message"] and hold["message"] != said:
        yield _row("says", hold["message"])
    now = hold.get("now") or {}
    yield from _now_lines(now)
    if "until" in hold:
        left = f"{hold['until'][:19]}Z, {format_duration(hold['secondsLeft'])} left"
        yield _row("until", f"{left}; then it fails")
    for at, help_ in enumerate(hold["helps"]):
        yield _row("helps" if at == 0 else "", help_, "green")


def _now_lines(now: Document) -> Iterator[RenderableType]:
    for note in now.get("notes", ()):
        yield _row("note", note, "yellow")
    if "policy" not in now:
        return
    if now.get("missing"):
        yield _row("now", now["missing"], "yellow")
    elif now["allow"]:
        yield _row("now", f"it holds: {now['policy']}", "green")
    else:
        yield _row("now", f"it does not hold {now.get('note', '')}".rstrip())
    told: set[str] = set()
    for at, line in enumerate(now.get("lines", ())):
        yield _row("line" if at == 0 else "calls", f"{line['place']}: {clean_message(line['text'])}", "bold")
        for value in line["values"]:
            told.add(str(value["name"]).removeprefix("input."))
            shown = describe(value["value"]) if value["there"] else "not there"
            yield _row("", f"  {clean_message(str(value['name']))} = {shown}")
    facts = [(name, describe(value)) for name, value in now["facts"].items() if name not in told]
    facts += [(name, f"unobserved ({clean_message(why)})") for name, why in now["unobserved"].items()]
    for at, (name, shown) in enumerate(facts[:MOST_FACTS]):
        yield _row("facts" if at == 0 else "", f"{clean_message(name)} = {shown}")
    if len(facts) > MOST_FACTS:
        yield _row("", f"and {len(facts) - MOST_FACTS} more; -o json shows all", "dim")


def _row(name: str, text: str, style: str = "") -> Table:
    """Give a name and what it is; a long text goes on below its own beginning."""
    row = Table.grid()
    row.add_column(width=_NAMES)
    row.add_column(overflow="fold")
    row.add_row(Text(f"  {name}", "dim"), Text(text, style))
    return row
