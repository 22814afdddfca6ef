"""The Prometheus series that the fact registry names, looked up in scrapes of real kube-state-metrics."""

import re

import pytest
from helpers.real_objects import real_data

from kubernaut.facts.registry import REGISTRY

pytestmark = pytest.mark.realdata
NOT_WATCHED = "kube_poddisruptionbudget_"
"""The scraped kube-state-metrics were not told to watch this kind, so nothing can be said of its series."""

ROOT = real_data()
if ROOT is None:
    pytest.skip("KUBERNAUT_REAL_DATA is not set", allow_module_level=True)


def series(definitions):
    for definition in definitions:
        yield definition.name, definition.series
        yield from series(definition.fields)


def exposed(scrape):
    """Give metric -> label names of its samples."""
    found = {}
    for line in scrape.read_text(encoding="utf-8").splitlines():
        if line.startswith("# TYPE "):
            found.setdefault(line.split()[2], set())
        elif not line.startswith("#"):
            name = re.match(r"\w+", line)[0]
            found.setdefault(name, set()).update(re.findall(r'(\w+)="', line))
    return found


@pytest.mark.parametrize("version", ["1_33", "1_35"])
def test_every_series_of_a_fact_is_one_that_kube_state_metrics_exposes(version):
    metrics = exposed(ROOT / "prometheus" / f"nri_{version}_ksm.prom")
    checked = 0
    for fact, text in series(REGISTRY.values()):
        for metric, selector in re.findall(r"(kube_\w+)(?:\{([^}]*)\})?", text):
            if metric.startswith(NOT_WATCHED):
                assert not any(name.startswith(NOT_WATCHED) for name in metrics)
                continue
            assert metric in metrics, fact
            labels = set(re.findall(r"(\w+)=", selector))
            # A metric without samples in this cluster does not say which labels it has.
            assert not metrics[metric] or labels <= metrics[metric], (fact, metric)
            checked += 1

    assert checked > 30
