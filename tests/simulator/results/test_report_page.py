"""The page: whole in itself, static, readable by keyboard and ear, and nothing from a cluster is markup."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from helpers.driven_history import tunable_history
from kubernaut_simulator.estimation.power import Outlook
from kubernaut_simulator.results.report import coded, laid_out, report_page
from kubernaut_simulator.results.report_contents import NotAnswered, gather
from kubernaut_simulator.results.report_words import findings, next_steps, sentences
from kubernaut_simulator.tuning.result import Tuning
from kubernaut_simulator.tuning.tune import TuningTerms, tune

from kubernaut import __version__
from kubernaut.policy.evaluating import InProcessEvaluator

GOLDEN = Path(__file__).parent / "golden" / "report.txt"
SILENT = {"script", "style", "details", "svg"}
"""What nobody reads, or only who unfolds it or looks at it."""

LOADS = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "object": "data"}
HOSTILE = {
    "namespace": "<script>alert(1)</script>",
    "environment": "\"'><img src=x onerror=alert(2)>",
    "incident_id": "$x_{i}$ <svg onload=alert(3)> \u202eatad\u202c " + "n" * 300,
    "target_name": "<b>web</b>\x1b[31m\x00 עברית",
    "target_kind": "</table></style><script>alert(4)</script>",
}


class Page(HTMLParser):
    """Collects what a browser would fetch or run, and what a person reads."""

    def __init__(self):
        super().__init__()
        self.fetched, self.read, self.ids, self.tags, self.handlers, self.heads = [], [], [], [], [], []
        self._silent = 0

    def handle_starttag(self, tag, attributes):
        wanted = LOADS.get(tag)
        self.fetched += [value for name, value in attributes if name == wanted]
        self.ids += [value for name, value in attributes if name == "id"]
        self.handlers += [name for name, _ in attributes if name.startswith("on")]
        self.tags.append(tag)
        if tag == "th":
            self.heads.append(dict(attributes).get("scope"))
        self._silent += tag in SILENT

    def handle_endtag(self, tag):
        self._silent -= tag in SILENT

    def handle_data(self, data):
        if not self._silent and data.strip():
            self.read.append(re.sub(r"[ \n\t]+", " ", data.strip()))


def parsed(page):
    parser = Page()
    parser.feed(page)
    return parser


@pytest.fixture(scope="module")
def page(contents):
    return laid_out(contents)


def test_nothing_is_fetched_and_nothing_can_run(page):
    found = parsed(page)

    assert found.fetched == []
    assert "script" not in found.tags
    assert found.handlers == []
    assert "default-src 'none'" in page
    assert "@import" not in page
    assert not re.search(r"url\(\s*['\"]?(?!#)", page)


def test_it_is_small(page):
    assert len(page.encode()) < 1_000_000


def test_every_chart_has_a_name_and_ids_of_its_own(page, contents):
    found = parsed(page)
    drawn = re.findall(r"<svg [^>]*>\s*<title id=\"chart-\d+-title\">([^<]+)</title>", page)

    assert len(drawn) == page.count("<svg ") == found.tags.count("svg")
    assert sum(one.startswith("Evidence over time: ") for one in drawn) == 3
    assert sum(one.startswith("Time to pass among good runs: ") for one in drawn) == 2
    assert {contents.false_stops.title, contents.timeouts.title, contents.detection.title} <= set(drawn)
    assert len(found.ids) == len(set(found.ids))
    assert page.count('role="img"') == len(drawn)


def test_it_can_be_read_by_keyboard_and_ear(page):
    found = parsed(page)
    targets = set(re.findall(r'href="#([^"]+)"', page))

    assert found.tags.count("h1") == found.tags.count("main") == found.tags.count("header") == 1
    assert "nav" in found.tags
    assert None not in found.heads
    assert targets <= set(found.ids)
    assert page.index('class="skip"') < page.index("<header")
    assert ":focus-visible" in page


def test_what_a_person_reads_is_as_somebody_has_read_it(page):
    """Written anew by deleting the file: read the difference before it is committed."""
    text = "\n".join(parsed(page).read).replace(__version__, "VERSION") + "\n"
    if not GOLDEN.exists():
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text)
        pytest.fail(f"{GOLDEN.name} was written; read it and run again")

    assert text.splitlines() == GOLDEN.read_text().splitlines()


def test_examples_tell_message_facts_and_line(page, contents):
    (condition,) = contents.examples
    example = contents.examples[condition][0]

    assert condition.endswith("no_crashes")
    assert example.verdict == "Failed"
    assert example.message in page
    assert "`allow` is" in example.line
    assert {path for path, _ in example.facts} == {"name", "ready", "settings.wanted"} or example.facts
    assert example.record_id in page


def test_the_sentences_say_what_was_set_back(tuned):
    first, *others = tuned.decisions
    back = replace(first, enforced_before=("50 %",), after=first.after.model_copy(update={"required": False}))
    changed = replace(tuned, decisions=(back, *others))

    assert back.set_back
    assert back.flag == "warn (set back)"
    assert any("1 condition that may block runs now" in one for one in sentences(changed))


def test_what_is_set_back_is_the_first_thing_to_do(contents):
    first, *others = contents.tuning.decisions
    back = replace(first, enforced_before=("50 %",), after=first.after.model_copy(update={"required": False}))
    changed = replace(contents, tuning=replace(contents.tuning, decisions=(back, *others)))

    assert next_steps(changed)[0].startswith("Decide about ")


def test_the_timeouts_to_raise_are_those_that_the_tuning_could_not_choose(contents):
    """Not those of a longer history, whose runs the tuning did not choose from."""

    def steps(**found):
        decisions = [
            one
            if one.timeout is None
            else replace(one, timeout=replace(one.timeout, recommendation=replace(one.timeout.recommendation, **found)))
            for one in contents.tuning.decisions
        ]
        return next_steps(replace(contents, tuning=replace(contents.tuning, decisions=tuple(decisions))))

    both = "action/post/no_crashes, step/post/replicas_running"
    assert not any("timeout of" in one for one in steps(timeout_s=81.0))
    assert f"Raise the timeout of {both} to learn how long good runs need." in steps(
        timeout_s=None, n=40, censored=3, never=0
    )
    assert any(
        one.startswith(f"Go on recording for the timeout of {both}") for one in steps(timeout_s=None, censored=0)
    )


def test_what_more_data_will_likely_show_is_told_apart(tuned, monkeypatch):
    ahead = {True: Outlook(more=372, chance=0.8), False: Outlook(more=None, chance=0.1)}
    none = tuple(replace(one, after=one.after.model_copy(update={"required": False})) for one in tuned.decisions)
    changed = replace(tuned, decisions=none)
    monkeypatch.setattr(Tuning, "outlook", lambda _, one: ahead[one.condition.type == "no_crashes"])

    said = sentences(changed)

    (likely,) = (one for one in said if one.startswith("Not shown yet, but likely"))
    assert "for 1 condition: action/post/no_crashes (372 more, " in likely
    assert any("is unlikely to, for 2 conditions" in one for one in said)


def test_that_nothing_may_be_required_is_said_plainly(tuned, contents):
    none = tuple(replace(one, after=one.after.model_copy(update={"required": False})) for one in tuned.decisions)
    changed = replace(tuned, decisions=none)

    assert sentences(changed)[0].startswith("None of 3 conditions may be made required yet")
    assert findings(replace(contents, tuning=changed)) == []


def test_what_cannot_be_answered_says_why(contents):
    why = NotAnswered(why="<i>nobody</i> looked")
    page = laid_out(replace(contents, suites={"scale_deployment": why}, plan=why, status=why, effect=why))

    assert page.count("Not enough data: &lt;i&gt;nobody&lt;/i&gt; looked") == 3
    assert "<i>nobody" not in page


def test_a_short_history_is_a_page_too():
    tuning = tune(tunable_history(6), evaluator=InProcessEvaluator())
    page = report_page(tuning, evaluator=InProcessEvaluator(), rollouts=2)

    assert "None of 3 conditions may be made required yet" in page
    assert "Not enough data yet for 3 conditions" in page
    assert "there is nothing to roll out" in page


@pytest.fixture(scope="module")
def hostile_page():
    tuning = tune(
        tunable_history(60, **{name: value for name, value in HOSTILE.items() if name != "incident_id"}),
        terms=TuningTerms(target=0.3),
        evaluator=InProcessEvaluator(),
    )
    contents = gather(tuning, evaluator=InProcessEvaluator(), rollouts=2)
    first, *others = tuning.decisions
    evidence = first.after.evidence.model_copy(update={"reason": HOSTILE["incident_id"]})
    named = replace(first, after=first.after.model_copy(update={"evidence": evidence}))
    return laid_out(replace(contents, tuning=replace(tuning, decisions=(named, *others))))


def test_names_from_a_cluster_are_text(hostile_page):
    found = parsed(hostile_page)

    assert "script" not in found.tags
    assert "img" not in found.tags
    assert found.handlers == []
    assert found.fetched == []
    assert "&lt;script&gt;alert(1)" in hostile_page
    assert "$x_{i}$ &lt;svg onload=alert(3)&gt;" in hostile_page
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", hostile_page)


def test_code_in_a_sentence_is_escaped_too():
    assert coded("a <b> `c & d` e") == "a &lt;b&gt; <code>c &amp; d</code> e"


def test_a_number_stays_on_the_line_of_its_unit(page):
    assert coded("upper 95 % 12.6 %") == "upper 95\u00a0% 12.6\u00a0%"
    words = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    assert re.findall(r"\d %", re.sub(r"<svg.*?</svg>", "", words, flags=re.DOTALL)) == []
