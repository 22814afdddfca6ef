"""An installation in a cluster where nobody works, and somebody to try it."""

import pytest
from helpers.operated_shop import cluster, installed, no_operator
from helpers.person import Person

__all__ = ["cluster", "installed", "no_operator"]


@pytest.fixture
def person(installed, namespace):
    """Somebody with `edit` in the test's namespace."""
    return Person(installed.cluster, f"person-of-{namespace}", namespace).given("edit")
