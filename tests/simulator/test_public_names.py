"""What the package offers, and that offering it costs nothing."""

import subprocess
import sys

import kubernaut_simulator
import pytest
from helpers.driven_history import tunable_history

from kubernaut.policy.evaluating import InProcessEvaluator

NAMES = {
    "History",
    "Population",
    "Replay",
    "Tuning",
    "TuningTerms",
    "load_conditions",
    "replay_parts",
    "report_page",
}


def test_the_public_names_are_these_and_each_is_there():
    assert set(kubernaut_simulator.__all__) == NAMES
    assert set(dir(kubernaut_simulator)) >= NAMES
    assert all(getattr(kubernaut_simulator, name) is not None for name in NAMES)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'replay_everything'"):
        kubernaut_simulator.replay_everything  # noqa: B018 - asking is the test


def test_importing_the_package_loads_nothing_heavy():
    heavy = "{'numpy', 'pandas', 'pyarrow', 'scipy', 'plotly', 'regopy'}"
    code = f"import sys, kubernaut_simulator; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.strip() == "[]"


def test_the_whole_way_from_a_history_is_a_chain_of_methods():
    history, evaluator = tunable_history(60), InProcessEvaluator()
    replayed = history.replay(evaluator=evaluator)
    tuned = replayed.tune(target=0.2, evaluator=evaluator)

    assert len(replayed.false_stops().data) == 3
    assert tuned.target == 0.2
    assert tuned.to_configmaps() == history.tune(0.2, evaluator=evaluator).to_configmaps()
    assert tuned.to_configmaps().count("kind: ConfigMap") == 2
