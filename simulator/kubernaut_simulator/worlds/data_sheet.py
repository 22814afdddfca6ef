"""The data sheet of a generated history: how it was made, what is in it, what is wrong with it, what it is not.

Every figure is counted from the world itself, so that a sheet written anew is never older than its data.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from kubernaut import __version__
from kubernaut.history.codec import kind_of
from kubernaut.history.rows import SCHEMA_VERSION, EvaluationRow, RowKind, WorkflowRow
from kubernaut_simulator.worlds.generate import GeneratedWorld
from kubernaut_simulator.worlds.scenario import Scenario
from kubernaut_simulator.worlds.truth import TRUTH_FILE, TruthRow

_TABLES = {
    RowKind.ATTEMPTS: "one look at one condition: `facts` (what its policy read), `result`, `message`, when",
    RowKind.EVALUATIONS: "one condition of one run: `verdict`, `time_to_pass_s`, `timeout_s`, `required`, `enforced`",
    RowKind.EXECUTIONS: "one run of a step: parameters, target, when the action began and ended",
    RowKind.WORKFLOWS: "one workflow: `outcome`, who said so and when, when the incident was over",
    RowKind.POLICIES: "the Rego behind each digest, with its libraries",
}

_TRUTH_COLUMNS = (
    ("incident_id, workflow_uid, run", "which run; 1 is the incident's first"),
    ("onset_s", "seconds from the start of the world"),
    ("cause", "the latent cause, see below"),
    ("outage", "name of the outage that raised the incident; empty for one on its own"),
    ("good", "the incident ended within the stabilization window: what a perfect label says"),
    ("helped", "it ended because of this run's replicas"),
    ("ran", "the action was carried out"),
    ("ready_after_s", "seconds from the action's end until enough replicas served; null: never within half an hour"),
    ("need", "ready replicas that end the incident"),
    ("shortage, relieved", "not all additional pods found room at once; room came later"),
    ("disturbances", "what happened beside the cause"),
    ("label_wrong", "the recorded outcome says the opposite of `good`"),
)


def data_sheet(world: GeneratedWorld) -> str:
    """Give the data sheet of a world as Markdown."""
    scenario = world.scenario
    first = [row for row in world.truth if row.run == 1]
    workflows = [row for row in world.rows if isinstance(row, WorkflowRow)]
    begun = sorted(row.started_at for row in workflows)
    parts = [
        f"# {scenario.name}: a generated history\n",
        f"{scenario.summary} No real system, team or incident is in it.\n",
        "## How it was made\n",
        f"`kubernaut_simulator.worlds.generate(load_scenario({scenario.name!r}), incidents={len(first)}, "
        f"seed={world.seed})`, engine {__version__}, history schema {SCHEMA_VERSION}. "
        "`python -m kubernaut_simulator.worlds.shipping` writes it anew; the same version gives the same bytes.\n",
        "Incidents with a latent cause strike Deployments of a small cluster. What the cluster shows of it are "
        "Kubernetes objects at virtual times; facts are taken from them by the engine's own extraction, judged by the "
        "shipped policies, and every decision (when to look, what passes, what blocks) is the engine's `decide`. "
        "All conditions are in warn mode: everything is recorded, nothing was stopped, except as said below.\n",
        "## What is in it\n",
        _table(("file", "rows", "one row is"), _files(world)),
        f"Window: {_day(begun[0])} to {_day(begun[-1])} (UTC); {len(first)} incidents, {len(world.truth)} runs (an "
        f"incident may be tried again), {len({row.outage for row in first} - {''})} outages with "
        f"{sum(1 for row in first if row.outage)} incidents. Columns are the fields of "
        "`kubernaut/history/rows.py`; times are UTC instants with microseconds, names ending in `_s` are seconds, "
        "`percent` is 0..100, `facts` is JSON text with CPU as `<n>m` and memory as `<n>Mi`.\n",
        f"`{TRUTH_FILE}` holds what no operator can see. It is not loaded with the history, and nothing that judges or "
        "tunes may read it:\n",
        _table(("column", "meaning"), _TRUTH_COLUMNS),
        "## Causes, and whether the run did good\n",
        _table(("cause (first runs)", "incidents", "good"), _causes(first)),
        _labels(world.truth, workflows),
        "## What is known to be wrong with the conditions\n",
        _table(
            ("condition", "good runs", "failed", "error", "bad runs", "failed or error"),
            _conditions(world),
        ),
        "Counted against the truth, over all runs that evaluated the condition. The history alone does not show "
        "these figures: it has labels, some missing, some late, some wrong.\n",
        "## Parameters\n",
        _parameters(scenario),
        "## Limits\n",
        _LIMITS,
    ]
    return "\n".join(parts)


_LIMITS = """\
- One action, `scale_deployment`, scaling up; one step a workflow; no rollbacks, overrides or later steps.
- The pods of other workloads are one pod a node, constant within an incident; incidents do not share pods or nodes.
- No init containers, volumes, priorities, topology spread; no Events and no samples of the metrics API.
- Whether enough replicas serve decides whether a run did good; real services have more ways to be ill.
- Waits for room are calibrated on a cluster of GPU jobs, which wait longer than web services usually do.
- Labels are wrong independently of conditions and causes; people's mistakes are not.
"""


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _files(world: GeneratedWorld) -> list[tuple[object, ...]]:
    counts = Counter(kind_of(row) for row in world.rows)
    found: list[tuple[object, ...]] = [
        (f"`{kind.value}.parquet`", counts[kind], text) for kind, text in _TABLES.items()
    ]
    return [*found, (f"`{TRUTH_FILE}`", len(world.truth), "what is true of one run")]


def _causes(first: Sequence[TruthRow]) -> list[tuple[object, ...]]:
    counts = Counter(row.cause for row in first)
    good = Counter(row.cause for row in first if row.good)
    rows: list[tuple[object, ...]] = [
        (f"`{cause.value}`", count, good[cause]) for cause, count in sorted(counts.items(), key=lambda c: -c[1])
    ]
    return [*rows, ("all", len(first), sum(good.values()))]


def _labels(truth: Sequence[TruthRow], workflows: Sequence[WorkflowRow]) -> str:
    said = Counter("never" if row.outcome_source is None else row.outcome_source.value for row in workflows)
    sources = ", ".join(f"{source} {count}" for source, count in sorted(said.items()))
    wrong = sum(row.label_wrong for row in truth)
    ages_h = sorted(
        (row.outcome_at - row.finished_at).total_seconds() / 3600
        for row in workflows
        if row.outcome_at is not None and row.finished_at is not None
    )
    late = f"{ages_h[len(ages_h) // 2]:.1f} h at the median, {ages_h[-1]:.0f} h at most" if ages_h else "none"
    return f"Outcomes of the {len(workflows)} runs by source: {sources}; {wrong} are wrong. Age: {late}.\n"


def _conditions(world: GeneratedWorld) -> list[tuple[object, ...]]:
    good = {row.workflow_uid: row.good for row in world.truth}
    counts: dict[str, Counter[tuple[bool, str]]] = {}
    for row in world.rows:
        if isinstance(row, EvaluationRow) and row.verdict.value not in ("Skipped", "Censored"):
            counts.setdefault(str(row.condition), Counter())[good[row.workflow_uid], row.verdict.value] += 1
    rows: list[tuple[object, ...]] = []
    for condition, seen in sorted(counts.items()):
        n_good = sum(count for (is_good, _), count in seen.items() if is_good)
        n_bad = sum(seen.values()) - n_good
        stopped_bad = seen[False, "Failed"] + seen[False, "Error"]
        rows.append(
            (
                f"`{condition}`",
                n_good,
                _share(seen[True, "Failed"], n_good),
                _share(seen[True, "Error"], n_good),
                n_bad,
                _share(stopped_bad, n_bad),
            )
        )
    return rows


def _share(k: int, n: int) -> str:
    return f"{k} ({k / n:.1%})" if n else "0"


def _parameters(scenario: Scenario) -> str:
    timing, room = scenario.timing, scenario.room
    rows = [
        (
            "wait for room when no node fits",
            f"lognormal, median {room.relief.median:g} s, sigma {room.relief.sigma:g}; {1 - room.relieved:.0%} never",
            "waits above 2 s of 8,152 production pods (median 35 s, 95th percentile of all waits 241 s), "
            "of which 897 were never scheduled",
        ),
        (
            "the action's Job",
            f"lognormal, median {timing.action.median:g} s, sigma {timing.action.sigma:g}",
            "108 timed remediation runs (quartiles 7.6, 11.0 and 15.2 s)",
        ),
        ("runs that find no room at once", f"{room.short:.0%} at the mean hour", "chosen"),
        (
            "start to ready",
            f"lognormal, median {timing.start.median:g} s, sigma {timing.start.sigma:g}; "
            f"slow services {timing.slow_start.median:g} s, {timing.slow_start.sigma:g}",
            "chosen",
        ),
        (
            "image pull",
            f"{timing.image_cached:.0%} cached; else lognormal, median {timing.pull.median:g} s, "
            f"sigma {timing.pull.sigma:g}",
            "chosen",
        ),
        ("crash back-off", "10 s, doubled to 300 s", "Kubernetes' kubelet"),
    ]
    fit = _table(("what", "distribution", "from"), rows)
    return fit + "\nEverything else is in the scenario's file and the defaults of `worlds/scenario.py`.\n"


def _day(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d")
