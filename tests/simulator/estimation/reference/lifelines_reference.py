"""Writes `lifelines.json`: Kaplan-Meier and Aalen-Johansen as lifelines computes them.

lifelines needs pandas below 3, so it is no dependency here; its answers are kept instead. To make them again:

    uv venv /tmp/lifelines && uv pip install --python /tmp/lifelines lifelines
    /tmp/lifelines/bin/python tests/simulator/estimation/reference/lifelines_reference.py
"""

import json
from pathlib import Path

import lifelines
import numpy as np
from lifelines import AalenJohansenFitter, KaplanMeierFitter
from lifelines.datasets import load_waltons


def kaplan_meier(time: np.ndarray, observed: np.ndarray) -> dict:
    fitted = KaplanMeierFitter(alpha=0.10).fit(time, observed)
    events = fitted.event_table.index[fitted.event_table["observed"] > 0]
    survival = fitted.survival_function_at_times(events)
    interval = fitted.confidence_interval_survival_function_.loc[events]
    return {
        "time_s": time.tolist(),
        "observed": observed.astype(int).tolist(),
        "event_times": events.tolist(),
        "survival": survival.tolist(),
        "survival_upper_one_sided_95": interval.iloc[:, 1].tolist(),
    }


def aalen_johansen(time: np.ndarray, kind: np.ndarray) -> dict:
    fitted = AalenJohansenFitter(calculate_variance=False, jitter_level=0.0, seed=1).fit(
        time, kind, event_of_interest=1
    )
    at = np.unique(time[kind == 1])
    return {
        "time_s": time.tolist(),
        "kind": kind.astype(int).tolist(),
        "event_times": at.tolist(),
        "incidence": [float(fitted.cumulative_density_.iloc[:, 0].asof(t)) for t in at],
    }


def main() -> None:
    rng = np.random.default_rng(20250301)
    time = np.round(rng.weibull(1.3, 80) * 40, 0) + 1
    cut = np.round(rng.uniform(10, 90, 80), 0) + 1
    waltons = load_waltons()
    distinct = rng.permutation(np.arange(1.0, 61.0))
    document = {
        "lifelines": lifelines.__version__,
        "kaplan_meier": {
            "generated": kaplan_meier(np.minimum(time, cut), time <= cut),
            "waltons": kaplan_meier(waltons["T"].to_numpy(float), waltons["E"].to_numpy(int)),
        },
        "aalen_johansen": {"pass_or_fatal": aalen_johansen(distinct, np.where(rng.random(60) < 0.15, 2, 1))},
    }
    path = Path(__file__).with_name("lifelines.json")
    path.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
