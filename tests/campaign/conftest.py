"""The installed operator for a campaign on the node tier; its ConfigMaps are given back after it."""

import json
import os

import pytest
from cluster.image_building import building_missing
from helpers.installed_operator import InstalledOperator, install_operator
from helpers.operator_image import operator_image

from .terms import MAPS


@pytest.fixture
def campaign_operator(node):
    """The operator as it is installed already, or installed now."""
    if missing := building_missing():
        told = f"the operator's image needs {' and '.join(missing)} to be built: apt-get install {' '.join(missing)}"
        if "KUBERNAUT_CLUSTER_TIER" in os.environ:
            pytest.fail(told, pytrace=False)
        pytest.skip(told)
    there = node.kubectl("get", "statefulset", "-A", "--selector=app.kubernetes.io/component=operator", "-o=name")
    operator = InstalledOperator(node, operator_image(), 0.0) if there.strip() else install_operator(node)
    read = ("get", "configmap", "-n", "kubernaut-system", "--ignore-not-found", "-o=json")
    before = {name: node.kubectl(*read, name) for name in MAPS}
    yield operator
    for name, text in before.items():
        if text:
            operator.config_map(name, json.loads(text).get("data") or {})
