"""`make bench`: how fast policies are judged, histories replayed and questions answered; writes docs/benchmarks.md.

Every section is a module with ``section(*, quick: bool) -> str``, run as a process of its own; each can also be run
alone (``python tests/benchmarks/bench_whatif.py``). Ratios are of one run on one machine: absolute numbers of two
machines, or of a busy one, are not to be compared. `--quick` takes a hundredth and writes nothing, to see that all of
it works; names of sections take only those and write nothing either. `--long` measures what takes much longer, and only
that: what a long generated world holds, and a replay in partitions of ten million evaluations (docs/scale.md). What was
last found is kept beside this file, with the machine that it was found on, and the page quotes it.
"""

import argparse
import json
from pathlib import Path

import machine
from programs import HERE, printed, section_of

LONG = HERE / "long.json"
PAGE = HERE.parent.parent / "docs" / "benchmarks.md"
SECTIONS = (
    "bench_policies",
    "bench_replay",
    "bench_rejudge",
    "bench_whatif",
    "bench_suites",
    "bench_generation",
)
"""In the order of the page."""


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a hundredth of it; writes nothing")
    parser.add_argument("--long", action="store_true", help="only what takes much longer; the page quotes it later")
    parser.add_argument("sections", nargs="*", help=f"of {', '.join(SECTIONS)}; none means all")
    asked = parser.parse_args()
    busy = machine.load()
    if asked.long:
        measure_long(quick=asked.quick, busy=busy)
        return
    sections = [section_of(name, quick=asked.quick) for name in asked.sections or SECTIONS]
    page = page_of(sections, busy=busy)
    print(page)
    if not asked.quick and not asked.sections:
        Path(PAGE).write_text(page)


def measure_long(*, quick: bool, busy: float) -> None:
    """Measure what takes much longer, and keep it."""
    options = ["--quick"] if quick else []
    found = {
        "generation": printed("bench_generation.py", "--memory", *options),
        "machine": dict(machine.described()),
        "load": round(busy, 1),
    }
    text = json.dumps(found, indent=2) + "\n"
    print(text)
    if not quick:
        LONG.write_text(text)
    print(printed("bench_scale.py", *options))


def quoted_long() -> list[str]:
    """Give the lines of the page about what takes much longer."""
    lines = ["## What takes longer", "", "Measured by `python tests/benchmarks/run.py --long`, not with the rest."]
    if LONG.exists():
        kept = json.loads(LONG.read_text())
        on = ", ".join(f"{name} {kept['machine'][name]}" for name in ("processor", "cores", "Python"))
        lines += ["", kept["generation"], f"({on}; load average when it began: {kept['load']:.1f}.)"]
    lines += ["", "What a replay in partitions holds, from a million evaluations to ten: see [scale](scale.md).", ""]
    return lines


def page_of(sections: list[str], *, busy: float) -> str:
    """Write the page."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; do not edit. Ratios within a run are what to compare: absolute numbers depend on the",
        "machine and on what else it does, wall times more than CPU times.",
        "",
        "## Machine",
        "",
        *(f"- {name}: {value}" for name, value in machine.described()),
        f"- load average when it began: {busy:.1f}",
        "",
        *sections,
        *quoted_long(),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
