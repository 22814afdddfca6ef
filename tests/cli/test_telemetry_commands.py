"""`kubernaut telemetry` as its user runs it: bad input is refused before Prometheus is asked."""

import pytest
from helpers.command_line import kubernaut


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["check", "--url", "prometheus:9090"], "no URL of a Prometheus"),
        (["check", "--url", "http://127.0.0.1:9", "--since", "2026-03-01T00:00:00"], "no time zone"),
        (["check", "--url", "http://127.0.0.1:9", "-n", 'x"}'], "no name of a namespace"),
        (["check", "--url", "http://127.0.0.1:9", "--label", "cluster"], "cluster=prod"),
        (["replay", "--url", "http://127.0.0.1:9"], "--incidents FILE or by --history PATH"),
        (["replay", "--url", "http://127.0.0.1:9", "--incidents", "nowhere.csv"], "nowhere.csv"),
        (["rates", "--url", "http://127.0.0.1:9", "--step", "0s"], "--step"),
    ],
)
def test_bad_input_is_said(argv, said):
    done = kubernaut("telemetry", *argv)

    assert done.code == 1
    assert said in done.err
    assert "Traceback" not in done.err
