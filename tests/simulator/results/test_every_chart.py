"""Every result of the simulator has a chart that a page can show without a script."""

import importlib
import inspect
import pkgutil
from xml.etree import ElementTree as ET

import kubernaut_simulator
import pytest
from helpers.enforced_history import Stage, enforced_history
from kubernaut_simulator.results.base import Result
from kubernaut_simulator.results.pictures import to_svg
from kubernaut_simulator.results.report_contents import NotAnswered
from kubernaut_simulator.rollout.following import rollout_status
from kubernaut_simulator.tuning.board import TuningBoard
from kubernaut_simulator.whatif.diff import diff
from kubernaut_simulator.whatif.whatif import WhatIf

from kubernaut.policy.evaluating import InProcessEvaluator


@pytest.fixture(scope="module")
def results(contents):
    tuning = contents.tuning
    what_if = WhatIf(tuning.replay.history)
    status = rollout_status(enforced_history([Stage(percent=10.0, incidents=60)]), rollouts=5)
    every = [
        tuning,
        tuning.replay,
        contents.history,
        contents.false_stops,
        contents.timeouts,
        contents.detection,
        contents.drift,
        tuning.decision_log(),
        tuning.replay.explain(most_looked_at(tuning.replay.history), evaluator=InProcessEvaluator()),
        tuning.replay.selection(),
        tuning.replay.holding(),
        tuning.replay.label_noise(sensitivity=0.95, specificity=0.9),
        *contents.suites.values(),
        contents.plan,
        contents.effect,
        status,
        what_if.result(),
        diff(what_if, tuning.after),
        TuningBoard(tuning.replay.history).prepared(0.95).answer(target=0.15, share=0.95),
    ]
    return {type(one).__name__: one for one in every if not isinstance(one, NotAnswered)}


def most_looked_at(history):
    return history.frame("attempts")["evaluation_id"].value_counts().index[0]


def below(kind):
    for one in kind.__subclasses__():
        yield one
        yield from below(one)


ELSEWHERE = {"ProofResult", "Calibration", "TelemetryAgreement", "TelemetryCheck", "TelemetryFigures"}
"""Their own tests draw them: they are made from many generated histories, or from a Prometheus."""


def test_no_result_is_left_out(results):
    for module in pkgutil.walk_packages(kubernaut_simulator.__path__, "kubernaut_simulator."):
        importlib.import_module(module.name)
    own = {
        one.__name__
        for one in below(Result)
        if one.__module__.startswith("kubernaut_simulator.") and not inspect.isabstract(one)
    }

    assert own - ELSEWHERE == set(results)


def test_every_chart_is_drawn_and_says_what_it_is(results):
    for name, result in results.items():
        svg = to_svg(result.plot())
        root = ET.fromstring(svg)

        assert svg.count("<path") > 4 or "nothing to draw" in svg, name
        assert root[0].text, name


def test_a_page_of_a_result_holds_its_chart_and_no_script(results):
    page = results["TimeoutsResult"].to_html()

    assert page.count("<svg ") == 1
    assert "<script" not in page
    assert len(page) < 100_000
