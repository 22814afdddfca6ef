import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.facts.snapshot import (
    Snapshot,
    Unobserved,
    UnobservedReason,
    format_path,
    overlap,
    parse_path,
)

HIDDEN = Unobserved(UnobservedReason.TIMED_OUT, "10s")
names = st.from_regex(r"[a-z_]{1,6}", fullmatch=True)
paths = st.lists(names, min_size=1, max_size=4).map(tuple) | st.tuples(
    names, st.integers(0, 99).map(str) | st.just("*"), names
)
odd_names = st.text(st.characters(codec="utf-8") | st.sampled_from('.[]"\\*0'), max_size=5)


@given(paths | st.lists(odd_names, max_size=4).map(tuple))
def test_paths_survive_their_text_form(path):
    assert parse_path(format_path(path)) == path


def test_a_key_with_dots_is_one_part():
    path = ("custom", "labels", "app.kubernetes.io/name")

    assert format_path(path) == 'custom.labels["app.kubernetes.io/name"]'
    assert format_path(("a.b", "c")) == '["a.b"].c'


def test_the_empty_path_is_everything():
    assert parse_path("") == ()
    assert format_path(()) == ""
    assert overlap((), ("pods", "0"))


@pytest.mark.parametrize(
    ("read", "missing", "touches"),
    [
        (("pods", "*", "status"), ("pods", "3", "status"), True),
        (("pods", "*", "status"), ("pods", "3", "node"), False),
        (("pods",), ("pods", "3", "node"), True),
        (("pods", "*", "status"), ("pods",), True),
        (("pods", "0", "status"), ("pods", "1", "status"), False),
        (("ready_pods",), ("pods",), False),
    ],
)
def test_overlap(read, missing, touches):
    assert overlap(read, missing) is touches
    assert overlap(missing, read) is touches


def test_the_first_unobserved_path_in_order():
    snapshot = Snapshot(facts={}, unobserved={"pods[1].status": HIDDEN, "hpa_found": HIDDEN})

    assert snapshot.first_unobserved([("pods",), ("hpa_found",)]) == ("hpa_found", HIDDEN)
    assert snapshot.first_unobserved([("pods", "*", "status")]) == ("pods[1].status", HIDDEN)
    assert snapshot.first_unobserved([("namespace",)]) is None
    assert snapshot.first_unobserved([()]) == ("hpa_found", HIDDEN)


def test_not_recorded():
    kept = Snapshot(facts={}, recorded=(("pods", "*", "status"), ("conditions",)))

    assert kept.first_not_recorded([("conditions", "Available"), ("pods", "*", "status")]) is None
    assert kept.first_not_recorded([("conditions",), ("pods",)]) == ("pods",)
    assert kept.first_not_recorded([("namespace",)]) == ("namespace",)
    assert Snapshot(facts={}).first_not_recorded([("anything",)]) is None
