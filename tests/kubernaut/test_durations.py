from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.durations import check_bounds, format_duration, parse_duration, parse_span
from kubernaut.errors import DurationError

UNIT_S = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "μs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("+0", 0),
        ("-0", 0),
        ("0s", 0),
        ("30s", 30),
        ("2m", 120),
        ("2m0s", 120),
        ("1h30m", 5400),
        ("500ms", 0.5),
        (".5s", 0.5),
        ("1.s", 1),
        ("1.5h", 5400),
        ("+5s", 5),
        ("-5s", -5),
        ("-1.5h", -5400),
        ("3us", 3e-6),
        ("3µs", 3e-6),
        ("3μs", 3e-6),
        ("1s1m1s", 62),
        ("1ns", 0),
    ],
)
def test_what_go_reads_is_read(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds, abs=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "-",
        "+",
        ".s",
        "1",
        "12.5",
        " 1s",
        "1s ",
        "1 s",
        "1S",
        "1d",
        "1w",
        "1mm",
        "1y",
        "1h-2s",
        "--1s",
        "1..2s",
        "1.2.3s",
        "1e3s",
        "\n1s",
        "1s\n",
        "٣s",
        "00",
    ],
)
def test_what_go_refuses_is_refused(text):
    with pytest.raises(DurationError, match="not a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["2562048h", "9223372037000000000ns", "9" * 40 + "h"])
def test_beyond_64_bits_of_nanoseconds_is_too_long(text):
    with pytest.raises(DurationError, match="too long"):
        parse_duration(text)


def test_the_message_says_where_and_what_to_write():
    with pytest.raises(DurationError, match=r"^settings\.yaml: '10' is not a duration; .* for seconds write 10s"):
        parse_duration("10", where="settings.yaml")
    with pytest.raises(DurationError, match="write 48h"):
        parse_duration("2d")


@given(
    st.lists(
        st.tuples(st.decimals(min_value=0, max_value=10_000, places=3), st.sampled_from(sorted(UNIT_S))),
        min_size=1,
        max_size=4,
    )
)
def test_sums_agree_with_exact_arithmetic(parts):
    text = "".join(f"{number}{unit}" for number, unit in parts)
    exact = sum(Fraction(number) * UNIT_S[unit] for number, unit in parts)

    assert parse_duration(text) == pytest.approx(float(exact), abs=5e-6)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (120, "2m"),
        (3600, "1h"),
        (90, "1m30s"),
        (8.1, "8.1s"),
        (0.5, "500ms"),
        (0.0005, "500us"),
        (-5, "-5s"),
        (259_200, "72h"),
        (3661, "1h1m1s"),
    ],
)
def test_the_shortest_form_is_written(seconds, text):
    assert format_duration(seconds) == text


@given(st.integers(min_value=-(10**13), max_value=10**13))
def test_written_durations_are_read_back_to_the_microsecond(microseconds):
    assert round(parse_duration(format_duration(microseconds / 1e6)) * 1e6) == microseconds


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e12])
def test_what_is_no_duration_cannot_be_written(seconds):
    with pytest.raises(DurationError):
        format_duration(seconds)


@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        (0, "timeout: 0s is zero; write at least 1s"),
        (-3, "timeout: -3s is negative; write at least 1s"),
        (0.5, "timeout: 500ms is too short; write at least 1s"),
        (3601, "timeout: 1h1s is too long; write at most 1h"),
    ],
)
def test_bounds_are_told(seconds, message):
    with pytest.raises(DurationError) as caught:
        check_bounds(seconds, where="timeout", minimum_s=1, maximum_s=3600)

    assert str(caught.value) == message


def test_bounds_are_inclusive_and_zero_may_be_allowed():
    assert check_bounds(1, where="x", minimum_s=1, maximum_s=2) == 1
    assert check_bounds(2, where="x", minimum_s=1, maximum_s=2) == 2
    assert check_bounds(0, where="x", minimum_s=1, maximum_s=2, zero=True) == 0
    with pytest.raises(DurationError, match="at least 1s or 0s"):
        check_bounds(-1, where="x", minimum_s=1, maximum_s=2, zero=True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("14d", 1_209_600),
        ("1d12h", 129_600),
        ("2w", 1_209_600),
        ("1w1d", 691_200),
        ("90s", 90),
        ("0", 0),
        ("0d", 0),
    ],
)
def test_spans_know_days_and_weeks(text, seconds):
    assert parse_span(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "d", "1.5d", "1d1w", "-1d", "-5s", "1d-5s", "x", "14", "999999999d", "9" * 400 + "d"]
)
def test_bad_spans_are_refused(text):
    with pytest.raises(DurationError, match=r"^--since: "):
        parse_span(text, where="--since")
