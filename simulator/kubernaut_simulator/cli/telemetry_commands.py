"""`kubernaut telemetry`: what a Prometheus tells of the past, and conditions judged on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kubernaut_simulator.cli.options import (
    ConfigOption,
    HistoryArguments,
    NamespaceOption,
    OutputFormat,
    OutputOption,
    StrictOption,
    share_between,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kubernaut_simulator.history.problems import Problems
    from kubernaut_simulator.replay.tasks import Conditions
    from kubernaut_simulator.results.base import Result
    from kubernaut_simulator.telemetry.past_runs import PastRun
    from kubernaut_simulator.telemetry.server import PrometheusServer

app = typer.Typer(
    help="Ask a Prometheus about the past: facts, remediations, the operator's figures.", no_args_is_help=True
)

DAY = timedelta(days=1)

UrlOption = Annotated[
    str,
    typer.Option(
        "--url",
        metavar="URL",
        envvar="PROMETHEUS_URL",
        help="Of the Prometheus server, such as http://prometheus:9090.",
    ),
]
LabelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="NAME=VALUE",
        help="Only series with this label, where one Prometheus serves several clusters.",
    ),
]
TokenOption = Annotated[
    Path | None, typer.Option("--token-file", metavar="FILE", help="Its text is sent as a bearer token.")
]
TimeoutOption = Annotated[str, typer.Option("--timeout", metavar="DURATION", help="Of one request, as 30s.")]
SinceInstant = Annotated[
    str | None,
    typer.Option("--since", metavar="INSTANT", help="RFC 3339, with its zone.  [default: a day before --until]"),
]
UntilInstant = Annotated[
    str | None, typer.Option("--until", metavar="INSTANT", help="RFC 3339, with its zone.  [default: now]")
]
FilteredOption = Annotated[
    bool,
    typer.Option(
        "--nothing-filtered",
        help="kube-state-metrics exposes all it has: a metric of pods or nodes without any sample had nothing to tell.",
    ),
]
AgeOption = Annotated[
    str,
    typer.Option("--max-age", metavar="DURATION", help="How old a scrape may be that stands for an instant, as 2m."),
]


class TargetKind(StrEnum):
    """What facts are told of."""

    DEPLOYMENT = "Deployment"
    POD = "Pod"


class Show(StrEnum):
    """Which answer is printed."""

    FALSE_STOPS = "false-stops"
    VERDICTS = "verdicts"
    TIMEOUTS = "timeouts"


@app.command("check")
def check(
    url: UrlOption,
    since: SinceInstant = None,
    until: UntilInstant = None,
    conditions: ConfigOption = None,
    namespace: NamespaceOption = None,
    target: Annotated[
        TargetKind, typer.Option("--target", metavar="KIND", help="Deployment or Pod.")
    ] = TargetKind.DEPLOYMENT,
    nothing_filtered: FilteredOption = False,
    label: LabelOption = None,
    token_file: TokenOption = None,
    timeout: TimeoutOption = "30s",
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Say which facts a Prometheus can rebuild, for which window, and which it cannot and why.

    Example: kubernaut telemetry check --url http://prometheus:9090 --since 2026-03-01T00:00:00Z -n shop
    """
    server = _server(url, label, token_file, timeout)
    from kubernaut_simulator.cli.output import print_result
    from kubernaut_simulator.telemetry.check_result import TelemetryCheck
    from kubernaut_simulator.telemetry.checking import check as run_check

    start, end = _window(since, until)
    checked = run_check(
        server,
        start,
        end,
        target_kind=target.value,
        namespace=_checked_namespace(namespace),
        conditions=_conditions(conditions),
        nothing_filtered=nothing_filtered,
    )
    result = TelemetryCheck(checked=checked, url=url)
    print_result(result, output, columns=result.columns)


@app.command("replay")
def replay(
    url: UrlOption,
    incidents: Annotated[
        Path | None,
        typer.Option(
            "--incidents",
            metavar="FILE",
            help="CSV or JSON Lines with action, target (namespace/name), started_at, finished_at, outcome.",
        ),
    ] = None,
    history: Annotated[
        list[Path] | None,
        typer.Option("--history", metavar="PATH", help="Instead: the runs of a recorded history. May be repeated."),
    ] = None,
    conditions: ConfigOption = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="Keep the rebuilt history there, as Parquet.")
    ] = None,
    show: Annotated[Show, typer.Option("--show", metavar="ANSWER", help=f"{', '.join(Show)}.")] = Show.FALSE_STOPS,
    share: Annotated[
        float,
        typer.Option(
            "--share",
            metavar="SHARE",
            callback=share_between(0.5, 0.999),
            help="For timeouts: share of good runs that shall pass within it (0..1).",
        ),
    ] = 0.95,
    watch: Annotated[
        str | None,
        typer.Option(
            "--watch",
            metavar="DURATION",
            help="How long after the action postconditions are judged.  [default: the longest timeout]",
        ),
    ] = None,
    max_age: AgeOption = "2m",
    nothing_filtered: FilteredOption = False,
    label: LabelOption = None,
    token_file: TokenOption = None,
    timeout: TimeoutOption = "30s",
    strict: StrictOption = False,
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Judge past remediations by conditions, on facts that Prometheus still tells; also by conditions that are new.

    Example: kubernaut telemetry replay --url http://prometheus:9090 --incidents incidents.csv -f conditions.yaml
    """
    server = _server(url, label, token_file, timeout)
    from kubernaut_simulator.cli.loading import progress, tell_problems
    from kubernaut_simulator.cli.output import print_result, say, warn
    from kubernaut_simulator.history.problems import Problems as Trouble
    from kubernaut_simulator.telemetry.remembering import Watching, remember

    problems = Trouble(strict=strict)
    source, runs = _runs(incidents, history, problems, strict=strict)
    watching = Watching(
        watch=None if watch is None else _duration(watch, "--watch"),
        max_age=_duration(max_age, "--max-age"),
        nothing_filtered=nothing_filtered,
    )
    with progress() as shown:
        remembered = remember(
            server,
            runs,
            _conditions(conditions),
            watching=watching,
            problems=problems,
            source=source,
            progress=shown,
        )
    tell_problems(remembered.history.report)
    for note in remembered.notes:
        warn(note)
    if to is not None:
        for path in remembered.history.to_parquet(to):
            say(f"wrote {path}")
    replayed = remembered.history.replay()
    answers: Mapping[Show, Callable[[], Result]] = {
        Show.FALSE_STOPS: replayed.false_stops,
        Show.VERDICTS: lambda: replayed,
        Show.TIMEOUTS: lambda: replayed.timeouts(share=share),
    }
    result = answers[show]()
    print_result(result, output, columns=result.columns)


@app.command("rates")
def rates(
    url: UrlOption,
    since: SinceInstant = None,
    until: UntilInstant = None,
    conditions: ConfigOption = None,
    step: Annotated[
        str | None,
        typer.Option(
            "--step", metavar="DURATION", help="Between two values that are compared.  [default: 30s or more]"
        ),
    ] = None,
    label: LabelOption = None,
    token_file: TokenOption = None,
    timeout: TimeoutOption = "30s",
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Read failure rates and times to pass off the operator's own counters and histograms, where no history was kept.

    Example: kubernaut telemetry rates --url http://prometheus:9090 --since 2026-03-01T00:00:00Z
    """
    server = _server(url, label, token_file, timeout)
    from kubernaut_simulator.cli.output import print_result
    from kubernaut_simulator.telemetry.figures import read_figures
    from kubernaut_simulator.telemetry.figures_result import TelemetryFigures

    start, end = _window(since, until)
    read = read_figures(
        server,
        start,
        end,
        conditions=_conditions(conditions),
        step=None if step is None else _duration(step, "--step"),
    )
    result = TelemetryFigures(figures_read=read)
    print_result(result, output, columns=result.columns)


@app.command("agreement")
def agreement(
    history: HistoryArguments,
    url: UrlOption,
    max_age: AgeOption = "2m",
    nothing_filtered: FilteredOption = False,
    label: LabelOption = None,
    token_file: TokenOption = None,
    timeout: TimeoutOption = "30s",
    strict: StrictOption = False,
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Hold recorded facts against those that Prometheus tells of the same instants, fact by fact.

    Example: kubernaut telemetry agreement history/ --url http://prometheus:9090
    """
    server = _server(url, label, token_file, timeout)
    from kubernaut_simulator.cli.loading import load_history, progress
    from kubernaut_simulator.cli.output import print_result
    from kubernaut_simulator.telemetry.agreement import compare
    from kubernaut_simulator.telemetry.agreement_result import TelemetryAgreement

    loaded = load_history(history, strict=strict)
    with progress() as shown:
        found = compare(
            server,
            loaded,
            max_age=_duration(max_age, "--max-age"),
            nothing_filtered=nothing_filtered,
            progress=shown,
        )
    result = TelemetryAgreement(agreements=found)
    print_result(result, output, columns=result.columns)


def _server(url: str, label: list[str] | None, token_file: Path | None, timeout: str) -> PrometheusServer:
    """Make the server, and say what is not installed before anything is read."""
    from kubernaut.errors import InputError
    from kubernaut_simulator.cli.loading import needs_simulator, read_text

    needs_simulator("prometheus_api_client")
    from kubernaut_simulator.telemetry.server import PrometheusServer

    matchers = {}
    for one in label or ():
        name, equals, value = one.partition("=")
        if not equals:
            raise InputError(f"--label {one!r} is no label; write it as cluster=prod")
        matchers[name] = value
    token = "" if token_file is None else read_text(token_file).strip()
    return PrometheusServer(
        url=url, matchers=matchers, token=token, timeout_s=_duration(timeout, "--timeout").total_seconds()
    )


def _window(since: str | None, until: str | None) -> tuple[datetime, datetime]:
    from kubernaut_simulator.instants import parse_instant

    end = parse_instant(until, "--until") or datetime.now(UTC)
    return parse_instant(since, "--since") or end - DAY, end


def _duration(text: str, option: str) -> timedelta:
    from kubernaut.durations import parse_duration
    from kubernaut.errors import InputError

    seconds = parse_duration(text, where=option)
    if seconds <= 0:
        raise InputError(f"{option} must be above 0s, not {text}")
    return timedelta(seconds=seconds)


def _checked_namespace(namespace: str | None) -> str:
    from kubernaut.errors import InputError
    from kubernaut.kubernetes_names import is_namespace

    if namespace is not None and not is_namespace(namespace):
        raise InputError(f"--namespace {namespace!r} is no name of a namespace")
    return namespace or ""


def _conditions(path: Path | None) -> Conditions:
    from kubernaut_simulator.cli.loading import load_conditions, shipped_conditions

    return load_conditions(path) or shipped_conditions()


def _runs(
    incidents: Path | None, history: list[Path] | None, problems: Problems, *, strict: bool
) -> tuple[str, list[PastRun]]:
    from kubernaut.errors import InputError
    from kubernaut_simulator.cli.loading import load_history
    from kubernaut_simulator.telemetry.past_runs import read_runs, runs_of

    if (incidents is None) == (not history):
        raise InputError("give the runs by --incidents FILE or by --history PATH, one of the two")
    if incidents is not None:
        return str(incidents), read_runs(incidents, problems=problems)
    return "", runs_of(load_history(history or [], strict=strict))
