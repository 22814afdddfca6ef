"""The generated histories that come with the project, and writing them anew.

``python -m kubernaut_simulator.worlds.shipping [FOLDER]`` is to be run after a change of policies, settings,
engine or generator; a test says when that was forgotten.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from kubernaut_simulator.worlds.generate import GeneratedWorld, generate
from kubernaut_simulator.worlds.scenario import load_scenario
from kubernaut_simulator.worlds.writing import write_world


class Shipped(NamedTuple):
    """How one shipped history is made."""

    incidents: int
    seed: int


SHIPPED: Mapping[str, Shipped] = {
    "steady": Shipped(incidents=600, seed=1),
    "bad-policy": Shipped(incidents=400, seed=2),
}
"""By scenario, which is also the folder's name."""


def make(name: str, *, incidents: int | None = None) -> GeneratedWorld:
    """Make a shipped history, or its first `incidents` incidents."""
    shipped = SHIPPED[name]
    return generate(load_scenario(name), incidents=incidents or shipped.incidents, seed=shipped.seed)


def write_all(folder: Path) -> list[Path]:
    """Write every shipped history with its data sheet below `folder`; gives the paths.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    written: list[Path] = []
    for name, shipped in SHIPPED.items():
        written += write_world(load_scenario(name), folder / name, incidents=shipped.incidents, seed=shipped.seed).paths
    return written


if __name__ == "__main__":
    from kubernaut_simulator.datasets import datasets_folder

    for path in write_all(Path(sys.argv[1]) if len(sys.argv) > 1 else datasets_folder()):
        sys.stdout.write(f"{path}\n")
