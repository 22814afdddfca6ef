"""The board gives what `tune` and `suite` give, for every target, share and flag, and its panel moves as a person does."""

import re
from time import process_time
from xml.etree import ElementTree as ET

import pytest
from kubernaut_simulator.datasets import dataset_path
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.replay import replay
from kubernaut_simulator.suites.search import SuiteTerms, search_suites
from kubernaut_simulator.tuning.board import TuningBoard
from kubernaut_simulator.tuning.panel import TuningPanel
from kubernaut_simulator.tuning.panel_chart import chart_of
from kubernaut_simulator.tuning.tune import TuningTerms, tune
from kubernaut_simulator.whatif.whatif import WhatIf

from kubernaut.errors import InputError, OutputError

pytestmark = pytest.mark.slow
SHARES = (0.9, 0.95)
PRE = "scale_deployment/step/pre/deployment_exists"
WEAK = "scale_deployment/step/pre/cluster_capacity_available"
AT_ONCE_S = 0.2


@pytest.fixture(scope="module")
def history():
    return History.load(dataset_path("steady"))


@pytest.fixture(scope="module")
def board(history):
    return TuningBoard(history).prepared(*SHARES)


@pytest.fixture(scope="module")
def panel(board):
    return TuningPanel(board, shares=SHARES)


@pytest.mark.parametrize(("target", "share"), [(0.1, 0.95), (0.2, 0.9)])
def test_the_tuning_is_that_of_tune(history, board, target, share):
    answer = board.answer(target=target, share=share)

    tuned = tune(history, terms=TuningTerms(target=target, share=share), first=replay(history))
    assert answer.tuning.to_configmaps() == tuned.to_configmaps()
    assert answer.required == tuple(str(one.condition) for one in tuned.decisions if one.after.required)
    assert answer.good == tuned.together
    assert answer.title.endswith("as the test says")


def test_the_place_among_suites_is_that_of_the_search(history, board):
    answer = board.answer(target=0.15, share=0.95)
    timeouts = {one.condition: [one.after.timeout_s] for one in answer.tuning.decisions if one.timeout is not None}

    found = search_suites(WhatIf(history), terms=SuiteTerms(target=0.15, timeouts=timeouts))
    assert answer.front == found.front
    chosen = found.chosen.suite
    by_hand = board.answer(
        target=0.15, share=0.95, required={str(found.fails.choices[at].condition) for at in chosen.columns}
    )
    assert by_hand.suite.good_stopped == chosen.good_stopped
    assert by_hand.suite.harmful_stopped == chosen.harmful_stopped
    assert by_hand.suite.waiting_s == pytest.approx(chosen.waiting_s)
    assert by_hand.better is None


def test_flags_by_hand_are_marked_and_only_ever_stop_more(board):
    by_test = board.answer(target=0.15, share=0.95)
    none = board.answer(target=0.15, share=0.95, required=[])
    more = board.answer(target=0.15, share=0.95, required={*by_test.required, WEAK} - {PRE})

    assert (none.every.k, none.suite.harmful_stopped, none.suite.waiting_s) == (0, 0, 0.0)
    assert (none.good.k, none.good.n) == (0, by_test.good.n)
    assert more.every.k > by_test.every.k
    assert more.every.n == by_test.every.n == 240
    assert (more.against, more.left_out) == ({WEAK}, {PRE})
    assert "2 otherwise than the test says" in more.title
    marks = more.data.set_index("condition")["required"]
    assert (marks[WEAK], marks[PRE]) == ("yes, against the test", "left out")
    assert "more good ones than 15% allow" in more.text()
    assert none.better is not None
    assert "another suite stops" in none.text()


def test_a_condition_that_is_not_there_is_named(board):
    with pytest.raises(InputError, match="not in this history: nonsense; it holds scale_deployment/"):
        board.answer(target=0.15, share=0.95, required=["nonsense"])


def test_the_panel_shows_what_the_board_answers(panel, board):
    panel.target.value = 0.1
    panel.share.value = 0.9

    assert panel.answer.tuning is board.answer(target=0.1, share=0.9).tuning
    assert {name for name, flag in panel.flags.items() if flag.value} == set(panel.answer.required)
    assert "fewer than 10.0 % of good incidents" in panel.shown.value
    assert repr(panel).startswith("<TuningPanel: target 10%, share 90%, ")


def test_a_tick_asks_for_that_flag_and_the_button_for_the_test_again(panel):
    panel.by_test.click()
    before = panel.answer.required
    panel.flags[WEAK].value = True
    ticked = panel.answer
    panel.by_test.click()

    assert set(ticked.required) == {*before, WEAK}
    assert "yes, against the test" in ticked.text()
    assert panel.answer.required == before
    assert not panel.flags[WEAK].value


def test_a_move_is_answered_at_once(panel):
    moves = [("target", panel.target, value) for value in (0.05, 0.12, 0.18, 0.22, 0.3)]
    moves += [("flag", panel.flags[PRE], value) for value in (True, False, True)]
    took = []
    for _, control, value in moves:
        began = process_time()
        control.value = value
        took.append(process_time() - began)

    # Of the processor's time: this machine does other things too.
    assert sorted(took)[len(took) // 2] < AT_ONCE_S, took


def test_the_chart_is_one_picture_with_every_suite(panel):
    panel.target.value = 0.15
    drawn = ET.fromstring(panel.picture.value)

    assert len(drawn.findall(".//{*}circle")) == len(panel.answer.front.suites)
    assert "upper 95 % at 15%" in "".join(drawn.itertext())
    assert panel.picture.value == chart_of(panel.answer)
    assert not re.search(r"<script|https?://(?!www.w3.org)", panel.picture.value)


def test_a_place_that_is_not_offered_is_refused(board):
    with pytest.raises(OutputError, match=r"target 0.155 is none of those offered: 0.02"):
        TuningPanel(board, target=0.155, shares=SHARES)
