"""`kubernaut generate`: history of incidents that never happened, with the truth about each in a file apart."""

from __future__ import annotations

import secrets
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kubernaut_simulator.cli.options import OutputFormat, OutputOption

if TYPE_CHECKING:
    from kubernaut_simulator.worlds.writing import Written

LARGEST_SEED = 2**31
"""Of seeds drawn here: short enough to be typed again."""


class Target(StrEnum):
    """What is written."""

    PARQUET = "parquet"
    JSONL = "jsonl"
    JSONL_GZ = "jsonl.gz"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("generate")(generate)


def generate(
    scenario: Annotated[
        str | None,
        typer.Argument(
            metavar="SCENARIO", help="A shipped scenario by its name, or a YAML file. Without it: list them."
        ),
    ] = None,
    incidents: Annotated[
        int, typer.Option("--incidents", metavar="N", min=1, help="How many incidents; each has one run or more.")
    ] = 500,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", metavar="S", min=0, help="The same seed gives the same bytes. Drawn and printed if left out."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Folder to write; needed with a scenario.")
    ] = None,
    target: Annotated[
        Target, typer.Option("--format", metavar="FORMAT", help="parquet, jsonl or jsonl.gz.")
    ] = Target.PARQUET,
    start: Annotated[
        str | None,
        typer.Option(
            "--start",
            metavar="INSTANT",
            help="Where the world begins, RFC 3339; a Monday's midnight in UTC keeps the week's rhythm. "
            "Default: 2026-01-05T00:00:00Z.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            metavar="J",
            min=1,
            help="Processes; what comes out does not depend on it. Default: one a core, one for a small world.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write into a folder that holds files; an earlier world in it is replaced.")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="List the shipped scenarios.")] = False,
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Generate a history with known truth: incidents, runs, verdicts, outcomes.

    The history is read by every other command. What is true of each run lies beside it in _truth.parquet, which no
    command reads; README.md says how the world was made and what it is not. docs/worlds.md shows how a scenario is
    written. -o is the format of the list.

    Example: kubernaut generate steady --incidents 500 --seed 7 --out out/steady
    """
    from kubernaut.errors import InputError
    from kubernaut_simulator.cli.loading import needs_simulator

    needs_simulator()
    if scenario is None or listed:
        _list(output)
        return
    if out is None:
        raise InputError("--out is missing: name the folder to write, e.g. --out out/" + Path(scenario).stem)
    _check_folder(out, force=force)
    _say_what_came(_write(scenario, out, incidents=incidents, seed=seed, start=start, target=target, jobs=jobs))


def _write(
    scenario: str, out: Path, *, incidents: int, seed: int | None, start: str | None, target: Target, jobs: int | None
) -> tuple[int, Written]:
    from kubernaut_simulator.cli.loading import progress
    from kubernaut_simulator.cli.output import warn
    from kubernaut_simulator.history.streaming import HistoryFormat
    from kubernaut_simulator.instants import parse_instant
    from kubernaut_simulator.worlds.generate import START
    from kubernaut_simulator.worlds.scenario import load_scenario
    from kubernaut_simulator.worlds.writing import write_world

    loaded = load_scenario(scenario)
    begin = parse_instant(start, "--start") or START
    if (begin.weekday(), begin.timetz().isoformat()) != (0, START.timetz().isoformat()):
        warn("--start is no midnight (UTC) of a Monday: nights and weekends of the world are not the calendar's")
    chosen = _drawn() if seed is None else seed
    with progress() as shown:
        written = write_world(
            loaded,
            out,
            incidents=incidents,
            seed=chosen,
            start=begin,
            file_format=HistoryFormat(target.value),
            jobs=jobs,
            progress=shown,
        )
    return chosen, written


def _drawn() -> int:
    """Draw a seed and say so before the work: who breaks it off may want the same world again."""
    from kubernaut_simulator.cli.output import say

    seed = secrets.randbelow(LARGEST_SEED)
    say(f"seed {seed} was drawn; --seed {seed} makes the same world again")
    return seed


def _say_what_came(made: tuple[int, Written]) -> None:
    from kubernaut_simulator.cli.output import say

    seed, written = made
    counts = written.counts
    good = sum(counts.good_causes.values())
    say(f"seed {seed}: {counts.incidents:,} incidents, {counts.runs:,} runs, {sum(counts.rows.values()):,} rows")
    say(f"{good:,} first runs did good; {counts.wrong_labels:,} of {counts.runs:,} outcomes are recorded wrongly")
    for path in written.paths:
        say(f"wrote {path}")
    say(f"next: kubernaut replay {written.paths[0].parent}")


def _check_folder(out: Path, *, force: bool) -> None:
    from kubernaut.errors import InputError
    from kubernaut_simulator.output_files import check_writable

    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; --out names a folder")
    held = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
    if held and not force:
        some = ", ".join(held[:3]) + (f" and {len(held) - 3} more" if len(held) > 3 else "")
        raise InputError(f"{out} holds {some}; name another folder, or replace them with --force")
    check_writable(out, folder=True)


def _list(output: OutputFormat) -> None:
    from kubernaut_simulator.cli.output import print_records
    from kubernaut_simulator.worlds.scenario import load_scenario, shipped_scenarios

    records = [{"scenario": name, "summary": load_scenario(name).summary} for name in shipped_scenarios()]
    print_records(records, output, title="Scenarios")
