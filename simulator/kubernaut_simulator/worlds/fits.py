"""What fitting times to real data came to: the figures of `fits.yaml`, read once.

The scenario's parts take their defaults from here and the data sheet shows the figures. `real_times` makes the file;
neither scipy nor a real file is needed to read it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from kubernaut_simulator.worlds.streams import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFit:
    """One fit.

    Attributes
    ----------
    what, source : str
        What was timed; whose data it is.
    used : str
        Field of a scenario whose default it is; empty when it is shown for comparison only.
    family : Family
    median_s : float, unit s
    sigma : float
        Standard deviation of the natural logarithm.
    n, censored : int
        Times, and those of them that were still running when nobody looked any longer.
    distance : float
        Kolmogorov-Smirnov distance, 0..1.
    aic : mapping of Family to float
        Of the families that were compared; less is better.
    quantiles : sequence of sequence of float or None, unit s
        Share, measured, its 95 % interval's ends, fitted; None where the data do not reach the share.
    left_out, not_described : str
    """

    what: str
    source: str
    used: str
    family: Family
    median_s: float
    sigma: float
    n: int
    censored: int
    distance: float
    aic: Mapping[Family, float]
    quantiles: Sequence[Sequence[float | None]]
    left_out: str
    not_described: str


@cache
def known_fits() -> Mapping[str, KnownFit]:
    """Give every fit by its name."""
    tree = yaml.safe_load((files(__package__) / "fits.yaml").read_text(encoding="utf-8"))
    return {name: _fit(entry) for name, entry in tree.items()}


def _fit(entry: dict[str, object]) -> KnownFit:
    aic = entry["aic"]
    families = {Family(name): value for name, value in aic.items()} if isinstance(aic, dict) else {}
    return KnownFit(**{**entry, "family": Family(str(entry["family"])), "aic": families})  # type: ignore[arg-type]
