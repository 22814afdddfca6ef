"""The page: whole in itself, static but for its charts, and nothing from a cluster is markup."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from kubernaut_simulator.results.report import report_page, sentences

from kubernaut import __version__

GOLDEN = Path(__file__).parent / "golden" / "report.txt"
SILENT = {"script", "style", "details"}
"""What nobody reads, or only who unfolds it."""

LOADS = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "object": "data"}


class Page(HTMLParser):
    """Collects what a browser would fetch, and what a person reads."""

    def __init__(self):
        super().__init__()
        self.fetched, self.read, self.ids, self._silent = [], [], [], 0

    def handle_starttag(self, tag, attributes):
        wanted = LOADS.get(tag)
        self.fetched += [value for name, value in attributes if name == wanted]
        self.ids += [value for name, value in attributes if name == "id"]
        self._silent += tag in SILENT

    def handle_endtag(self, tag):
        self._silent -= tag in SILENT

    def handle_data(self, data):
        if not self._silent and data.strip():
            self.read.append(re.sub(r"\s+", " ", data.strip()))


def parsed(page):
    parser = Page()
    parser.feed(page)
    return parser


@pytest.fixture(scope="module")
def page(tuned):
    return report_page(tuned)


def test_nothing_is_fetched(page):
    found = parsed(page)

    assert found.fetched == []
    assert "@import" not in page
    assert not re.search(r"url\(\s*['\"]?https?:", page)


def test_it_has_three_charts_that_hold_data(page):
    assert page.count("Plotly.newPlot(") >= 3
    assert {"Tuning", "FalseStopsResult", "TimeoutsResult"} <= set(parsed(page).ids)
    assert page.count("<h1>") == 1


def test_what_a_person_reads_is_as_somebody_has_read_it(page):
    """Written anew by deleting the file: read the difference before it is committed."""
    text = "\n".join(parsed(page).read).replace(f"kubernaut {__version__}", "kubernaut VERSION") + "\n"
    if not GOLDEN.exists():
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text)
        pytest.fail(f"{GOLDEN.name} was written; read it and run again")

    assert text == GOLDEN.read_text()


def test_the_sentences_say_what_was_set_back(tuned):
    first, *others = tuned.decisions
    back = replace(first, enforced_before=("50 %",), after=first.after.model_copy(update={"required": False}))
    told = sentences(replace(tuned, decisions=(back, *others)))

    assert back.set_back
    assert back.flag == "warn (set back)"
    assert any("1 condition that may block runs now" in one for one in told)


def test_names_from_a_cluster_are_text(tuned):
    evil = "<script>alert(1)</script>"
    first, *others = tuned.decisions
    evidence = first.after.evidence.model_copy(update={"reason": evil})
    named = replace(
        first,
        condition=first.condition._replace(type=evil)
        if hasattr(first.condition, "_replace")
        else replace(first.condition, type=evil),
        after=first.after.model_copy(update={"evidence": evidence}),
    )
    page = report_page(replace(tuned, decisions=(named, *others), history_digest=evil))

    assert "&lt;script&gt;alert(1)" in page
    assert evil not in page


def test_that_nothing_may_be_required_is_said_plainly(tuned):
    none = tuple(replace(one, after=one.after.model_copy(update={"required": False})) for one in tuned.decisions)
    told = sentences(replace(tuned, decisions=none))

    assert told[0].startswith("None of 3 conditions may be made required yet")
