"""How much less the votes say because they come in bunches: one outage makes fifty incidents.

Design effect and intracluster correlation of a yes/no vote over clusters (target-days, or incidents with
several runs), and the rule that decides whether a vote per incident or a vote per target-day counts. The
rule is applied to the search incidents, never to the gate's own, so that the unit is not chosen by the
result.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

DESIGN_EFFECT_LIMIT = 1.5
"""Above it, target-days are the unit: n would be overstated by half and more."""


class Unit(StrEnum):
    """What one vote stands for."""

    INCIDENT = "incident"
    TARGET_DAY = "target-day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustering:
    """Spread of a yes/no vote over clusters.

    Attributes
    ----------
    n, clusters : int
        Votes and clusters.
    design_effect : float or None
        Variance of the share over that of independent votes; None when all votes agree or there is one
        cluster: then the data cannot say.
    worst_design_effect : float
        Were all votes of a cluster the same: the mean size of the cluster that a vote is in (1 when n is 0).
    correlation : float or None
        Intracluster correlation (analysis of variance); None where it cannot be estimated.
    """

    n: int
    clusters: int
    design_effect: float | None
    worst_design_effect: float
    correlation: float | None

    @property
    def unit(self) -> Unit:
        """The unit that counts; where the design effect cannot be estimated, its worst case decides."""
        effect = self.worst_design_effect if self.design_effect is None else self.design_effect
        return Unit.TARGET_DAY if effect > DESIGN_EFFECT_LIMIT else Unit.INCIDENT


def cluster_spread(yes: ArrayLike, cluster: ArrayLike) -> Clustering:
    """Design effect and intracluster correlation.

    Parameters
    ----------
    yes : array of bool, shape (n_votes,)
    cluster : array, shape (n_votes,)
        Any labels; equal labels are one cluster.

    Notes
    -----
    The variance of the share is that of a ratio over clusters of unequal size, clusters drawn
    independently. Clusters that depend on each other (two targets hit by one outage) break it.

    References
    ----------
    Cochran 1977, Sampling Techniques, section 9A; Donner & Klar 2000 (analysis-of-variance estimator); Kish
    1965.
    """
    votes = np.asarray(yes, dtype=float)
    n = len(votes)
    if n == 0:
        return Clustering(n=0, clusters=0, design_effect=None, worst_design_effect=1.0, correlation=None)
    codes, _ = pd.factorize(np.asarray(cluster))
    size = np.bincount(codes).astype(float)
    total = np.bincount(codes, weights=votes)
    m = len(size)
    share = votes.sum() / n
    worst = float((size**2).sum() / n)
    binary = share * (1 - share)
    if m == 1 or binary == 0:
        return Clustering(n=n, clusters=m, design_effect=None, worst_design_effect=worst, correlation=None)
    variance = m / (m - 1) * ((total - share * size) ** 2).sum() / n**2
    return Clustering(
        n=n,
        clusters=m,
        design_effect=float(variance / (binary / n)),
        worst_design_effect=worst,
        correlation=_anova_correlation(size, total, share),
    )


def _anova_correlation(size: NDArray[Any], total: NDArray[Any], share: float) -> float | None:
    n, m = size.sum(), len(size)
    if n == m:
        return None
    between = (size * (total / size - share) ** 2).sum() / (m - 1)
    within = (total * (1 - total / size)).sum() / (n - m)
    typical = (n - (size**2).sum() / n) / (m - 1)
    spread = between + (typical - 1) * within
    return float((between - within) / spread) if spread > 0 else None


def one_vote_per_target_day(votes: pd.DataFrame) -> pd.DataFrame:
    """The first vote, in order of start, of each condition on each target-day.

    Parameters
    ----------
    votes : DataFrame
        As `votes.Votes.data`, or any selection of its rows; the order of its rows is kept.
    """
    first = votes.sort_values(["run_started_at", "incident_id"], kind="stable").drop_duplicates(
        ["condition", "candidate", "target_day"]
    )
    return votes.loc[votes.index.isin(first.index)]
