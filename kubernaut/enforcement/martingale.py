"""Sequential evidence about a rate: one-sided Beta-mixture test martingales, with nothing but `math`.

The block budget watches enforced blocks in the operator, and the gate of a tuning watches false stops in the
simulator. Both look after every incident and stop when they have seen enough, which a fixed-sample test does
not survive; a test martingale does. Why own code: the operator's image has no scipy, and the regularized
incomplete beta function is the only thing that is missing from `math`. The tests compare it with
`scipy.special`.

The module knows counts and a rate, not what was counted.
"""

import math

MAX_ITERATIONS_BASE = 500
MAX_ITERATIONS_PER_ROOT = 12.0
"""The continued fraction converges in O(sqrt(max(a, b))) steps (Numerical Recipes, section 6.4); twelve times
that and 500 more is far above what any argument needs, so reaching it means rubbish."""

RELATIVE_PRECISION = 1e-15
TINY = 1e-300
"""Stands in for a zero denominator in Lentz's method."""


def log_beta(a: float, b: float) -> float:
    """Give the logarithm of the complete beta function B(a, b), for a, b > 0."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def log_incomplete_beta(x: float, a: float, b: float) -> float:
    """Give the logarithm of the incomplete beta function: the integral of t^(a-1) (1-t)^(b-1) from 0 to x.

    Parameters
    ----------
    x : float
        0..1.
    a, b : float
        Above 0.

    Returns
    -------
    float
        Not regularized: at x = 1 it is `log_beta(a, b)`; at x = 0 it is minus infinity.

    Raises
    ------
    ValueError
        An argument outside its range.

    Notes
    -----
    Below the turning point x = (a+1)/(a+b+2) the continued fraction converges fast and the value stays in
    logarithms, so that nothing underflows however many incidents were counted. Above it the complement is
    taken: x lies beyond the mean there, so what is left after the subtraction is not small.

    References
    ----------
    NIST Digital Library of Mathematical Functions, 8.17.22 (continued fraction) and 8.17.4 (complement).
    Press et al., Numerical Recipes, 3rd edition, section 6.4 (modified Lentz evaluation and the turning
    point).
    """
    if not 0 <= x <= 1 or a <= 0 or b <= 0:
        raise ValueError(f"log_incomplete_beta({x}, {a}, {b}): needs 0 <= x <= 1 and a, b > 0")
    if x == 0:
        return -math.inf
    if x == 1:
        return log_beta(a, b)
    if x < (a + 1) / (a + b + 2):
        return _log_by_fraction(x, a, b)
    whole = log_beta(a, b)
    return whole + math.log1p(-math.exp(_log_by_fraction(1 - x, b, a) - whole))


def _log_by_fraction(x: float, a: float, b: float) -> float:
    """Evaluate DLMF 8.17.22 by modified Lentz: log of x^a (1-x)^b / (a (1 + d1/(1 + d2/(1 + ...))))."""
    c = 1.0
    d = 1.0 / _nonzero(1.0 - (a + b) * x / (a + 1.0))
    fraction = d
    limit = int(MAX_ITERATIONS_BASE + MAX_ITERATIONS_PER_ROOT * math.sqrt(a + b))
    for m in range(1, limit):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1.0 / _nonzero(1.0 + even * d)
        c = _nonzero(1.0 + even / c)
        fraction *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1.0 / _nonzero(1.0 + odd * d)
        c = _nonzero(1.0 + odd / c)
        step = d * c
        fraction *= step
        if abs(step - 1.0) < RELATIVE_PRECISION * 4:
            return a * math.log(x) + b * math.log1p(-x) + math.log(fraction) - math.log(a)
    raise ValueError(f"the incomplete beta function did not converge at x={x}, a={a}, b={b}")


def _nonzero(value: float) -> float:
    return value if abs(value) > TINY else TINY


def log_evidence_below(k: int, n: int, p0: float, *, a: float = 1.0, b: float = 1.0) -> float:
    """Give the log-evidence, after k events in n trials, that the rate is below `p0`.

    Parameters
    ----------
    k : int
        Events seen.
    n : int
        Trials seen, in their order; the order does not change the value, but every trial must be counted
        once.
    p0 : float
        H0: in every trial, given what came before, the probability of an event is at least `p0` (0..1).
    a, b : float
        The alternative's Beta prior, before it is cut off at `p0`. The default is flat.

    Returns
    -------
    float
        Logarithm of the test martingale; 0 before the first trial. Reject H0 the first time it reaches
        `log_threshold(alpha)`: under H0 that ever happens with probability at most alpha, whenever one stops.
        Infinite when H0 has become impossible (p0 = 1 and a trial without event).

    Notes
    -----
    With the prior Beta(a, b) cut off to q < p0 the mixture of likelihood ratios has the closed form ::

        M_n = integral over q < p0 of (q/p0)^k ((1-q)/(1-p0))^(n-k) dBeta(q)
            = B(p0; a+k, b+n-k) / (B(p0; a, b) p0^k (1-p0)^(n-k))

    where B(x; a, b) is the incomplete beta function.

    Why it holds for the whole of H0 and not at p0 only: given the past let the next event have probability p
    >= p0. For one q < p0 the factor's expectation is p q/p0 + (1-p) (1-q)/(1-p0). It is linear in p, equals 1
    at p = p0, and its slope q/p0 - (1-q)/(1-p0) is negative, because q < p0 makes the first term below 1 and
    the second above 1. So the expectation is at most 1 for every p >= p0: each ratio is a nonnegative
    supermartingale, hence so is their mixture (Tonelli), and Ville's inequality bounds the chance that it
    ever reaches 1/alpha by alpha. A prior reaching beyond p0 would break this: there the slope is positive.
    The probability may drift from trial to trial as long as it stays at or above `p0`; what does break it is
    counting a trial by its result (labels that arrive late).

    References
    ----------
    Ville, J. (1939). Étude critique de la notion de collectif. Gauthier-Villars.
    Robbins, H. (1970). Statistical methods related to the law of the iterated logarithm.
    doi:10.1214/aoms/1177696786 Ramdas, A., Grünwald, P., Vovk, V., Shafer, G. (2023). Game-theoretic
    statistics and safe anytime-valid inference. doi:10.1214/23-STS894
    """
    _check(k, n, p0)
    if p0 == 0 or n == 0:
        return 0.0
    if p0 == 1:
        return math.inf if k < n else log_beta(a + k, b) - log_beta(a, b)
    mixture = log_incomplete_beta(p0, a + k, b + n - k) - log_incomplete_beta(p0, a, b)
    return mixture - k * math.log(p0) - (n - k) * math.log1p(-p0)


def log_evidence_above(k: int, n: int, p0: float, *, a: float = 1.0, b: float = 1.0) -> float:
    """Give the log-evidence, after k events in n trials, that the rate is above `p0`.

    Notes
    -----
    The mirror image of `log_evidence_below`: an event of rate above p0 is a non-event of rate below 1 - p0.
    H0 is "at most `p0` in every trial"; the prior Beta(a, b) is cut off to q > p0.
    """
    _check(k, n, p0)
    return log_evidence_below(n - k, n, 1.0 - p0, a=b, b=a)


def log_threshold(alpha: float) -> float:
    """Give the log-evidence that rejects H0 with error probability at most `alpha` (Ville: 1/alpha)."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; an error probability lies between 0 and 1")
    return -math.log(alpha)


def _check(k: int, n: int, p0: float) -> None:
    if not 0 <= k <= n:
        raise ValueError(f"{k} events in {n} trials: there cannot be more events than trials")
    if not 0 <= p0 <= 1:
        raise ValueError(f"a rate of {p0} is not between 0 and 1")
