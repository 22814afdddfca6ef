"""Kinds that custom facts may read, named by their resources as an API server serves them."""

import pytest
from kubernaut_operator.live_facts.allowed_kinds import custom_kinds

from kubernaut.conditions.custom_facts import DEFAULT_KINDS
from kubernaut.errors import ApiError, SettingsError

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]


def test_a_resource_is_found_by_its_kind(api):
    assert custom_kinds(api, ()) == DEFAULT_KINDS
    assert custom_kinds(api, ["leases.coordination.k8s.io/v1", "endpoints/v1"])[-2:] == ("Lease", "Endpoints")


@pytest.mark.parametrize(("name", "said"), [("widgets/v1", "not served"), ("secrets/v1", "never read")])
def test_what_cannot_be_read_is_refused(api, name, said):
    with pytest.raises(SettingsError, match=f"--custom-kind={name}: {said}"):
        custom_kinds(api, [name])


def test_an_api_that_is_not_there_is_an_error(api):
    with pytest.raises(ApiError):
        custom_kinds(api, ["widgets.example.org/v1"])
