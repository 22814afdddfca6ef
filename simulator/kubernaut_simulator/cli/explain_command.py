"""`kubernaut explain`: judge one record again, offline, and say why it came out as it did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubernaut_simulator.cli.options import (
    ActionOption,
    ConfigOption,
    NamespaceOption,
    OutputFormat,
    OutputOption,
    SinceOption,
    StrictOption,
    UntilOption,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubernaut_simulator.history.history import History

LISTED = 20
"""Records that `--list` shows unless told otherwise: a screenful."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain")(explain)


def explain(
    record: Annotated[
        str,
        typer.Argument(
            metavar="RECORD",
            help="A record_id of an evaluation or attempt; its first characters are enough. Left out with --list.",
        ),
    ],
    history: Annotated[
        list[Path] | None, typer.Argument(metavar="HISTORY", help="Files or folders: .jsonl, .jsonl.gz, .parquet.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Name records instead of explaining one.")] = False,
    verdict: Annotated[
        str | None, typer.Option("--verdict", metavar="VERDICT", help="With --list: only this verdict, e.g. Failed.")
    ] = None,
    condition: Annotated[
        str | None,
        typer.Option("--condition", metavar="PART", help="With --list: only conditions whose name contains this."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="With --list: this many at most.")] = LISTED,
    conditions: ConfigOption = None,
    output: OutputOption = OutputFormat.TABLE,
    since: SinceOption = None,
    until: UntilOption = None,
    action: ActionOption = None,
    namespace: NamespaceOption = None,
    strict: StrictOption = False,
) -> None:
    """Judge one record again and show the line that did not hold.

    Facts, policy, line, verdict, message, and what differs from the record; for postconditions every look.

    Example: kubernaut explain --list --verdict Failed datasets/steady
    """
    from kubernaut.errors import InputError
    from kubernaut.policy.worker.client import WorkerEvaluator
    from kubernaut_simulator.cli.loading import load_conditions, load_history
    from kubernaut_simulator.cli.output import print_document
    from kubernaut_simulator.results.explanation_pages import explanation_document, explanation_text

    if (verdict or condition) and not list_:
        raise InputError("--verdict and --condition go with --list; a record is named by its id")
    paths = [Path(record), *(history or [])] if list_ else history
    if not paths:
        raise InputError("name a record and where its history is: kubernaut explain RECORD HISTORY...")
    loaded = load_history(paths, strict=strict, since=since, until=until, action=action, namespace=namespace)
    if list_:
        _list(loaded, verdict=verdict, condition=condition, limit=limit, output=output)
        return
    from kubernaut_simulator.replay.explaining import explain_record

    with WorkerEvaluator() as evaluator:
        found = explain_record(loaded, record, evaluator=evaluator, conditions=load_conditions(conditions))
    documents = [explanation_document(one) for one in found]
    for document in documents:
        print_document(document, output, text=explanation_text, title=document["condition"], rows="looks")


def _list(history: History, *, verdict: str | None, condition: str | None, limit: int, output: OutputFormat) -> None:
    from kubernaut.errors import InputError
    from kubernaut.verdicts import Verdict
    from kubernaut_simulator.cli.output import print_records, say
    from kubernaut_simulator.replay.finding_records import evaluations_like

    wanted = next((one for one in Verdict if one.value.lower() == verdict.lower()), None) if verdict else None
    if verdict and wanted is None:
        raise InputError(f"--verdict {verdict!r}: there are {', '.join(one.value for one in Verdict)}")
    rows, total = evaluations_like(history, verdict=wanted, condition=condition or "", limit=limit)
    if not rows:
        raise InputError("no evaluation fits --verdict and --condition")
    shown: Sequence[dict[str, Any]] = [
        {
            "record": row.record_id,
            "condition": f"{row.condition}{' (challenger)' if row.candidate else ''}",
            "verdict": row.verdict.value,
            "started": row.started_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "target": f"{row.namespace}/{row.target_name}",
            "message": row.message,
        }
        for row in rows
    ]
    print_records(shown, output, title="Evaluations")
    if total > len(rows):
        say(f"{len(rows)} of {total:,} evaluations, the newest first; --limit shows more")
