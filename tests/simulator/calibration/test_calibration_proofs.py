"""Every proof in its reduced size: no claim is missed, most are held with few worlds, and every column is explained."""

import pytest
from kubernaut_simulator.calibration.calibration import DEFAULT_SEED
from kubernaut_simulator.calibration.claims import Verdict
from kubernaut_simulator.calibration.proof import Size, proof_name
from kubernaut_simulator.calibration.registry import PROOFS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("proof", PROOFS, ids=proof_name)
def test_no_claim_is_missed(proof):
    result = proof(Size.REDUCED, DEFAULT_SEED)
    verdicts = [claim.verdict for claim in result.claims]

    assert {claim.line() for claim in result.claims if claim.verdict is Verdict.NOT_HELD} == set()
    assert verdicts.count(Verdict.HELD) > verdicts.count(Verdict.NOT_SHOWN)
    assert result.name == proof_name(proof)
    assert set(result.meanings) == set(result.cells.columns)
    assert set(result.columns) <= set(result.cells.columns)
    assert result.question.endswith("?")
    assert result.method
    assert result.limits
    assert len(result.page_table()) > 0
    assert result.plot().data
