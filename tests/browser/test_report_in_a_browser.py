"""The report in a real browser: it says nothing, fetches nothing, runs nothing, and shows its charts."""

import re
import struct


def size_of(png):
    return struct.unpack(">II", png[16:24])


def test_it_is_quiet_and_whole(browser, report):
    seen = browser.visit(report)
    source = report.read_text(encoding="utf-8")

    assert seen.console == []
    assert seen.requests == []
    assert seen.dom.count("<svg ") == source.count("<svg ") > 6
    assert seen.dom.count("</svg>") == source.count("</svg>")
    assert "conditions may be required" in re.search(r"<title>(.*?)</title>", seen.dom)[1]


def test_hostile_names_are_only_read(browser, hostile_report):
    seen = browser.visit(hostile_report)

    assert seen.console == []
    assert seen.requests == []
    assert "ran" not in re.findall(r"<title>(.*?)</title>", seen.dom)
    assert "<script" not in seen.dom
    assert "&lt;script&gt;document.title" in seen.dom


def test_the_check_sees_what_it_looks_for(browser, tmp_path):
    """A page with all that a report must not do, so that silence means something."""
    page = tmp_path / "bad.html"
    page.write_text(
        "<title>x</title><script>document.title='ran';console.error('heard')</script>"
        "<img src='http://127.0.0.1:9/gone.png'>"
    )
    seen = browser.visit(page)

    assert "<title>ran</title>" in seen.dom
    assert any("heard" in one for one in seen.console)
    assert "http://127.0.0.1:9/gone.png" in seen.requests


def test_it_has_a_light_and_a_dark_look(browser, report):
    light, dark = browser.screenshot(report), browser.screenshot(report, dark=True)

    assert size_of(light) == size_of(dark) == (1100, 1600)
    assert light != dark


def test_it_fits_a_telephone(browser, report):
    assert size_of(browser.screenshot(report, width_px=500)) == (500, 1600)


def test_it_prints(browser, report):
    assert browser.pdf_pages(report) >= 3
