"""Detection as a result, from a replayed history."""

import numpy as np
from helpers.stored_runs import condition, failed, history_of, passed, policy_row, run
from kubernaut_simulator.replay.replay import replay
from kubernaut_simulator.suites.detection_result import detection_of

from kubernaut.policy.evaluating import InProcessEvaluator

FIRES, SILENT = "step/pre/fires", "step/pre/silent"
SOURCE = "package precondition\n\nimport rego.v1\n\nallow if input.fine\n"


def test_every_surface_tells_what_is_worth_nothing() -> None:
    chance = np.random.default_rng(3)
    runs = []
    for number in range(120):
        good = bool(chance.random() < 0.6)
        fires = bool(chance.random() < (0.05 if good else 0.7))
        runs.append(
            run(
                number,
                {FIRES: failed("f") if fires else passed("p"), SILENT: passed("p")},
                good=good,
                policy_digest="gone",
            )
        )
    history = history_of(*runs, [policy_row(FIRES, SOURCE, "other")])

    found = detection_of(replay(history, evaluator=InProcessEvaluator()))

    by_name = {one.condition: one for one in found.conditions}
    assert by_name[str(condition(FIRES))].failed_given_bad.lower > 0.4
    assert by_name[str(condition(SILENT))].fired == 0
    text = found.text()
    assert "never fired: no false positives and no value" in text
    assert "P(F|B)" in text
    assert found.plot().data
    assert len(found.data) == 2
    assert "<table" in found.html()
