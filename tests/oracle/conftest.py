"""OPA for the tests of this folder: built once, skipped where it cannot be had, a failure where it must be had."""

import os
from collections.abc import Iterator

import pytest
from helpers.go_programs import GoProgramUnavailableError
from helpers.opa import Opa, build_oracle


@pytest.fixture(scope="session")
def opa() -> Iterator[Opa]:
    try:
        program = build_oracle()
    except GoProgramUnavailableError as error:
        if os.environ.get("KUBERNAUT_REQUIRE_ORACLE") == "1":
            pytest.fail(f"the comparison with OPA must run here: {error}", pytrace=False)
        pytest.skip(str(error))
    oracle = Opa(program)
    yield oracle
    oracle.close()
