"""An installation in the test's cluster, and somebody to try it."""

import pytest
from helpers.installation import install
from helpers.person import Person


@pytest.fixture
def installed(cluster):
    """Everything but the operator's pods."""
    return install(cluster)


@pytest.fixture
def person(installed, namespace):
    """Somebody with `edit` in the test's namespace."""
    return Person(installed.cluster, f"person-of-{namespace}", namespace).given("edit")
