import json
from fractions import Fraction
from pathlib import Path

import pytest
from helpers.real_objects import real_data
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.errors import QuantityError
from kubernaut.quantities import (
    MAX_ALLOWED,
    Format,
    Quantity,
    cpu_millicores,
    format_cpu_m,
    format_memory_mi,
    memory_bytes,
    parse_quantity,
    parse_resource,
    round_up,
)

SUFFIXES = {
    "": 1,
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "P": 10**15,
    "E": 10**18,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "Pi": 2**50,
    "Ei": 2**60,
}

numbers = st.from_regex(r"[0-9]{1,12}(\.[0-9]{0,6})?", fullmatch=True)
suffixes = st.sampled_from(sorted(SUFFIXES))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", Fraction(1, 2)),
        ("2", 2),
        ("1e3", 1000),
        ("12e6", 12_000_000),
        ("12E6", 12_000_000),
        ("1E", 10**18),
        ("1E-3", Fraction(1, 1000)),
        ("0.5Gi", 2**29),
        ("128974848", 128974848),
        (".5", Fraction(1, 2)),
        ("1.", 1),
        ("+1", 1),
        ("-1", -1),
        ("0.1n", Fraction(1, 10**9)),
        ("-0.1n", Fraction(-1, 10**9)),
        ("9Ei", MAX_ALLOWED),
        ("-9Ei", -MAX_ALLOWED),
        ("00012", 12),
    ],
)
def test_parse(text, value):
    assert parse_quantity(text).value == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " 1",
        "1 ",
        "-",
        "+",
        ".",
        "Ki",
        "m",
        "1ki",
        "1K",
        "1mi",
        "1e",
        "1e+",
        "1E3E",
        "--1",
        "1.1.1",
        "1,5",
        "1_0",
        "٣",
        "1i",
        "0x10",
        "1" * 300,
        "NaN",
        "inf",
    ],
)
def test_rubbish(text):
    with pytest.raises(QuantityError, match="is not a quantity; write it like 500m"):
        parse_quantity(text)


@pytest.mark.parametrize("text", ["1e1000", "1e-1000", "1E99999999999999999999"])
def test_absurd_exponent(text):
    with pytest.raises(QuantityError, match="out of range"):
        parse_quantity(text)


@given(numbers, suffixes)
def test_agrees_with_plain_arithmetic(number, suffix):
    exact = Fraction(number) * SUFFIXES[suffix]

    value = parse_quantity(number + suffix).value

    if suffix.endswith("i"):
        exact = min(exact, Fraction(MAX_ALLOWED))
    assert 0 <= value - exact < Fraction(1, 10**9)
    assert (value * 10**9).denominator == 1


@given(numbers, suffixes)
def test_canonical_text_is_read_back_the_same(number, suffix):
    quantity = parse_quantity(number + suffix)

    again = parse_quantity(str(quantity))

    assert again.value == quantity.value
    assert str(again) == str(quantity)


@given(numbers, suffixes)
def test_a_sign_only_turns_the_number_around(number, suffix):
    assert parse_quantity("-" + number + suffix).value == -parse_quantity(number + suffix).value


@given(st.text(max_size=12))
def test_any_text_is_a_quantity_or_a_clear_error(text):
    try:
        value = parse_quantity(text).value
    except QuantityError:
        return

    assert (value * 10**9).denominator == 1


@pytest.mark.parametrize(
    ("value", "amount"),
    [("500m", Fraction(1, 2)), (2, 2), (0.5, Fraction(1, 2)), (0, 0), ("9Ei", MAX_ALLOWED)],
)
def test_parse_resource(value, amount):
    assert parse_resource(value) == amount


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("-1", "is negative"),
        (-3, "is negative"),
        ("10E", "more than 2\\^63-1"),
        (2**63, "more than 2\\^63-1"),
        (None, "text or a number, not NoneType"),
        (True, "text or a number, not bool"),
        ([], "text or a number, not list"),
        (float("nan"), "not a quantity"),
        (float("inf"), "not a quantity"),
        ("x" * 100, "'x+\\.\\.\\. is not a quantity"),
    ],
)
def test_parse_resource_refuses(value, message):
    with pytest.raises(QuantityError, match=message):
        parse_resource(value)


def test_a_number_too_long_to_write_is_refused():
    with pytest.raises(QuantityError, match="hundreds of digits"):
        parse_resource(10**5000)


def test_units_of_the_engine():
    assert cpu_millicores("1500m") == 1500
    assert cpu_millicores("1") == 1000
    assert memory_bytes("1Ki") == 1024
    assert format_cpu_m(Fraction("1.0005"), up=False) == "1000m"
    assert format_cpu_m(Fraction("1.0005"), up=True) == "1001m"
    assert format_memory_mi(Fraction(2**20 + 1), up=False) == "1Mi"
    assert format_memory_mi(Fraction(2**20 + 1), up=True) == "2Mi"


@given(st.fractions(min_value=0, max_value=10**6))
def test_rounding_brackets_the_amount(cores):
    down, up = cpu_millicores(format_cpu_m(cores, up=False)), cpu_millicores(format_cpu_m(cores, up=True))

    assert down <= cores * 1000 <= up
    assert up - down <= 1


@pytest.fixture(scope="module")
def cases():
    root = real_data()
    if root is None:
        pytest.skip("KUBERNAUT_REAL_DATA is not set")
    return json.loads((Path(root) / "quantity" / "quantity_cases.json").read_text())


@pytest.mark.realdata
def test_all_cases_of_apimachinery_agree(cases):
    agreed = 0
    for case in cases["parse"]:
        quantity = parse_quantity(case["input"])
        assert (quantity.value, quantity.format) == (Fraction(case["value"]), case["format"]), case
        agreed += 1
    for text in cases["invalid"]:
        with pytest.raises(QuantityError):
            parse_quantity(text)
        agreed += 1
    for case in cases["string"]:
        assert str(Quantity(Fraction(case["value"]), Format(case["format"]))) == case["canonical"], case
        if case["alternate"]:
            assert str(parse_quantity(case["alternate"])) == case["canonical"], case
        agreed += 1
    for case in cases["emit"]:
        assert str(parse_quantity(case["input"])) == case["canonical"], case
        agreed += 1
    for case in cases["round_up"]:
        rounded = round_up(parse_quantity(case["input"]).value, scale=case["scale"])
        assert rounded == (Fraction(case["value"]), case["exact"]), case
        agreed += 1
    for case in cases["extremes"]:
        quantity = parse_quantity(case["input"])
        assert (quantity.value, str(quantity)) == (Fraction(case["value"]), case["canonical"]), case
        agreed += 1

    assert agreed == 243
