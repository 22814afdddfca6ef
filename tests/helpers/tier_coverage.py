"""Coverage by tier: what unit tests reach, what tests on an API server reach, what the installed operator reaches.

Each tier is a context of one coverage run: ``unit`` and ``cluster`` are this process while a test of that kind runs,
``api`` is an operator that a test started as a process, ``node`` is the installed one in its pods. The empty context is
the import of modules, which every tier does. Nothing happens where coverage is not measured.

- as a pytest plugin it names the context before each test;
- `process_environment` is for whoever starts an operator as a process;
- `prepare_pod` and `collect_from_pod` carry coverage into a volume of the operator's and its data out again;
- ``python -m helpers.tier_coverage`` prints the figures after a run with ``--cov``.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).resolve().parents[2]

GOALS = {"unit": None, "api": 60, "node": 40}
"""Least share of `kubernaut_operator` in percent; None is only shown."""

_CONTEXTS = {"unit": "^(unit)?$", "api": "^(api|cluster)?$", "node": "^(node)$"}
_IN_POD = "coverage"
"""Folder on the volume."""

_PROCESS = """\
[run]
context = {context}
parallel = true
data_file = {data}
source_pkgs =
    kubernaut
    kubernaut_operator
"""

_PATHS = """\
[run]
parallel = false
[paths]
engine =
    {root}/kubernaut
    */site-packages/kubernaut
operator =
    {root}/operator/kubernaut_operator
    */site-packages/kubernaut_operator
"""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Name the tier for what is measured from here on."""
    measured = coverage.Coverage.current()
    if measured is not None:
        measured.switch_context("cluster" if item.get_closest_marker("cluster") else "unit")


def process_environment() -> dict[str, str]:
    """Give the variables with which a Python process is measured as the tier ``api``; none when nothing is measured."""
    if coverage.Coverage.current() is None:
        return {}
    config = ROOT / ".coverage-api.ini"
    config.write_text(_PROCESS.format(context="api", data=ROOT / ".coverage"))
    return {"COVERAGE_PROCESS_START": str(config)}


def prepare_pod(volume: Path, *, mounted: str) -> Mapping[str, str]:
    """Put coverage onto a volume and give the variables with which Python in the pod is measured.

    Parameters
    ----------
    volume : Path
        Its folder on this machine.
    mounted : str
        Where the pod has it.
    """
    folder = volume / _IN_POD
    source = Path(coverage.__file__).parent
    # Compiled parts are for this machine's Python; coverage does without them where Python can say what runs.
    shutil.copytree(
        source,
        folder / "coverage",
        ignore=shutil.ignore_patterns("*.so", "__pycache__", "htmlfiles"),
        dirs_exist_ok=True,
    )
    (folder / "sitecustomize.py").write_text("import coverage\n\ncoverage.process_startup()\n")
    there = f"{mounted}/{_IN_POD}"
    (folder / "process.ini").write_text(_PROCESS.format(context="node", data=f"{there}/data/pod"))
    data = folder / "data"
    data.mkdir(exist_ok=True)
    data.chmod(0o777)
    return {"PYTHONPATH": there, "COVERAGE_PROCESS_START": f"{there}/process.ini", "COVERAGE_CORE": "sysmon"}


def collect_from_pod(volume: Path) -> int:
    """Put a pod's data beside this run's, with the paths of this checkout, for the end of the run to combine.

    Returns
    -------
    int
        Number of processes that left data.
    """
    folder = volume / _IN_POD / "data"
    found = sorted(str(path) for path in folder.glob("pod.*"))
    if found:
        config = folder / "paths.ini"
        config.write_text(_PATHS.format(root=ROOT))
        combined = coverage.Coverage(data_file=ROOT / f".coverage.pod.{volume.name}", config_file=str(config))
        combined.combine(found, strict=True)
        combined.save()
    return len(found)


def percent(tier: str) -> float:
    """Give a tier's share of `kubernaut_operator` from the combined data of a run.

    Raises
    ------
    subprocess.CalledProcessError
        There is no data, or none of this tier.
    """
    argv = [
        sys.executable,
        "-m",
        "coverage",
        "report",
        f"--contexts={_CONTEXTS[tier]}",
        "--format=total",
        "--precision=1",
    ]
    argv += ["--include=operator/*", "--fail-under=0"]
    done = subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True, env={**os.environ})
    return float(done.stdout)


def _main() -> int:
    missed = 0
    for tier, goal in GOALS.items():
        try:
            share = percent(tier)
        except subprocess.CalledProcessError as error:
            sys.stdout.write(f"coverage of the operator, {tier:>4}: not measured ({error.stdout.strip()})\n")
            missed += goal is not None
            continue
        below = goal is not None and share < goal
        aim = "" if goal is None else f" (goal {goal} %){', BELOW' if below else ''}"
        sys.stdout.write(f"coverage of the operator, {tier:>4}: {share:.1f} %{aim}\n")
        missed += below
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(_main())
