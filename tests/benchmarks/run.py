"""`make bench`: how fast policies are judged, histories replayed and questions answered; writes docs/benchmarks.md.

Every section is a module with ``section(*, quick: bool) -> str``, run as a process of its own; each can also be run
alone (``python tests/benchmarks/bench_whatif.py``). Ratios are of one run on one machine: absolute numbers of two
machines, or of a busy one, are not to be compared. `--quick` takes a hundredth and writes nothing, to see that all of
it works; names of sections take only those and write nothing either.
"""

import argparse
from pathlib import Path

import machine
from programs import HERE, section_of

PAGE = HERE.parent.parent / "docs" / "benchmarks.md"
SECTIONS = (
    "bench_policies",
    "bench_replay",
    "bench_rejudge",
    "bench_whatif",
    "bench_suites",
)
"""In the order of the page."""


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a hundredth of it; writes nothing")
    parser.add_argument("sections", nargs="*", help=f"of {', '.join(SECTIONS)}; none means all")
    asked = parser.parse_args()
    busy = machine.load()
    sections = [section_of(name, quick=asked.quick) for name in asked.sections or SECTIONS]
    page = page_of(sections, busy=busy)
    print(page)
    if not asked.quick and not asked.sections:
        Path(PAGE).write_text(page)


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
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
