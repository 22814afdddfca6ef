"""Fits of times: parameters found again, censoring counted as censoring, and the figures kept true to the real files."""

from importlib.resources import files

import numpy as np
import pytest
import yaml
from helpers.real_objects import real_data
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.worlds.fits import known_fits
from kubernaut_simulator.worlds.fitting import distribution, fit_times
from kubernaut_simulator.worlds.pod_life import draw_delay
from kubernaut_simulator.worlds.real_times import fitted_text, main
from kubernaut_simulator.worlds.scenario import Scenario
from kubernaut_simulator.worlds.scenario_parts import Delay
from kubernaut_simulator.worlds.streams import Family, Stream
from scipy import stats

from kubernaut.errors import InputError

REAL = real_data()
needs_real_data = pytest.mark.skipif(REAL is None, reason="KUBERNAUT_REAL_DATA is not set: no real files to fit")


def drawn(family, *, median_s=20.0, sigma=0.8, n=3000):
    delay = Delay(median=median_s, sigma=sigma, family=family, at_most="100h")
    stream = Stream(7, "fitting", family)
    return np.array([draw_delay(stream, delay) for _ in range(n)])


@pytest.mark.parametrize("family", Family)
def test_what_a_scenario_draws_is_fitted_again(family):
    fit = fit_times(drawn(family))

    assert fit.family is family
    assert fit.median_s == pytest.approx(20, rel=0.1)
    assert fit.sigma == pytest.approx(0.8, rel=0.1)
    assert fit.distance < 0.02
    assert fit.aic[family] == min(fit.aic.values())


@pytest.mark.parametrize("family", Family)
def test_what_is_drawn_has_the_distribution_that_is_said(family):
    said = distribution(family, median_s=20, sigma=0.8)

    assert stats.kstest(drawn(family), said.cdf).pvalue > 0.01
    assert said.median() == pytest.approx(20)
    assert np.log(said.rvs(20_000, random_state=1)).std() == pytest.approx(0.8, rel=0.05)


def test_censored_times_are_no_short_ones():
    times = drawn(Family.LOGNORMAL)
    limit_s = 25.0
    inside = times[times <= limit_s]
    censored = np.full((times > limit_s).sum(), limit_s)

    fit = fit_times(inside, censored)

    assert (fit.n, fit.censored) == (len(times), len(censored))
    assert fit.median_s == pytest.approx(20, rel=0.1)
    assert fit.sigma == pytest.approx(0.8, rel=0.15)
    assert fit_times(inside).median_s < 14
    assert [entry.measured_s is None for entry in fit.quantiles] == [False, True, True, True]


def test_the_interval_of_a_quantile_covers_it_as_often_as_said():
    truth = distribution(Family.LOGNORMAL, median_s=20, sigma=0.8)
    covered = 0
    for number in range(40):
        first = fit_times(truth.rvs(80, random_state=number)).quantiles[0]
        covered += first.low_s <= 20 <= first.high_s

    assert covered >= 35


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(0.01, 1e5), min_size=20, max_size=60), st.lists(st.floats(0.01, 1e5), max_size=20))
def test_any_times_have_a_fit_that_can_be_shown(times, censored):
    if len(set(times)) == 1:
        return
    fit = fit_times(times, censored)

    assert np.isfinite([fit.median_s, fit.sigma, fit.distance, *fit.aic.values()]).all()
    assert 0 <= fit.distance <= 1
    for entry in fit.quantiles:
        found = [value for value in (entry.low_s, entry.measured_s, entry.high_s) if value is not None]
        assert found == sorted(found)


@pytest.mark.parametrize(
    ("times", "message"), [([1.0] * 19, "19 measured times are too few"), ([0.0] * 30, "a time is not above zero")]
)
def test_what_cannot_be_fitted(times, message):
    with pytest.raises(InputError, match=message):
        fit_times(times)


@pytest.mark.parametrize("name", ["action", "analysis", "relief"])
def test_a_fit_is_the_default_of_the_field_that_it_names(name):
    fit = known_fits()[name]
    at = Scenario(name="own", summary="Own.")
    for part in fit.used.split("."):
        at = getattr(at, part)

    assert (at.family, at.median, at.sigma) == (fit.family, fit.median_s, fit.sigma)


@needs_real_data
@pytest.mark.realdata
def test_the_figures_are_those_of_the_real_files():
    now = yaml.safe_load(fitted_text(REAL))
    kept = yaml.safe_load((files("kubernaut_simulator.worlds") / "fits.yaml").read_text())

    assert now.keys() == kept.keys()
    for name, entry in now.items():
        for field in ("median_s", "sigma", "distance"):
            assert entry[field] == pytest.approx(kept[name][field], rel=0.01), (name, field)
        for field in ("family", "n", "censored", "left_out", "not_described", "source", "used", "what"):
            assert entry[field] == kept[name][field], (name, field)
        assert np.array(entry["quantiles"], float) == pytest.approx(
            np.array(kept[name]["quantiles"], float), rel=0.01, nan_ok=True
        )


@needs_real_data
@pytest.mark.realdata
def test_the_command_prints_the_file(capsys):
    assert main([str(REAL)]) == 0
    assert capsys.readouterr().out == fitted_text(REAL)


def test_the_command_says_how_it_is_used(capsys):
    assert main([]) == 1
    assert "usage: python -m kubernaut_simulator.worlds.real_times FOLDER" in capsys.readouterr().err
