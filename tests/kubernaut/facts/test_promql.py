import pytest

from kubernaut.errors import FactsError
from kubernaut.facts.objects import Target
from kubernaut.facts.promql import about, asks_for_now, looks_back_s
from kubernaut.facts.registry import REGISTRY

WEB = Target(namespace="shop", name="web.v1")


def test_two_names_are_put_in_and_nothing_else():
    assert about('sum(up{namespace="$namespace",pod=~"$name-.*"}) > 0 # $5', WEB) == (
        'sum(up{namespace="shop",pod=~"web.v1-.*"}) > 0 # $5'
    )


@pytest.mark.parametrize(
    "target",
    [
        Target(namespace='shop"} or vector(1) #', name="web"),
        Target(namespace="shop", name='web"} or {__name__=~".+'),
        Target(namespace="", name="web"),
        Target(namespace="shop", name="Web"),
        Target(namespace="shop\n", name="web"),
    ],
)
def test_what_is_no_name_never_reaches_a_query(target):
    with pytest.raises(FactsError, match="no name that may be put into a query"):
        about("up{namespace='$namespace'}", target)


@pytest.mark.parametrize(
    ("query", "back_s"),
    [
        ("up", 0),
        ("rate(x[2m])", 120),
        ("rate(x[1h30m]) / rate(y[5m])", 5400),
        ("rate(x[ 90s ])", 90),
        ("increase(x[1d])", 86400),
        ("max_over_time(rate(x[5m])[30m:1m])", 2100),
        ("max_over_time(max_over_time(rate(x[5m])[10m:])[1h:30s])", 4500),
        ("x offset 10m", 600),
        ("rate(x[5m] offset 1h)", 3900),
        ("rate(x[5m]) OFFSET 1h", 3900),
        ("""sum(x{pod=~"web-[0-9a-f]+",other='[5m]'})""", 0),
        ("sum(x{pod=~`web-[a-z]`}) # [9h] offset 2h @ 0", 0),
        (r'x{a="\"[1h]"}', 0),
    ],
)
def test_how_far_a_query_looks_back_is_read_off_it(query, back_s):
    assert looks_back_s(query) == back_s


@pytest.mark.parametrize("query", ["x @ 1609746000", "x @ end()", "rate(x[5m] @ start())"])
def test_a_query_that_is_pinned_to_a_moment_says_nothing_of_now(query):
    with pytest.raises(FactsError, match="pinned to a moment"):
        looks_back_s(query)


@pytest.mark.parametrize("query", ["rate(x[$__range])", "rate(x[5 m])", "rate(x[2m"])
def test_a_window_that_cannot_be_read_is_not_taken_for_none(query):
    with pytest.raises(FactsError, match="window"):
        looks_back_s(query)


@pytest.mark.parametrize(
    "query",
    [
        "up",
        'up{a="b"}',
        '{__name__="up"}',
        "sum(up)",
        "sum by (pod) (up)",
        "up / rate(x[5m])",
        "rate(x[5m]) > bool up",
        "max_over_time(up[10m:1m])",
        "a:b:c",
        "sum(rate(x[5m])) or vector(0) * up",
        "x offset 5m",
    ],
)
def test_the_newest_sample_may_be_old(query):
    assert asks_for_now(query)


@pytest.mark.parametrize(
    "query",
    [
        "rate(x[5m])",
        'sum by (pod, node) (rate(x{a="up"}[5m])) / on (pod) group_left (node) sum(rate({a=~"y"} [1h30m]))',
        "sum(increase(x[5m])) without (pod) and vector(0) unless vector(Inf) or vector(NaN)",
        "1 + 2e3 > bool 0x1f",
        "rate(x[5m] offset 1h)",
        "max_over_time(rate(x[5m])[30m:1m])",
        "time() - 5 # up",
        REGISTRY["cpu_throttling_ratio"].series,
    ],
)
def test_windows_alone_say_how_old_samples_are(query):
    assert not asks_for_now(query)


def test_the_registered_query_looks_back_two_minutes():
    assert looks_back_s(REGISTRY["cpu_throttling_ratio"].series) == 120
