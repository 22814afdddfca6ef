"""What enforcement changes: each outcome, enrolled against not enrolled, stratified by stage.

Five outcomes: effectiveness, time to resolve, manual work, cascades, time of a step. Only stages at a percentage
between 0 and 100 have both arms; warn mode and full enforcement say nothing here, however much was recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from kubernaut_simulator.effect.differences import (
    ArmMean,
    Difference,
    Reduction,
    mean_of,
    reduction,
    restricted_mean,
    share_of,
    stratified,
)

STAGE = ["environment", "action", "percent"]
HORIZON_S = 4 * 3600.0
"""Longer incidents count as four hours: people have taken over by then, and a few of days would drown all others."""

STEP_HORIZON_S = 3600.0
"""The default deadline of a blocked run; longer steps count as so long."""


class Measure(StrEnum):
    """What is compared."""

    EFFECTIVENESS = "effective incidents"
    RESOLUTION = "time to resolve"
    MANUAL = "manual intervention"
    CASCADES = "cascades"
    STEP_TIME = "time of a step"


UNITS: Mapping[Measure, str] = {
    Measure.EFFECTIVENESS: "share of incidents",
    Measure.RESOLUTION: "s, restricted mean",
    Measure.MANUAL: "share of incidents",
    Measure.CASCADES: "share of incidents with several steps",
    Measure.STEP_TIME: "s, restricted mean",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One outcome's effect.

    Attributes
    ----------
    measure : Measure
    difference : Difference
        Enrolled minus not enrolled.
    reduction : Reduction
        By which share the enrolled's mean is lower.
    missing_enrolled, missing_control : int
        Incidents of the compared stages without this outcome.
    """

    measure: Measure
    difference: Difference
    reduction: Reduction
    missing_enrolled: int
    missing_control: int


def compared(data: pd.DataFrame) -> pd.DataFrame:
    """Incidents of stages that have two arms by design."""
    return data[(data["percent"] > 0) & (data["percent"] < 100)]


def effects(data: pd.DataFrame, *, horizon_s: float = HORIZON_S) -> tuple[Effect, ...]:
    """Estimate every outcome's effect.

    Parameters
    ----------
    data : DataFrame
        As `incidents.Experiment.data`, or a selection of its rows, e.g. one stage.
    horizon_s : float, unit s
        Times to resolve count up to here.

    Notes
    -----
    Intention to treat: incidents count by the arm that they were assigned, whatever happened then. Missing outcomes are
    left out of their own measure only; where the arms miss them differently the comparison is no longer an experiment,
    so both numbers are carried along.
    """
    within = compared(data)
    return tuple(_effect(within, measure, horizon_s) for measure in Measure)


def _effect(data: pd.DataFrame, measure: Measure, horizon_s: float) -> Effect:
    column, arm, method = _how(measure, horizon_s)
    known = data[column].notna()
    missing = data.loc[~known, "enrolled"].to_numpy(bool)
    strata = [
        (arm(part[part["enrolled"]]), arm(part[~part["enrolled"]]))
        for _, part in data[known].groupby(STAGE, sort=True, dropna=False)
    ]
    return Effect(
        measure=measure,
        difference=stratified(strata, method=method),
        reduction=reduction(strata),
        missing_enrolled=int(missing.sum()),
        missing_control=int((~missing).sum()),
    )


def _how(measure: Measure, horizon_s: float) -> tuple[str, Callable[[pd.DataFrame], ArmMean], str]:
    """Column, mean of an arm, and name of the method."""
    columns = {
        Measure.EFFECTIVENESS: "effective",
        Measure.MANUAL: "manual",
        Measure.CASCADES: "cascade",
    }
    if measure in columns:
        column = columns[measure]
        return column, lambda part: share_of(part[column].to_numpy(float)), "difference of shares, Agresti-Caffo"
    if measure is Measure.RESOLUTION:
        return (
            "resolve_s",
            lambda part: restricted_mean(
                part["resolve_s"].to_numpy(float), part["resolved"].to_numpy(bool), horizon_s=horizon_s
            ),
            f"restricted mean to {horizon_s / 3600:g} h, Kaplan-Meier",
        )
    return (
        "step_s",
        lambda part: mean_of(np.minimum(part["step_s"].to_numpy(float), STEP_HORIZON_S)),
        f"mean of at most {STEP_HORIZON_S / 3600:g} h",
    )
