"""The data sheet of a generated history: how it was made, what is in it, what is wrong with it, what it is not.

Every figure is counted from the world itself (`sheet_counts`), so that a sheet written anew is never older than its
data; figures of fits are those of `fits.yaml`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from math import ceil, sqrt
from typing import Any

import yaml

from kubernaut import __version__
from kubernaut.history.rows import SCHEMA_VERSION, RowKind
from kubernaut_simulator.history.streaming import HistoryFormat
from kubernaut_simulator.worlds.fits import KnownFit, known_fits
from kubernaut_simulator.worlds.generate import GeneratedWorld
from kubernaut_simulator.worlds.scenario import Scenario, shipped_scenarios
from kubernaut_simulator.worlds.scenario_parts import Delay
from kubernaut_simulator.worlds.sheet_counts import SheetCounts
from kubernaut_simulator.worlds.truth import COLUMN_MEANINGS, TRUTH_FILE

FAIR_DISTANCE = 0.1
"""Up to this Kolmogorov-Smirnov distance a fit is called a fair one."""

CHANCE = 1.36
"""Kolmogorov's: in 5 % of samples of n times from the fitted family the distance is above this divided by sqrt(n)."""

_TABLES = {
    RowKind.ATTEMPTS: "one look at one condition: `facts` (what its policy read), `result`, `message`, when",
    RowKind.EVALUATIONS: "one condition of one run: `verdict`, `time_to_pass_s`, `timeout_s`, `required`, `enforced`",
    RowKind.EXECUTIONS: "one run of a step: parameters, target, when the action began and ended",
    RowKind.WORKFLOWS: "one workflow: `outcome`, who said so and when, when the incident was over",
    RowKind.POLICIES: "the Rego behind each digest, with its libraries",
}


def data_sheet(world: GeneratedWorld) -> str:
    """Give the data sheet of a world as Markdown."""
    counts = SheetCounts()
    counts.add(world.rows, world.truth)
    return sheet_text(world.scenario, counts, seed=world.seed, start=world.start)


def sheet_text(
    scenario: Scenario,
    counts: SheetCounts,
    *,
    seed: int,
    start: datetime,
    file_format: HistoryFormat = HistoryFormat.PARQUET,
) -> str:
    """Give the data sheet of what was counted as Markdown."""
    window = "none" if counts.begun is None or counts.ended is None else f"{_day(counts.begun)} to {_day(counts.ended)}"
    parts = [
        f"# {scenario.name}: a generated history\n",
        f"{scenario.summary} No real system, team or incident is in it.\n",
        "## How it was made\n",
        _command(scenario, counts.incidents, seed=seed, start=start, file_format=file_format),
        "Incidents with a latent cause strike Deployments of a small cluster. What the cluster shows of it are "
        "Kubernetes objects at virtual times; facts are taken from them by the engine's own extraction, judged by the "
        "shipped policies, and every decision (when to look, what passes, what blocks) is the engine's `decide`. "
        "All conditions are in warn mode: everything is recorded, nothing was stopped, except as said below.\n",
        "What differs from the defaults, which `docs/worlds.md` lists:\n",
        _differences(scenario),
        "## What is in it\n",
        _table(("file", "rows", "one row is"), _files(counts, file_format)),
        f"Window: {window} (UTC); {counts.incidents} incidents, {counts.runs} runs (an "
        f"incident may be tried again), {counts.outages} outages with "
        f"{counts.outage_incidents} incidents. Columns are the fields of "
        "`kubernaut/history/rows.py`, listed with their units in `docs/history.md`; times are UTC instants with "
        "microseconds, names ending in `_s` are seconds, "
        "`percent` is 0..100, `facts` is JSON text with CPU as `<n>m` and memory as `<n>Mi`.\n",
        f"`{TRUTH_FILE}` holds what no operator can see. It is not loaded with the history, and nothing that judges or "
        "tunes may read it:\n",
        _table(("column", "meaning"), COLUMN_MEANINGS.items()),
        "## Causes, and whether the run did good\n",
        _table(("cause (first runs)", "incidents", "good"), _causes(counts)),
        _labels(counts),
        _beside(counts),
        "## What is known to be wrong with the conditions\n",
        _table(
            ("condition", "good runs", "failed", "error", "bad runs", "failed or error"),
            _conditions(counts),
        ),
        "Counted against the truth, over all runs that evaluated the condition. The history alone does not show "
        "these figures: it has labels, some missing, some late, some wrong.\n",
        "## Times\n",
        _table(("what", "distribution", "from"), _times(scenario)),
        "Sigma is the standard deviation of the natural logarithm. Everything else is in the scenario's file and the "
        "defaults of `docs/worlds.md`.\n",
        "## Fits\n",
        "Maximum likelihood, right-censored times counted as at least so long; of three families the one with the "
        "least AIC. The distance is Kolmogorov-Smirnov's, to the Kaplan-Meier curve; measured quantiles have 95 % "
        "intervals, and `-` where the data do not reach them.\n",
        *(_fit(scenario, fit) for fit in known_fits().values()),
        "## Time to pass\n",
        "No real data on it are at hand: in this world it follows from the wait for room and the chosen times from "
        "start to ready. From the action's end to the first look of the hold that passed, good runs that passed; looks "
        "are seconds apart, so that a pass lies up to a look earlier.\n",
        _table(("postcondition", "passed", "50%, s", "90%, s", "95%, s"), _times_to_pass(counts)),
        "## Limits\n",
        LIMITS,
    ]
    return "\n".join(parts)


LIMITS = """\
- One action, `scale_deployment`, scaling up; one step a workflow; no rollbacks, overrides or later steps.
- The pods of other workloads are one pod a node; they move at most once in an incident.
- Incidents do not share pods, nodes or pull secrets. Of others an incident knows how many began in the half hour before
  it, which makes room scarcer; that is how fifty incidents of one outage contend without being played together.
- No init containers, volumes, priorities, topology spread. Whether an image is cached is drawn for each pod, not each
  node. Events tell of missing pull secrets only; there are no samples of the metrics API (no shipped policy reads any).
- Whether enough replicas serve decides whether a run did good; real services have more ways to be ill.
- Waits for room are calibrated on a cluster of GPU jobs, which wait longer than web services usually do; times from
  start to ready, pulls and the shares of causes and disturbances are chosen, not measured.
- Labels are wrong independently of conditions and causes; people's mistakes are not.
- A fit describes the sample that it was made from; see what each does not describe.
"""


def _command(scenario: Scenario, incidents: int, *, seed: int, start: datetime, file_format: HistoryFormat) -> str:
    name = scenario.name if scenario.name in shipped_scenarios() else f"{scenario.name}.yaml"
    form = "" if file_format is HistoryFormat.PARQUET else f" --format {file_format.value}"
    begun = start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f"`kubernaut generate {name} --incidents {incidents} --seed {seed} --start {begun}{form} --out FOLDER`, or "
        f"`generate(load_scenario({name!r}), incidents={incidents}, seed={seed})` of "
        f"`kubernaut_simulator.worlds.generate`; engine {__version__}, history schema {SCHEMA_VERSION}. The same "
        "version gives the same bytes. `python -m kubernaut_simulator.worlds.shipping` writes the shipped histories "
        "anew.\n"
    )


def _differences(scenario: Scenario) -> str:
    tree = scenario.model_dump(mode="json", exclude_defaults=True, exclude={"version", "name", "summary", "policies"})
    if scenario.policies:
        tree["policies"] = dict.fromkeys(sorted(scenario.policies), "see the policies' file")
    if not tree:
        return "nothing.\n"
    text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None)
    return f"```yaml\n{text}```\n"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _files(counts: SheetCounts, file_format: HistoryFormat) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = [
        (f"`{kind.value}.{file_format.value}`", counts.rows[kind], text) for kind, text in _TABLES.items()
    ]
    return [*found, (f"`{TRUTH_FILE}`", counts.runs, "what is true of one run")]


def _causes(counts: SheetCounts) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [
        (f"`{cause.value}`", count, counts.good_causes[cause])
        for cause, count in sorted(counts.causes.items(), key=lambda c: (-c[1], c[0]))
    ]
    return [*rows, ("all", counts.incidents, sum(counts.good_causes.values()))]


def _labels(counts: SheetCounts) -> str:
    sources = ", ".join(f"{source} {count}" for source, count in sorted(counts.sources.items()))
    ages_h = sorted(age_s / 3600 for age_s in counts.label_ages_s)
    late = f"{ages_h[len(ages_h) // 2]:.1f} h at the median, {ages_h[-1]:.0f} h at most" if ages_h else "none"
    return f"Outcomes of the {counts.runs} runs by source: {sources}; {counts.wrong_labels} are wrong. Age: {late}.\n"


def _beside(counts: SheetCounts) -> str:
    if not counts.disturbances:
        return "Nothing happened beside the causes.\n"
    found = ", ".join(f"{name} {count}" for name, count in sorted(counts.disturbances.items()))
    return f"Beside the cause, in how many runs: {found}.\n"


def _conditions(counts: SheetCounts) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for condition, seen in sorted(counts.verdicts.items()):
        n_good = sum(count for (is_good, _), count in seen.items() if is_good)
        n_bad = sum(seen.values()) - n_good
        rows.append(
            (
                f"`{condition}`",
                n_good,
                _share(seen[True, "Failed"], n_good),
                _share(seen[True, "Error"], n_good),
                n_bad,
                _share(_stopped(seen), n_bad),
            )
        )
    return rows


def _times_to_pass(counts: SheetCounts) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for condition, times_s in sorted(counts.times_to_pass_s.items()):
        ordered = sorted(times_s)
        # The smallest time that the share has reached, as Kaplan-Meier without censoring gives it.
        rows.append(
            (
                f"`{condition}`",
                len(ordered),
                *(f"{ordered[ceil(share * len(ordered)) - 1]:.1f}" for share in (0.5, 0.9, 0.95)),
            )
        )
    return rows


def _stopped(seen: Counter[tuple[bool, str]]) -> int:
    return seen[False, "Failed"] + seen[False, "Error"]


def _share(k: int, n: int) -> str:
    return f"{k} ({k / n:.1%})" if n else "0"


def _times(scenario: Scenario) -> list[tuple[object, ...]]:
    timing, traffic, room = scenario.timing, scenario.traffic, scenario.room
    chosen: list[tuple[object, ...]] = [
        ("from the onset to the alert", _words(traffic.detection), "chosen"),
        (
            "runs that find no room at once",
            f"{room.short:.0%} at the mean hour; {1 - room.relieved:.0%} of them never",
            "chosen",
        ),
        ("scheduling of a pod that finds room", _words(timing.scheduling), "chosen"),
        ("image pull", f"{timing.image_cached:.0%} cached; else {_words(timing.pull)}", "chosen"),
        ("start to ready", f"{_words(timing.start)}; slow services {_words(timing.slow_start)}", "chosen"),
        ("crash back-off", "10 s, doubled to 300 s", "Kubernetes' kubelet"),
        ("eviction from a lost node", "300 s", "Kubernetes' default toleration"),
    ]
    fitted = [
        (fit.what, _words(delay), f"fitted, below: {fit.n} times" if _as_fitted(delay, fit) else "the scenario")
        for fit in known_fits().values()
        if (delay := _delay(scenario, fit)) is not None
    ]
    return [*fitted, *chosen]


def _delay(scenario: Scenario, fit: KnownFit) -> Delay | None:
    """Give the scenario's delay that a fit is the default of; None for a fit that is shown for comparison."""
    at: Any = scenario
    for name in filter(None, fit.used.split(".")):
        at = getattr(at, name)
    return at if isinstance(at, Delay) else None


def _as_fitted(delay: Delay, fit: KnownFit) -> bool:
    return (delay.family, delay.median, delay.sigma) == (fit.family, fit.median_s, fit.sigma)


def _words(delay: Delay) -> str:
    return f"{delay.family.value}, median {delay.median:g} s, sigma {delay.sigma:g}, at most {delay.at_most:g} s"


def _fit(scenario: Scenario, fit: KnownFit) -> str:
    delay = _delay(scenario, fit)
    if delay is None:
        use = "for comparison only"
    elif _as_fitted(delay, fit):
        use = f"`{fit.used}`"
    else:
        use = f"the default of `{fit.used}`, which this scenario sets itself"
    aic = ", ".join(f"{family.value} {value:g}" for family, value in fit.aic.items())
    text = (
        f"**{fit.what}** ({use}): {fit.family.value}, median {fit.median_s:g} s, sigma {fit.sigma:g}; n {fit.n}, "
        f"censored {fit.censored}; distance {fit.distance:g}, {_verdict(fit)}; AIC {aic}.\n"
    )
    rows = [
        (
            f"{share or 0:.0%}",
            _seconds(measured),
            f"{_seconds(low)} to {_seconds(high)}",
            _seconds(fitted),
        )
        for share, measured, low, high, fitted in fit.quantiles
    ]
    return "\n".join(
        [
            text,
            _table(("quantile", "measured, s", "interval, s", "fitted, s"), rows),
            f"From {fit.source}. Left out: {fit.left_out}. Not described: {fit.not_described}.\n",
        ]
    )


def _verdict(fit: KnownFit) -> str:
    if fit.distance <= FAIR_DISTANCE:
        return "a fair fit"
    if fit.distance <= CHANCE / sqrt(fit.n):
        return "no more than chance gives with so few times"
    return "a bad fit"


def _seconds(value_s: float | None) -> str:
    return "-" if value_s is None else f"{value_s:g}"


def _day(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d")
