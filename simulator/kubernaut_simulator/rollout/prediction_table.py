"""Prediction and fact as tables: the numbers for programs, and the same in words for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from kubernaut_simulator.estimation.rates import percent
from kubernaut_simulator.results.wording import short_names
from kubernaut_simulator.rollout.comparing import Comparison

COLUMNS = [
    "environment", "condition", "measure", "predicted k", "predicted n", "predicted", "predicted upper 95 %",
    "since k", "since n", "since", "since lower 95 %", "since upper 95 %",
    "difference", "difference lower", "difference upper", "says",
]  # fmt: skip


def prediction_table(found: Iterable[tuple[str, str, Comparison]]) -> pd.DataFrame:
    """Give one row per comparison, from environment, condition and the comparison itself."""
    return pd.DataFrame([_row(*one) for one in found], columns=COLUMNS)


def in_words(table: pd.DataFrame) -> pd.DataFrame:
    """Give the table as people read it: k/n with limits, and the difference in points."""
    names = short_names(table["condition"])
    rows = table.to_dict("records")
    return pd.DataFrame(
        {
            "condition": [names[one] for one in table["condition"]],
            "measure": table["measure"],
            "predicted": [_counted(one, "predicted") for one in rows],
            "since": [_counted(one, "since") for one in rows],
            "difference (95 %)": [_points(one) for one in rows],
            "says": table["says"],
        }
    )


def _row(environment: str, condition: str, one: Comparison) -> dict[str, Any]:
    predicted, since, reach = one.predicted, one.since, one.difference
    apart = None if since.estimate is None or predicted.estimate is None else since.estimate - predicted.estimate
    return {
        "environment": environment,
        "condition": condition,
        "measure": one.measure.value,
        "predicted k": predicted.k,
        "predicted n": predicted.n,
        "predicted": predicted.estimate,
        "predicted upper 95 %": predicted.upper,
        "since k": since.k,
        "since n": since.n,
        "since": since.estimate,
        "since lower 95 %": since.lower if since.n else None,
        "since upper 95 %": since.upper if since.n else None,
        "difference": apart,
        "difference lower": None if reach is None else reach.lower,
        "difference upper": None if reach is None else reach.upper,
        "says": one.says.value,
    }


def _counted(row: Mapping[Any, Any], name: str) -> str:
    k, n = int(row[f"{name} k"]), int(row[f"{name} n"])
    if not n:
        return "none yet"
    limits = f"at most {percent(row[f'{name} upper 95 %'])}"
    if name == "since":
        limits = f"{percent(row['since lower 95 %'])} to {percent(row['since upper 95 %'])}"
    return f"{k}/{n} ({limits})"


def _points(row: Mapping[Any, Any]) -> str:
    if not row["since n"]:
        return "-"
    return (
        f"{row['difference'] * 100:+.1f} points ({row['difference lower'] * 100:+.1f} to "
        f"{row['difference upper'] * 100:+.1f})"
    )
