"""Which incidents are searched and which ones judge: a cut in time.

Thresholds and timeouts are chosen on the incidents before the cut, the gate sees only those after it;
whoever picks the best of 36 candidates on the data that then judges it passes a bad one most of the time.
The number of candidates that were compared is carried along and printed.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kubernaut.errors import HistoryError

SEARCH_SHARE = 0.6
"""Share of the incidents, in order of start, that is searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Votes before and after the cut.

    Attributes
    ----------
    cut_at : Timestamp
        The first instant of the gate's incidents.
    search, gate : DataFrame
        Votes of the incidents that started before the cut, and of the others; all votes of an incident are
        on one side.
    search_incidents, gate_incidents : int
    candidates_compared : int
        How many candidates the search looked at; 0 before it has run.
    """

    cut_at: pd.Timestamp
    search: pd.DataFrame
    gate: pd.DataFrame
    search_incidents: int
    gate_incidents: int
    candidates_compared: int = 0

    def text(self) -> str:
        """One line that says what was searched, what judges and how many candidates were compared."""
        return (
            f"searched {self.search_incidents} incidents before {self.cut_at:%Y-%m-%d %H:%M} UTC, "
            f"gate on {self.gate_incidents} after it; {self.candidates_compared} candidates compared"
        )


def incident_starts(votes: pd.DataFrame) -> pd.Series:
    """Give each incident's start, that of its first run under any condition, in order of start."""
    starts = votes.groupby("incident_id", observed=True)["run_started_at"].min()
    return starts.sort_values(kind="stable")


def split_in_time(
    votes: pd.DataFrame,
    *,
    search_share: float = SEARCH_SHARE,
    cut_at: pd.Timestamp | None = None,
    candidates_compared: int = 0,
) -> Split:
    """Cut the incidents in time.

    Parameters
    ----------
    votes : DataFrame
        As `votes.Votes.data`.
    search_share : float
        Share of incidents, in order of start, before the cut; incidents that start together stay together
        after it.
    cut_at : Timestamp or None
        A cut made earlier. A share moves its cut as history grows and would hand incidents that have judged
        back to the search: a tuning that is repeated passes the cut of the first.
    candidates_compared : int

    Raises
    ------
    HistoryError
        There is no incident to cut, or the share is not between 0 and 1.

    Notes
    -----
    Assumes that the time before says nothing of the time after beyond the rate itself; an outage that spans
    the cut breaks it.
    """
    if not 0 < search_share < 1:
        raise HistoryError(f"the share of incidents to search must lie between 0 and 1, not {search_share:g}")
    starts = incident_starts(votes)
    if starts.empty:
        raise HistoryError("no incident has a vote: there is nothing to search or to judge by")
    if cut_at is None:
        position = min(int(np.ceil(search_share * len(starts))), len(starts) - 1)
        cut_at = pd.Timestamp(starts.iloc[position])
    after = votes["incident_id"].isin(starts.index[starts >= cut_at])
    gate_incidents = int((starts >= cut_at).sum())
    return Split(
        cut_at=cut_at,
        search=votes[~after],
        gate=votes[after],
        search_incidents=len(starts) - gate_incidents,
        gate_incidents=gate_incidents,
        candidates_compared=candidates_compared,
    )
