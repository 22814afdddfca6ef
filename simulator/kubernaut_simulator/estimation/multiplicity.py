"""The price of asking more than once: several conditions in one tuning, several versions of one condition.

Holm's step-down rule over the conditions of a tuning, and a share of the error for each version of a
condition such that all versions there will ever be cost no more than one. p-values in, p-values out.
"""

import math
from collections.abc import Hashable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]


def version_price(version: int) -> float:
    """Give the factor on the p-value of the k-th version, pi^2 k^2 / 6: the inverses add up to one.

    Raises
    ------
    ValueError
        Versions count from 1.
    """
    if version < 1:
        raise ValueError(f"version {version}: versions count from 1")
    return math.pi**2 * version**2 / 6


def version_of(tested: Sequence[Hashable], now: Hashable) -> int:
    """Number, from 1, of a hypothesis among those tested for its condition, in order of first appearance.

    Parameters
    ----------
    tested : sequence
        What was tested before, oldest first, e.g. (policy digest, settings, timeout, holdFor); repeats are
        one version.
    now : hashable
        A new one gets the next number.
    """
    known = list(dict.fromkeys(tested))
    return known.index(now) + 1 if now in known else len(known) + 1


def holm(p_values: ArrayLike) -> Floats:
    """Holm's adjusted p-values.

    References
    ----------
    Holm 1979, Scandinavian Journal of Statistics 6(2):65-70.
    """
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    stepped = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    adjusted = np.empty_like(p)
    adjusted[order] = stepped
    return adjusted
