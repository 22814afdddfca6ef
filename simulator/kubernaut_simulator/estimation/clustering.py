"""How much less the votes say because they come in bunches: one outage makes fifty incidents.

Design effect and intracluster correlation of a yes/no vote over clusters (target-days, or incidents with
several runs), and the rule that decides whether a vote per incident or a vote per target-day counts. For the
gate it goes by the verdicts of the search incidents and by how many of its own fall on a target-day, never by
its own verdicts, so that the unit is not chosen by the result.

The rule goes by an upper limit and not by the estimate: a rate of a few per cent leaves a handful of stops, and an
outage in which nothing was stopped then looks like fifty independent votes (`kubernaut calibrate --only coverage`).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kubernaut_simulator.estimation.rates import clopper_pearson_upper

Floats: TypeAlias = NDArray[np.float64]

DESIGN_EFFECT_LIMIT = 1.5
"""Unless the design effect is shown to be below it, target-days are the unit: n could be half too large, or more."""


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
    design_effect_upper : float
        One-sided 95 % upper limit of the design effect, at most the worst one.
    worst_design_effect : float
        Were all votes of a cluster the same: the mean size of the cluster that a vote is in (1 when n is 0).
    correlation : float or None
        Intracluster correlation (analysis of variance); None where it cannot be estimated.
    """

    n: int
    clusters: int
    design_effect: float | None
    design_effect_upper: float
    worst_design_effect: float
    correlation: float | None

    @property
    def unit(self) -> Unit:
        """The unit that counts: incidents only where the design effect is shown to be small enough."""
        return _unit_of(self.design_effect_upper)


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
        return Clustering(
            n=0, clusters=0, design_effect=None, design_effect_upper=1.0, worst_design_effect=1.0, correlation=None
        )
    codes, _ = pd.factorize(np.asarray(cluster))
    size = np.bincount(codes).astype(float)
    total = np.bincount(codes, weights=votes).astype(float)
    effect = float(design_effects(size, total))
    known = not np.isnan(effect)
    return Clustering(
        n=n,
        clusters=len(size),
        design_effect=effect if known else None,
        design_effect_upper=float(design_effect_limits(size, total)),
        worst_design_effect=worst_design_effect(size),
        correlation=_anova_correlation(size, total, votes.sum() / n) if known else None,
    )


def unit_for_gate(searched_yes: ArrayLike, searched_cluster: ArrayLike, judged_cluster: ArrayLike) -> Unit:
    """Give the unit in which votes judge.

    Parameters
    ----------
    searched_yes : array of bool, shape (n_searched,)
    searched_cluster : array, shape (n_searched,)
    judged_cluster : array, shape (n_judged,)
        Of the votes that judge; what they say is not asked. Bunches of a size that was not searched count as copies of
        one vote: a first outage after the cut.
    """
    codes, _ = pd.factorize(np.asarray(searched_cluster))
    judged = np.bincount(pd.factorize(np.asarray(judged_cluster))[0]).astype(float)
    if not len(judged):
        return cluster_spread(searched_yes, searched_cluster).unit
    size = np.bincount(codes).astype(float)
    total = np.bincount(codes, weights=np.asarray(searched_yes, dtype=float)).astype(float)
    return _unit_of(float(design_effect_limits(size, total, judged=judged)))


def _unit_of(limit: float) -> Unit:
    return Unit.TARGET_DAY if limit > DESIGN_EFFECT_LIMIT else Unit.INCIDENT


def worst_design_effect(size: Floats) -> float:
    """Give the design effect were all votes of a cluster the same."""
    return float((size**2).sum() / size.sum())


def design_effects(size: Floats, total: Floats) -> Floats:
    """Design effect of one or many histories with the same clusters.

    Parameters
    ----------
    size : array of float, shape (n_clusters,)
        Votes of each cluster, at least 1.
    total : array of float, shape (..., n_clusters)
        Those that say yes.

    Returns
    -------
    array of float, shape (...)
        NaN where all votes agree or there is one cluster: then the data cannot say.
    """
    n, m = size.sum(), len(size)
    share = np.asarray(total.sum(axis=-1) / n)
    binary = share * (1 - share)
    squares = ((total - share[..., None] * size) ** 2).sum(axis=-1)
    known = (binary > 0) & (m > 1)
    effect = m / max(1, m - 1) * squares / n / np.where(known, binary, 1.0)
    return np.where(known, effect, np.nan)


def design_effect_limits(size: Floats, total: Floats, *, judged: Floats | None = None) -> Floats:
    """One-sided 95 % upper limit of the design effect.

    Parameters
    ----------
    size, total
        As `design_effects`.
    judged : array of float, shape (n_judged_clusters,), or None
        Sizes of the clusters that the limit is for, when they are others than those it is learned from.

    Returns
    -------
    array of float, shape (...)
        At most the worst design effect.

    Notes
    -----
    The design effect is 1 + sum of size x (size - 1) x correlation over clusters / votes, and what is learned of the
    correlation is learned from votes that share a cluster with one of the rarer answer: how often do they give it, too?
    The Clopper-Pearson limit of that share, on the effective number of such clusters, bounds the correlation. Bunches
    of one size say nothing of bunches of another: clusters are taken in classes of doubling size, and a class without
    the rarer answer counts with its worst case, all votes alike. Within a class the correlation is taken to be one.
    """
    judged = size if judged is None else judged
    n = size.sum()
    answered = np.asarray(total.sum(axis=-1))
    rarer = np.where((2 * answered > n)[..., None], size - total, total)
    share = rarer.sum(axis=-1) / max(1.0, n)
    excess = np.zeros_like(answered, dtype=float)
    doublings, judged_doublings = np.floor(np.log2(size)), np.floor(np.log2(judged))
    for doubling in np.unique(judged_doublings[judged > 1]):
        own, bunches = doublings == doubling, judged[judged_doublings == doubling]
        mates = rarer[..., own] * (size[own] - 1)
        seen = mates.sum(axis=-1)
        alike = (mates * (rarer[..., own] - 1) / (size[own] - 1)).sum(axis=-1) / np.where(seen > 0, seen, 1.0)
        effective = seen**2 / np.where(seen > 0, (mates**2).sum(axis=-1), 1.0)
        limit = clopper_pearson_upper(alike * effective, effective)
        correlation = np.clip((limit - share) / (1 - share), 0.0, 1.0)
        excess += (bunches * (bunches - 1)).sum() / judged.sum() * correlation
    limits: Floats = np.minimum(1 + excess, worst_design_effect(judged))
    return limits


def _anova_correlation(size: Floats, total: Floats, share: float) -> float | None:
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
