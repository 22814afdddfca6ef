"""The data sheet of a recorded campaign: how, when, with what, which faults, what is wrong with it.

Every figure is counted from the data set itself.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.estimation.votes import cast_votes
from kubernaut_simulator.history.history import History

from kubernaut.history.rows import SCHEMA_VERSION, Outcome, RowKind
from kubernaut.verdicts import Verdict

from .comparing import Comparison
from .plan import Fault
from .running import Note
from .serving import ASKED_FOR_EACH, BETWEEN_ROUNDS_S, MOST_REFUSED, ROUNDS
from .terms import HOLD_S, LOOK_S, POLL_S, POST_TIMEOUT_S

_LIMITS = """\
- One node of one machine, and nothing in the cluster but the campaign, its operator and what runs them: incidents disturb
  each other only by load. Votes of one day and one cluster say nothing of another.
- Faults are put in on purpose and in fixed proportions. A share of good runs, or of stops among all runs, is the plan's
  doing; rates *given* the outcome are what may be read.
- Pods are a few hundred kilobytes and start in a second or two. Times to pass are those of such pods and of shortened
  timeouts: a timeout tuned on them fits nothing else.
- No image is ever pulled over a network; `wrong_image` and `pull_secret_missing` fail at a registry that is not there.
- The outcome is annotated by the campaign as a person would; its source is therefore `person`. It was looked at once.
- Scaling is the only action.
"""


def sheet_text(
    history: History, notes: Sequence[Note], machine: Mapping[str, str], comparison: Comparison | None
) -> str:
    """Give the data sheet as Markdown.

    Parameters
    ----------
    machine : mapping of str to str
        What to say of how it was run: seed, versions, image; in its order.
    comparison : Comparison or None
        With a generated world; None leaves that part out.
    """
    began = min((note.began_at for note in notes if note.began_at), default="")
    over = max((note.over_at for note in notes), default="")
    parts = [
        "# A recorded campaign\n",
        "Real remediations of real Deployments, recorded by the installed operator. No row was made or changed by hand.\n",
        "## How it was made\n",
        f"`make campaign`, from {began[:16]} to {over[:16]} (UTC); history schema {SCHEMA_VERSION}.\n",
        *(f"- {what}: {value}" for what, value in machine.items()),
        "",
        "Every incident has a namespace of its own with a Deployment of busybox's httpd behind a Service. Its fault is put "
        "in, then a WorkflowExecution asks for more replicas. All conditions are in warn mode: nothing was stopped. "
        f"Settings differ from the shipped ones in this: postconditions have {POST_TIMEOUT_S:g} s and are looked at every "
        f"{POLL_S:g} s, holds are {HOLD_S:g} s, and `recordFacts: all` keeps the whole snapshot.\n",
        f"**The outcome** is what a caller sees from {LOOK_S:g} s after the action's end: {ROUNDS} rounds, "
        f"{BETWEEN_ROUNDS_S:g} s between them, of {ASKED_FOR_EACH} "
        "requests for each replica that the load needs, through the Service. `effective` means that in each round as many "
        f"pods answered as are needed, and at most {MOST_REFUSED:.0%} of the requests got no page. No condition and no "
        "code of the operator has a part in it.\n",
        "## What is in it\n",
        "| file | rows |",
        "| --- | --- |",
        *(f"| `{kind.value}.parquet` | {history.table(kind).num_rows} |" for kind in RowKind),
        f"| `_faults.parquet` | {len(notes)} |",
        "",
        "Columns are those of `docs/history.md`. `_faults.parquet` is not loaded with the history: one row for each run "
        "says which fault it had, whether a person had mended it, and what the caller saw (`asked`, `answered`, `pods`).\n",
        "## Faults and outcomes\n",
        *_faults(notes),
        "",
        "## Conditions\n",
        *_conditions(history),
        "",
        "By the first run of each incident.\n",
        "## Limits\n",
        _LIMITS,
    ]
    if comparison is not None:
        parts += [
            "## Beside a generated world\n",
            "The world has the campaign's faults in their numbers and its times, nothing of what came of it. Intervals are "
            "Wilson's; **differ** marks those that do not meet.\n",
            comparison.text(),
        ]
    return "\n".join(parts).rstrip() + "\n"


def _faults(notes: Sequence[Note]) -> list[str]:
    lines = ["| fault | incidents | effective | ineffective | no outcome | tried again | of those effective |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    for fault in Fault:
        first = Counter(note.outcome for note in notes if note.fault == fault.value and note.run == 1)
        again = [note.outcome for note in notes if note.fault == fault.value and note.run > 1]
        if first:
            good, bad = first[Outcome.EFFECTIVE.value], first[Outcome.INEFFECTIVE.value]
            lines.append(
                f"| `{fault.value}` | {first.total()} | {good} | {bad} | {first['']} | {len(again)} "
                f"| {again.count(Outcome.EFFECTIVE.value)} |"
            )
    return lines


def _conditions(history: History) -> list[str]:
    votes = cast_votes(history.evaluations, history.executions, history.workflows, as_of=history.as_of).data
    lines = ["| condition | good runs | failed | error | bad runs | failed | error |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    for condition, part in votes.groupby("condition", observed=True, sort=True):
        cells = [str(condition) and f"`{condition}`"]
        for label in (Label.GOOD, Label.BAD):
            these = part[part["label"] == label.value]
            cells += [str(len(these)), *(_count(these, verdict) for verdict in (Verdict.FAILED, Verdict.ERROR))]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _count(votes: pd.DataFrame, verdict: Verdict) -> str:
    return str(int((votes["verdict"] == verdict.value).sum()))
