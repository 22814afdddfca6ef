"""Writes `turnbull.json`: the share passed from intervals as lifelines computes it (`KaplanMeierFitter`, Turnbull).

lifelines needs pandas below 3, so it is no dependency here; its answers are kept instead. To make them again:

    uv venv /tmp/lifelines && uv pip install --python /tmp/lifelines lifelines
    /tmp/lifelines/bin/python tests/simulator/estimation/reference/turnbull_reference.py
"""

import json
from pathlib import Path

import lifelines
import numpy as np
from lifelines import KaplanMeierFitter

BUCKETS_S = np.array([0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0])


OPEN = 1e-6
"""lifelines takes intervals with both ends; ours are open on the left."""


def fitted(lower: np.ndarray, upper: np.ndarray) -> dict:
    model = KaplanMeierFitter().fit_interval_censoring(lower + OPEN, upper, tol=1e-10)
    bounds = model.survival_function_
    times = bounds.index.to_numpy(float)
    finite = np.isfinite(times)
    return {
        "lower_s": lower.tolist(),
        "upper_s": [None if np.isinf(one) else one for one in upper.tolist()],
        "times_s": times[finite].tolist(),
        "survival_upper": bounds["NPMLE_estimate_upper"].to_numpy(float)[finite].tolist(),
        "survival_lower": bounds["NPMLE_estimate_lower"].to_numpy(float)[finite].tolist(),
    }


def main() -> None:
    rng = np.random.default_rng(20260301)
    true = rng.weibull(1.2, 120) * 25
    place = np.searchsorted(BUCKETS_S, true)
    watched = rng.choice([15.0, 45.0, 120.0], 120)
    passed = true <= watched
    buckets = (
        np.where(passed, BUCKETS_S[place - 1], watched),
        np.where(passed, BUCKETS_S[place], np.inf),
    )
    phase, period = rng.uniform(0, 15, 80), 15.0
    true = rng.weibull(1.5, 80) * 40
    first = phase + period * np.floor((true - phase) / period)
    looks = np.maximum(first, 0.0), np.maximum(first + period, phase)
    document = {
        "lifelines": lifelines.__version__,
        "buckets": fitted(*buckets),
        "scrapes": fitted(*looks),
    }
    path = Path(__file__).with_name("turnbull.json")
    path.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
