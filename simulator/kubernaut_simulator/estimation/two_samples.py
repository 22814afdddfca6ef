"""Two counts of the same thing, an earlier and a growing later one: how far apart, and is one shown to be higher.

A prediction is k of n incidents, no known rate: whoever holds what happens since against its estimate, or its limit,
takes the noise of the prediction for truth. So both are compared as samples, by a test that may be read every day.
Numbers in, numbers out; what was counted is known elsewhere.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from kubernaut_simulator.estimation.columns import Floats
from kubernaut_simulator.estimation.rates import Interval, wilson


def evidence_of_two_rates(k_before: float, n_before: float, later: ArrayLike) -> Floats:
    """Log-evidence that the later events do not come at the rate of the earlier ones, after each later trial.

    Parameters
    ----------
    k_before, n_before : float
        Events and trials of the earlier sample, which is complete.
    later : array of bool, shape (n,)
        In order.

    Returns
    -------
    array of float, shape (n,)
        Reject the first time it reaches ``log(1 / alpha)``.

    Notes
    -----
    Universal inference (Wasserman, Ramdas & Balakrishnan 2020, doi:10.1073/pnas.1922664117): the chance of all trials
    under two rates of their own, each with Jeffreys' prior, over the largest chance that one common rate can give them.
    Whatever that rate is, the denominator is not below its chance, so under it the ratio is at most a martingale that
    begins at one: it ever reaches 1/alpha with probability at most alpha (Ville), however often one looks. The price is
    that it needs about two more units of log-evidence than a test for one look.
    """
    events = np.cumsum(np.asarray(later, dtype=float))
    trials = np.arange(1, len(events) + 1, dtype=float)
    k, n = k_before + events, n_before + trials
    apart = _mixed(np.asarray(k_before), np.asarray(n_before)) + _mixed(events, trials)
    together = special.xlogy(k, k / n) + special.xlogy(n - k, (n - k) / n)
    found: Floats = apart - together
    return found


def difference_of_shares(k_before: int, n_before: int, k_later: int, n_later: int) -> Interval:
    """Give the two-sided 95 % interval of the later share less the earlier one; both samples have a trial.

    References
    ----------
    Newcombe 1998, method 10, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    """
    before, later = wilson(k_before, n_before), wilson(k_later, n_later)
    p, q = k_before / n_before, k_later / n_later
    return Interval(
        lower=q - p - float(np.hypot(q - later.lower, before.upper - p)),
        upper=q - p + float(np.hypot(later.upper - q, p - before.lower)),
        confidence=later.confidence,
        method="Newcombe, two-sided",
    )


def _mixed(events: Floats, trials: Floats) -> Floats:
    """Log-chance of trials in their order under a rate drawn from Jeffreys' prior."""
    found: Floats = special.betaln(events + 0.5, trials - events + 0.5) - special.betaln(0.5, 0.5)
    return found
