"""Which columns of which real files the times of a scenario are fitted to, and fitting them anew.

The files are not part of the project; the folder that holds them is an argument. ``python -m
kubernaut_simulator.worlds.real_times FOLDER`` prints `fits.yaml` as it should be. What a source is, and what its fit
does not say, stands here beside the code that reads it, so that the two do not part.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from kubernaut_simulator.worlds.fitting import Fit, Floats, fit_times


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Real times of one kind.

    Attributes
    ----------
    what, source : str
        What was timed; whose data it is.
    used : str
        Field of a scenario whose default comes from the fit; empty when it is shown for comparison only.
    times_s, censored_s : array, unit s
    left_out : str
        Rows that were not used, and why.
    not_described : str
        What the fit does not say.
    """

    what: str
    source: str
    used: str
    times_s: Floats
    censored_s: Floats
    left_out: str
    not_described: str


AT_ONCE_S = 2
"""Waits up to here, in the whole seconds of the file, are those of pods that found room at once."""

KUBENTLY_LIMITS_S = (30.0, 120.0)
"""Runs that end here were ended by a limit: of the agent, and of the harness."""

LIMIT_SLACK_S = 0.1
BROKEN_OFF_S = 1.0
"""Two runs took 0.03 s: requests that broke off, no runs."""


def read_real_times(folder: Path) -> dict[str, Measured]:
    """Read every kind of time from the folder of real files, by its name in `fits.yaml`."""
    return {
        "action": _kubently(folder),
        "analysis": _investigations(folder),
        "relief": _waits_for_room(folder),
        "evaluations": _holmes(folder),
    }


def _kubently(folder: Path) -> Measured:
    seconds = pd.read_csv(folder / "remediation" / "kubently_runs.csv")["duration_s"].to_numpy(float)
    broken = seconds < BROKEN_OFF_S
    limited = np.zeros(len(seconds), dtype=bool)
    for limit_s in KUBENTLY_LIMITS_S:
        limited |= (seconds >= limit_s) & (seconds < limit_s + LIMIT_SLACK_S)
    return Measured(
        what="the action's Job, from dispatch to its end",
        source="108 timed runs of an agent on faults injected into a kind cluster (kubently/kubently, Apache-2.0)",
        used="timing.action",
        times_s=seconds[~broken & ~limited],
        censored_s=np.floor(seconds[limited]),
        left_out=f"{int(broken.sum())} runs of 0.03 s: requests that broke off",
        not_described="Jobs that hang: every run was ended after 120 s at the latest, by the agent or the harness; and "
        "the agent only diagnosed, so that the change itself is not in the time",
    )


def _investigations(folder: Path) -> Measured:
    table = pd.read_csv(folder / "remediation" / "kubernaut_golden_outcomes.csv")
    seconds = table["investigation_ms"].dropna().to_numpy(float) / 1000
    return Measured(
        what="from the alert to the workflow's start: the investigation",
        source="91 transcripts of remediations, those with a time (jordigilh/kubernaut-demo-scenarios, Apache-2.0)",
        used="traffic.analysis",
        times_s=seconds,
        censored_s=np.array([]),
        left_out=f"{len(table) - len(seconds)} transcripts without a time",
        not_described="investigations that came to nothing: the transcripts were kept as good examples; and waiting "
        "for an approval",
    )


def _waits_for_room(folder: Path) -> Measured:
    table = pd.read_csv(folder / "convergence" / "openb_pod_list_default.csv")
    waits = table["scheduled_time"] - table["creation_time"]
    given_up = (table["deletion_time"] - table["creation_time"])[waits.isna()]
    return Measured(
        what="from the first unschedulable pod to room for it",
        source="8,152 pods of a production cluster of GPU jobs (openb trace, "
        "hkust-adsl/kubernetes-scheduler-simulator, Apache-2.0); pods that were deleted before they were scheduled are "
        "censored then",
        used="room.relief",
        times_s=waits[waits > AT_ONCE_S].to_numpy(float),
        censored_s=given_up[given_up > AT_ONCE_S].to_numpy(float),
        left_out=f"{int((waits <= AT_ONCE_S).sum())} pods scheduled within {AT_ONCE_S} s ({int((waits == 0).sum())} in "
        f"second 0, {int((waits == 1).sum())} in 1, {int((waits == 2).sum())} in 2): they found room at once, and "
        f"whole seconds do not tell how soon; {int((given_up <= AT_ONCE_S).sum())} deleted within {AT_ONCE_S} s",
        not_described=f"that {_share_between(waits, 33, 37):.0%} of these waits end between 33 and 37 s, as if the "
        "scheduler tried again every 34 s: no smooth family has such a step; web services; and a share of pods that "
        "would never have got room, which waits that people cut short after 94 s (median) cannot show",
    )


def _share_between(waits: "pd.Series[float]", low_s: float, high_s: float) -> float:
    waited = waits[waits > AT_ONCE_S]
    return float(waited.between(low_s, high_s).mean())


def _holmes(folder: Path) -> Measured:
    every = pd.read_csv(folder / "remediation" / "holmesgpt_eval_outcomes.csv")
    table = every.dropna(subset="duration_s")
    limited = (table["outcome"] == "timeout_or_rate_limit").to_numpy()
    seconds = table["duration_s"].to_numpy(float)
    return Measured(
        what="one question about a broken cluster put to a model",
        source="2,730 evaluations, those with a time (robusta-dev/holmesgpt, Apache-2.0); a timeout or rate limit "
        "censors",
        used="",
        times_s=seconds[~limited],
        censored_s=seconds[limited],
        left_out=f"{len(every) - len(table)} that were not run",
        not_described="the tail: 88 of the 95 censored runs are of one model in one run, nearly all at 1,393 s, one "
        "cause and no 88 independent runs; and differences between models and questions",
    )


def fitted_text(folder: Path) -> str:
    """Fit every kind of time anew and give the text of `fits.yaml`."""
    tree = {
        name: _entry(measured, fit_times(measured.times_s, measured.censored_s))
        for name, measured in read_real_times(folder).items()
    }
    return _HEAD + yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=116, default_flow_style=None)


_HEAD = """\
# Times fitted to real data: figures only, no data. Written by `python -m kubernaut_simulator.worlds.real_times FOLDER`.
# Seconds; sigma is the standard deviation of the natural logarithm; a quantile is [share, measured, low, high, fitted],
# null where the Kaplan-Meier curve (or its 95 % band) does not reach the share.
"""


def _entry(measured: Measured, fit: Fit) -> Mapping[str, object]:
    return {
        "what": measured.what,
        "source": measured.source,
        "used": measured.used,
        "family": fit.family.value,
        "median_s": _round(fit.median_s),
        "sigma": round(fit.sigma, 3),
        "n": fit.n,
        "censored": fit.censored,
        "distance": round(fit.distance, 3),
        "aic": {family.value: round(value, 1) for family, value in fit.aic.items()},
        "quantiles": [
            [entry.share, *map(_round, (entry.measured_s, entry.low_s, entry.high_s, entry.fitted_s))]
            for entry in fit.quantiles
        ],
        "left_out": measured.left_out,
        "not_described": measured.not_described,
    }


def _round(value_s: float | None) -> float | None:
    """Three digits: more than the samples support, few enough to be the same everywhere."""
    return None if value_s is None else float(f"{value_s:.3g}")


def main(arguments: Sequence[str]) -> int:
    """Print `fits.yaml`; gives the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m kubernaut_simulator.worlds.real_times FOLDER\n")
        return 1
    sys.stdout.write(fitted_text(Path(arguments[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
