"""Which of our numbers are compared with other programs that have the same method, and by which test.

Worlds of known truth show that a method keeps its promise; another program shows that it is the method it says it is.
The tests hold this list against the files: each test is there, and speaks of the program.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossCheck:
    """One comparison.

    Attributes
    ----------
    number : str
        What of ours is compared.
    with_ : str
        The other program and its function.
    file, test : str
        Where, from the root of the repository.
    program : str
        What the file imports, or names.
    """

    number: str
    with_: str
    file: str
    test: str
    program: str


_ESTIMATION = "tests/simulator/estimation"
CROSS_CHECKS = (
    CrossCheck(
        number="Clopper-Pearson limits",
        with_="statsmodels `proportion_confint`, scipy `binomtest`",
        file=f"{_ESTIMATION}/test_rates.py",
        test="test_limits_are_those_of_scipy_and_statsmodels",
        program="statsmodels",
    ),
    CrossCheck(
        number="Wilson interval",
        with_="statsmodels `proportion_confint`",
        file=f"{_ESTIMATION}/test_rates.py",
        test="test_wilson_is_that_of_statsmodels",
        program="statsmodels",
    ),
    CrossCheck(
        number="design effect",
        with_="statsmodels `OLS`, cluster-robust covariance",
        file=f"{_ESTIMATION}/test_clustering.py",
        test="test_the_variance_is_that_of_a_cluster_robust_mean",
        program="statsmodels",
    ),
    CrossCheck(
        number="Holm's adjusted p-values",
        with_="statsmodels `multipletests`",
        file=f"{_ESTIMATION}/test_multiplicity.py",
        test="test_holm_is_that_of_statsmodels",
        program="statsmodels",
    ),
    CrossCheck(
        number="incomplete beta function of the test martingale",
        with_="scipy `betainc`",
        file="tests/kubernaut/enforcement/test_martingale.py",
        test="test_the_incomplete_beta_function_agrees_with_scipy",
        program="scipy",
    ),
    CrossCheck(
        number="evidence of the gate, closed form",
        with_="scipy `quad`, the integral itself",
        file="tests/kubernaut/enforcement/test_martingale.py",
        test="test_the_closed_form_is_the_integral_it_stands_for",
        program="scipy",
    ),
    CrossCheck(
        number="Kaplan-Meier curve, Greenwood's limit",
        with_="lifelines `KaplanMeierFitter` (recorded answers)",
        file=f"{_ESTIMATION}/test_survival.py",
        test="test_curve_and_greenwood_limit_are_those_of_lifelines",
        program="lifelines",
    ),
    CrossCheck(
        number="Kaplan-Meier curve and runs at risk",
        with_="statsmodels `SurvfuncRight`",
        file=f"{_ESTIMATION}/test_survival.py",
        test="test_curve_and_risk_sets_are_those_of_statsmodels",
        program="statsmodels",
    ),
    CrossCheck(
        number="runs that turned out fatal",
        with_="lifelines `AalenJohansenFitter` (recorded answers)",
        file=f"{_ESTIMATION}/test_survival.py",
        test="test_a_fatal_run_counts_as_aalen_johansen_counts_a_competing_event",
        program="lifelines",
    ),
    CrossCheck(
        number="Kaplan-Meier curve on recorded pods",
        with_="statsmodels `SurvfuncRight`",
        file="tests/realdata/test_real_histories.py",
        test="test_the_curve_is_that_of_statsmodels",
        program="statsmodels",
    ),
    CrossCheck(
        number="difference of shares by assigned arm, stratified",
        with_="statsmodels `StratifiedTable` (Mantel-Haenszel)",
        file="tests/simulator/effect/test_effect_differences.py",
        test="test_the_estimate_is_the_one_of_mantel_and_haenszel",
        program="statsmodels",
    ),
)
