"""Some false stops of each condition, told in full: record, message, facts read, the line that did not hold.

A rate convinces nobody who believes in a condition; the run that it would have stopped although it did good does.
Judging and telling are those of `kubernaut explain`, by the policies and times that the tuning chose.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from kubernaut.policy.wording import clean_message
from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.replay.explaining import Explanation, explain_record
from kubernaut_simulator.replay.facts_read import FactRead

if TYPE_CHECKING:
    from kubernaut.policy.batch import Evaluator
    from kubernaut_simulator.tuning.result import Tuning

EXAMPLES_EACH = 2
"""Of one condition: enough to see whether it is one story or two."""

FACTS_SHOWN = 12
VALUE_CHARS = 160
"""Of a fact's value; `kubernaut explain -o json` has all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One run that did good and would have been stopped.

    Attributes
    ----------
    record_id, incident_id : str
    target : str
        Kind, namespace and name.
    started_at : Timestamp
    verdict : str
    message : str
        The policy's, or why it could not judge.
    facts : tuple of (path, value)
    facts_left_out : int
    line : str
        The first line that did not hold, with the values read on it; empty where the policy was not run.
    outcome : str
        The label and where it is from.
    """

    record_id: str
    incident_id: str
    target: str
    started_at: pd.Timestamp
    verdict: str
    message: str
    facts: tuple[tuple[str, str], ...]
    facts_left_out: int
    line: str
    outcome: str


def false_stop_examples(
    tuning: Tuning, *, evaluator: Evaluator, each: int = EXAMPLES_EACH
) -> Mapping[str, tuple[Example, ...]]:
    """Tell of some false stops of each condition: the newest, with different messages as far as there are any.

    Returns
    -------
    mapping of str to tuple of Example
        Conditions that stopped no good run are not in it.
    """
    votes = tuning.replay.votes.data
    wanted = votes[votes["stop"] & ~votes["candidate"] & (votes["label"] == Label.GOOD.value)]
    if wanted.empty:
        return {}
    keys = ["execution_uid", "action", "level", "phase", "type"]
    table = tuning.replay.evaluations.table.select([*keys, "candidate", "record_id", "message"]).to_pandas()
    table = table[~table["candidate"].astype(bool)].drop(columns="candidate")
    found = wanted.astype(dict.fromkeys(keys, str)).merge(table.astype(dict.fromkeys(keys, str)), on=keys)
    found = found.sort_values(["run_started_at", "record_id"], ascending=[False, True], kind="stable")
    # Failed before Error: a policy that is wrong tells more than a fact that was away.
    found["rank"] = found.groupby(["condition", "verdict", "message"], observed=True).cumcount()
    found["failed"] = found["verdict"] != Verdict.FAILED.value
    found = found.sort_values(["rank", "failed"], kind="stable")
    return {
        str(name): tuple(_example(row, tuning, evaluator) for row in part.head(each).itertuples())
        for name, part in found.groupby("condition", observed=True, sort=True)
    }


def _example(vote: object, tuning: Tuning, evaluator: Evaluator) -> Example:
    record_id = str(vote.record_id)  # type: ignore[attr-defined]
    told = explain_record(tuning.replay.history, record_id, evaluator=evaluator, conditions=tuning.after)
    one = next(found for found in told if not found.now.candidate)
    recorded = one.recorded
    facts = list(_facts(one.facts))
    return Example(
        record_id=record_id,
        incident_id=recorded.incident_id,
        target=f"{recorded.target_kind} {recorded.namespace}/{recorded.target_name}",
        started_at=pd.Timestamp(recorded.started_at),
        verdict=one.now.verdict.value,
        message=_message(one),
        facts=tuple(facts[:FACTS_SHOWN]),
        facts_left_out=max(0, len(facts) - FACTS_SHOWN),
        line="" if one.trace is None else str(one.trace),
        outcome=f"good ({vote.label_source})",  # type: ignore[attr-defined]
    )


def _message(one: Explanation) -> str:
    if one.told is not None and one.told.judgement.message:
        return clean_message(one.told.judgement.message)
    return clean_message(one.now.message) or "the policy gives no message"


def _facts(facts: Sequence[FactRead]) -> Iterator[tuple[str, str]]:
    for fact in facts:
        there = fact.state in {"value", "null"}
        text = json.dumps(fact.value, ensure_ascii=False) if there else fact.state
        yield clean_message(fact.path), clean_message(text, max_chars=VALUE_CHARS)
