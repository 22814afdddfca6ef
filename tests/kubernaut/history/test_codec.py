import json
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType

import pytest
from helpers.rows import START, attempt, evaluation, execution, policy, whole_run, workflow
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.errors import HistoryError
from kubernaut.history.codec import (
    decode_row,
    encode_row,
    format_instant,
    json_text,
    kind_of,
    row_from_line,
    row_to_line,
)
from kubernaut.history.fields import Form, fields_of
from kubernaut.history.rows import ObjectVersion, RowKind

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
instants = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]))


@pytest.mark.parametrize("row", [*whole_run(), policy()], ids=kind_of)
def test_a_row_survives_its_line(row):
    assert row_from_line(row_to_line(row)) == row


@given(
    facts=st.dictionaries(st.text(), json_values, max_size=4),
    unobserved=st.dictionaries(st.text(), st.text(), max_size=2),
    paths=st.none() | st.lists(st.text(), max_size=3).map(tuple),
    message=st.text(),
    read_at=instants,
)
def test_any_attempt_survives_its_line(facts, unobserved, paths, message, read_at):
    row = attempt(facts=facts, unobserved=unobserved, recorded_paths=paths, message=message, read_at=read_at)

    assert row_from_line(row_to_line(row)) == row


@given(
    seconds=st.none() | st.floats(min_value=0, max_value=1e9),
    deadline=st.none() | instants,
    objects=st.lists(
        st.builds(ObjectVersion, **dict.fromkeys(ObjectVersion.__dataclass_fields__, st.text())), max_size=2
    ),
)
def test_any_evaluation_survives_its_line(seconds, deadline, objects):
    row = evaluation(time_to_pass_s=seconds, deadline=deadline, objects=tuple(objects))

    assert row_from_line(row_to_line(row)) == row


def test_a_line_says_kind_version_and_instants_as_documented():
    encoded = json.loads(row_to_line(workflow(outcome=None, outcome_source=None)))

    assert encoded["kind"] == "workflows"
    assert encoded["schema_version"] == 1
    assert encoded["started_at"] == "2026-01-31T12:00:00.000000Z"
    assert encoded["outcome"] is None


def test_unknown_fields_are_left_alone_and_defaults_filled_in():
    encoded = encode_row(execution()) | {"field_of_next_year": 1}
    del encoded["cut_short"]

    assert decode_row(encoded) == execution()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"verdict": "Pased"}, "field 'verdict' is \"Pased\"; it is one of Passed, Failed, Error"),
        ({"verdict": None}, "field 'verdict' is null"),
        ({"step": True}, "field 'step' is true; it is a whole number"),
        ({"step": 1.0}, "field 'step' is 1.0; it is a whole number"),
        ({"percent": "5"}, "field 'percent' is \"5\"; it is a number"),
        ({"percent": 10**400}, "field 'percent' is 1000"),
        ({"required": 1}, "field 'required' is 1; it is true or false"),
        ({"namespace": None}, "field 'namespace' is null; it is a text"),
        ({"started_at": "2026-01-31T12:00:00"}, "field 'started_at' is .* with a zone"),
        ({"started_at": "yesterday"}, "field 'started_at' is \"yesterday\""),
        ({"started_at": 5}, "field 'started_at' is 5; it is an RFC 3339 time"),
        ({"started_at": "0001-01-01T00:00:00+23:00"}, "field 'started_at' is"),
        ({"labels": {"a": 1}}, "field 'labels' is .* whose values are texts"),
        ({"objects": {}}, "field 'objects' is {}; it is a list of objects"),
        ({"objects": [{"kind": "Pod"}]}, "field 'objects' is .*Pod"),
        ({"schema_version": 2}, "unknown schema version 2; this program reads version 1: update kubernaut"),
        ({"schema_version": 0}, "unknown schema version 0; .*write the history again"),
        ({"schema_version": "1"}, 'unknown schema version "1"'),
        ({"schema_version": True}, "unknown schema version true"),
        ({"kind": "evaluation"}, "field 'kind' is \"evaluation\"; it is one of attempts"),
        ({"kind": []}, r"field 'kind' is \[\]"),
    ],
)
def test_what_cannot_be_trusted_is_refused_by_field(change, message):
    with pytest.raises(HistoryError, match=message):
        decode_row(encode_row(evaluation()) | change)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("kind", "field 'kind' is missing"),
        ("schema_version", "field 'schema_version' is missing"),
        ("verdict", "field 'verdict' is missing; every row of evaluations has it"),
    ],
)
def test_a_missing_field_is_named(name, message):
    encoded = encode_row(evaluation())
    del encoded[name]

    with pytest.raises(HistoryError, match=message):
        decode_row(encoded)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"facts": []}, "field 'facts' is \\[\\]; it is a JSON object"),
        ({"recorded_paths": [1]}, "field 'recorded_paths' is \\[1\\]; it is a list of texts"),
    ],
)
def test_an_attempts_own_fields_are_checked(change, message):
    with pytest.raises(HistoryError, match=message):
        decode_row(encode_row(attempt()) | change)


@pytest.mark.parametrize("line", ["", "{", '{"kind": NaN}', "[" * 100_000, b"\xff"])
def test_what_is_not_json_is_said_so(line):
    with pytest.raises(HistoryError, match="not a line of JSON"):
        row_from_line(line)


def test_a_row_is_an_object():
    with pytest.raises(HistoryError, match=r"a row is a JSON object, not \[1, 2\]"):
        row_from_line("[1, 2]")


@pytest.mark.parametrize("facts", [{"x": float("nan")}, {"x": "\ud800"}, {"x": object()}])
def test_what_json_cannot_say_is_not_written(facts):
    with pytest.raises(HistoryError, match=r"attempts row .* cannot be written as JSON"):
        row_to_line(attempt(facts=facts))


def test_mappings_of_any_type_are_written():
    nested = MappingProxyType({"b": MappingProxyType({"c": 1}), "a": 2})

    assert json.loads(row_to_line(attempt(facts=nested)))["facts"] == {"a": 2, "b": {"c": 1}}
    assert json_text(nested) == '{"a":2,"b":{"c":1}}'


def test_an_instant_needs_a_zone():
    with pytest.raises(HistoryError, match="has no time zone"):
        format_instant(START.replace(tzinfo=None))

    assert format_instant(datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))) == "2026-01-01T00:00:00.000000Z"


def test_every_field_has_a_form_of_its_own_type():
    forms = {(kind, item.name): item.form for kind in RowKind for item in fields_of(kind)}

    assert forms[RowKind.EVALUATIONS, "verdict"] is Form.CHOICE
    assert forms[RowKind.WORKFLOWS, "outcome"] is Form.CHOICE
    assert forms[RowKind.EVALUATIONS, "deadline"] is Form.INSTANT
    assert forms[RowKind.ATTEMPTS, "recorded_paths"] is Form.TEXTS
    assert {name for (_, name), form in forms.items() if form is Form.JSON} == {"facts", "parameters", "metadata"}
