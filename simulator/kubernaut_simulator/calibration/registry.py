"""All proofs, in the order in which the page tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kubernaut.errors import InputError
from kubernaut_simulator.calibration.block_budget import block_budget
from kubernaut_simulator.calibration.coverage import coverage
from kubernaut_simulator.calibration.detecting import detecting
from kubernaut_simulator.calibration.drift_alarms import drift_alarms
from kubernaut_simulator.calibration.enforcement import after_enforcement
from kubernaut_simulator.calibration.power import power
from kubernaut_simulator.calibration.proof import Proof, proof_name
from kubernaut_simulator.calibration.rollout_plan import rollout_plan
from kubernaut_simulator.calibration.scenario_truths import scenario_truths
from kubernaut_simulator.calibration.timeouts import timeouts
from kubernaut_simulator.calibration.what_if import what_if
from kubernaut_simulator.calibration.wrong_flips import wrong_flips
from kubernaut_simulator.calibration.wrong_labels import wrong_labels

PROOFS: tuple[Proof, ...] = (
    coverage,
    wrong_flips,
    power,
    after_enforcement,
    wrong_labels,
    timeouts,
    rollout_plan,
    block_budget,
    detecting,
    drift_alarms,
    scenario_truths,
    what_if,
)


def proofs_by_name() -> Mapping[str, Proof]:
    """Give every proof under its name."""
    return {proof_name(proof): proof for proof in PROOFS}


def chosen_proofs(names: Sequence[str]) -> Mapping[str, Proof]:
    """Give the proofs of some names, in the order of the page; without a name, all.

    Raises
    ------
    InputError
        There is no proof of that name; the message lists those there are.
    """
    known = proofs_by_name()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(f"there is no proof {unknown[0]!r}; there are: {', '.join(known)}")
    return {name: proof for name, proof in known.items() if not names or name in names}
