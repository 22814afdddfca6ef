"""What several conditions stop together: the ceiling that a workflow feels is theirs, not that of any one of them."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.estimation.rates import Rate, rate
from kubernaut_simulator.estimation.sequential import MINIMUM_ENTRIES


def stopped_by_any(votes: pd.DataFrame, conditions: Collection[str]) -> Rate:
    """Count the good incidents of the gate that any of some conditions would have stopped.

    Parameters
    ----------
    votes : DataFrame
        The gate's side of the split.
    conditions : collection of str
        Current policies, by identity.

    Returns
    -------
    Rate
        Of incidents with a vote that may judge under at least one of them; every one as if enforced at 100 %. n is 0
        without conditions.

    Notes
    -----
    Conditions were chosen on the same incidents, each by a test of its own, so this is a description and no test.
    """
    wanted = (
        votes["condition"].isin(list(conditions))
        & ~votes["candidate"]
        & votes["gate"]
        & (votes["label"] == Label.GOOD.value)
    )
    stopped = votes[wanted].groupby("incident_id", observed=True)["stop"].any()
    return rate(int(stopped.sum()), len(stopped), minimum=MINIMUM_ENTRIES)
