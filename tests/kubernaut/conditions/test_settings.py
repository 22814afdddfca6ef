import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.conditions.settings import (
    ActionOverrides,
    ActionSettings,
    BlockRate,
    EnvironmentSettings,
    Evidence,
    InlinePolicies,
    PostOverride,
    PostSettings,
    PreOverride,
    PreSettings,
    Settings,
    TimeToPass,
)
from kubernaut.conditions.settings_text import dump_settings, load_settings, settings_digest
from kubernaut.errors import SettingsError
from kubernaut.identity import ConditionId, Level, Phase

TEXT = """\
version: 1
rollout: default
enforcement: true
recordFacts: read
inlinePolicies: {namespaces: ["team-*"]}
blockedDeadline: 1h
actions:
  scale_deployment:
    pre:
      deployment_exists: {required: true, rolloutPercent: 0, timeout: 10s, settings: {}}
    post:
      desired_replicas_running: {required: true, rolloutPercent: 2.5, timeout: 2m, pollInterval: 5s, holdFor: 0s,
        settings: {minimum_ready_percent: 90},
        evidence: {timeToPass: {p50: 8.1s, p95: 31s, n: 120}, blockRate: {predicted: 0.012, upper: 0.034, n: 240}}}
environments:
  canary: {rolloutPercent: 5}
  production:
    rolloutPercent: 1
    actions:
      scale_deployment:
        post:
          desired_replicas_running: {rolloutPercent: 10, timeout: 3m, settings: {other: 1}}
"""
EXISTS = ConditionId("scale_deployment", Level.STEP, Phase.PRE, "deployment_exists")
RUNNING = ConditionId("scale_deployment", Level.STEP, Phase.POST, "desired_replicas_running")


def test_the_documented_shape_is_read():
    settings = load_settings(TEXT)
    running = settings.effective(RUNNING)

    assert settings.condition_ids(Level.STEP) == (RUNNING, EXISTS)
    assert settings.inline_policies.namespaces == ("team-*",)
    assert (running.timeout_s, running.timing, running.rollout_percent) == (120, (5, 0), 2.5)
    assert running.evidence.block_rate.upper == 0.034
    assert running.evidence.time_to_pass.p50_s == 8.1
    assert settings.effective(EXISTS).timing == (None, 0)


def test_an_empty_text_is_all_defaults_and_names_nothing():
    settings = load_settings("")

    assert settings == Settings()
    assert settings.condition_ids(Level.STEP) == ()
    assert settings.effective(EXISTS) is None


def test_a_condition_without_fields_is_required_and_in_warn_mode():
    settings = load_settings("actions: {a: {pre: {x: {}}, post: {y: {}}}}")
    pre = settings.effective(ConditionId("a", Level.STEP, Phase.PRE, "x"))
    post = settings.effective(ConditionId("a", Level.STEP, Phase.POST, "y"))

    assert (pre.required, pre.rollout_percent, pre.timeout_s) == (True, 0, 30)
    assert (post.timeout_s, post.poll_interval_s, post.hold_for_s) == (120, None, 0)


def test_an_environment_changes_what_it_names():
    settings = load_settings(TEXT)

    assert settings.effective(EXISTS, environment="canary").rollout_percent == 5
    assert settings.effective(EXISTS, environment="production").rollout_percent == 1
    assert settings.effective(EXISTS, environment="nowhere") == settings.effective(EXISTS)
    running = settings.effective(RUNNING, environment="production")
    assert (running.rollout_percent, running.timeout_s, running.poll_interval_s) == (10, 180, 5)
    assert running.settings == {"minimum_ready_percent": 90, "other": 1}
    assert running.evidence == settings.effective(RUNNING).evidence


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "timeout: 10s",
            "timout: 10s",
            "settings.yaml:10: actions.scale_deployment.pre.deployment_exists.timout: unknown key; did you mean `timeout`?",
        ),
        ("timeout: 10s", "zzz: 10s", "zzz: no key of this place; remove it"),
        ("timeout: 10s", "timeout_s: 10s", "timeout_s: unknown key; did you mean `timeout`?"),
        ("timeout: 10s", "timeout: 10", "deployment_exists.timeout: 10 of what? write a duration, e.g. 10s"),
        ("timeout: 10s", "timeout: soon", "'soon' is not a duration"),
        (
            "timeout: 10s",
            "timeout: 0s",
            "settings.yaml:10: actions.scale_deployment.pre.deployment_exists.timeout: 0s is zero",
        ),
        ("timeout: 10s", "timeout: -1s", "timeout: -1s is negative"),
        ("timeout: 10s", "timeout: 61m", "timeout: 1h1m is too long; write at most 1h"),
        ("timeout: 10s", "timeout: 10s, holdFor: 1s", "deployment_exists.holdFor: no key of this place"),
        ("holdFor: 0s", "holdFor: 2m", "desired_replicas_running.holdFor: 2m does not fit into the timeout (2m)"),
        ("holdFor: 0s", "holdFor: -1s", "holdFor: -1s is negative"),
        ("pollInterval: 5s", "pollInterval: 500ms", "pollInterval: 500ms is too short; write at least 1s"),
        ("pollInterval: 5s", "pollInterval: 6m", "pollInterval: 6m is too long; write at most 5m"),
        ("pollInterval: 5s", "pollInterval: 3m", "pollInterval: 3m is longer than the timeout (2m)"),
        (
            "rolloutPercent: 0,",
            "rolloutPercent: 101,",
            "rolloutPercent: input should be less than or equal to 100, not 101",
        ),
        ("rolloutPercent: 0,", "rolloutPercent: -1,", "rolloutPercent: input should be greater than or equal to 0"),
        ("rolloutPercent: 0,", "rolloutPercent: .nan,", "rolloutPercent: input should be a finite number"),
        (
            "required: true, rolloutPercent: 0",
            "required: 1, rolloutPercent: 0",
            "required: input should be a valid boolean, not 1",
        ),
        ("version: 1", "version: 2", "settings.yaml:1: version: input should be 1, not 2"),
        ("recordFacts: read", "recordFacts: some", "recordFacts: "),
        ("blockedDeadline: 1h", "blockedDeadline: 25h", "settings.yaml:6: blockedDeadline: 25h is too long"),
        ("rollout: default", 'rollout: ""', "rollout: "),
        ("upper: 0.034", "upper: 0.001", "upper (0.001) is below predicted (0.012)"),
        ("n: 240}", 'n: 240}, reason: "a\\u2028b"', "evidence.reason: holds line breaks"),
        ("n: 240", "m: 240", "blockRate.n: missing; add it"),
        (
            "canary: {rolloutPercent: 5}",
            "canary: {rollout: 5}",
            "environments.canary.rollout: unknown key; did you mean `rolloutPercent`?",
        ),
        (
            "timeout: 3m,",
            "holdFor: 10m,",
            "settings.yaml:22: environments.production.actions.scale_deployment.post.desired_replicas_running: holdFor: 10m does not fit",
        ),
        (
            "          desired_replicas_running: {rollout",
            "          desired_replica: {rollout",
            "desired_replica: not in actions.scale_deployment.post; an environment changes conditions",
        ),
        ("  scale_deployment:\n    pre", "  Scale-Deployment:\n    pre", "string should match pattern"),
        (
            "minimum_ready_percent: 90",
            "minimum_ready_percent: lots",
            "settings.minimum_ready_percent: input should be a valid number, not 'lots'",
        ),
    ],
)
def test_what_is_wrong_is_told_with_line_path_and_remedy(old, new, message):
    assert TEXT.count(old) >= 1

    with pytest.raises(SettingsError) as caught:
        load_settings(TEXT.replace(old, new, 1))

    assert message in str(caught.value)


def test_all_problems_are_told_at_once_up_to_a_page():
    many = "\n".join(f"key{n}: 1" for n in range(20))

    with pytest.raises(SettingsError) as caught:
        load_settings(many)

    lines = str(caught.value).splitlines()
    assert len(lines) == 13
    assert lines[-1] == "and 8 more"


def test_long_values_are_cut_in_messages():
    with pytest.raises(SettingsError) as caught:
        load_settings(f"enforcement: {'x' * 500}")

    assert len(str(caught.value)) < 200


def test_a_blocked_deadline_of_zero_is_allowed():
    assert load_settings("blockedDeadline: 0s").blocked_deadline_s == 0


def test_the_canonical_text():
    expected = """\
version: 1
rollout: default
enforcement: true
recordFacts: read
inlinePolicies:
  namespaces:
  - team-*
blockedDeadline: 1h
actions:
  scale_deployment:
    pre:
      deployment_exists:
        required: true
        rolloutPercent: 0
        timeout: 10s
    post:
      desired_replicas_running:
        required: true
        rolloutPercent: 2.5
        timeout: 2m
        settings:
          minimum_ready_percent: 90
        evidence:
          timeToPass:
            p50: 8.1s
            p95: 31s
            n: 120
          blockRate:
            predicted: 0.012
            upper: 0.034
            n: 240
        pollInterval: 5s
        holdFor: 0s
environments:
  canary:
    rolloutPercent: 5
  production:
    rolloutPercent: 1
    actions:
      scale_deployment:
        post:
          desired_replicas_running:
            rolloutPercent: 10
            timeout: 3m
            settings:
              other: 1
"""

    assert dump_settings(load_settings(TEXT)) == expected


NAMES = st.from_regex(r"\A[a-z][a-z0-9_]{0,8}\Z")
WORDS = st.from_regex(r"\A[A-Za-z0-9]{1,5}\Z")
SECONDS = st.integers(1_000, 60_000).map(lambda ms: ms / 1000)
NUMBERS = st.dictionaries(NAMES, st.floats(allow_nan=False, allow_infinity=False), max_size=2)
PERCENT = st.integers(0, 10_000).map(lambda n: n / 100)
EVIDENCE = st.builds(
    Evidence,
    time_to_pass=st.none() | st.builds(TimeToPass, p50=SECONDS, p95=SECONDS, n=st.integers(1, 999)),
    block_rate=st.none()
    | st.builds(BlockRate, predicted=st.just(0.01), upper=st.floats(0.01, 1), n=st.integers(1, 999)),
    reason=st.text(max_size=20).filter(str.isprintable),
)
PRE = st.builds(
    PreSettings,
    required=st.booleans(),
    rollout_percent=PERCENT,
    timeout_s=SECONDS,
    settings=NUMBERS,
    evidence=st.none() | EVIDENCE,
)
POST = st.builds(
    PostSettings,
    required=st.booleans(),
    rollout_percent=PERCENT,
    timeout_s=st.just(61.0),
    poll_interval_s=st.none() | SECONDS,
    hold_for_s=SECONDS | st.just(0.0),
    settings=NUMBERS,
    evidence=st.none() | EVIDENCE,
)
SUITES = st.dictionaries(
    NAMES,
    st.builds(
        ActionSettings, pre=st.dictionaries(NAMES, PRE, max_size=2), post=st.dictionaries(NAMES, POST, max_size=2)
    ),
    max_size=2,
)


@st.composite
def all_settings(draw):
    actions = draw(SUITES)
    overrides = {
        action: ActionOverrides(
            pre={
                name: draw(
                    st.builds(
                        PreOverride,
                        required=st.none() | st.booleans(),
                        rollout_percent=st.none() | PERCENT,
                        settings=NUMBERS,
                    )
                )
                for name in suite.pre
            },
            post={name: draw(st.builds(PostOverride, timeout_s=st.none() | st.just(62.0))) for name in suite.post},
        )
        for action, suite in actions.items()
    }
    environment = draw(WORDS)
    section = EnvironmentSettings(rollout_percent=draw(st.none() | PERCENT), actions=overrides)
    return Settings(
        rollout=draw(WORDS),
        enforcement=draw(st.booleans()),
        record_facts=draw(st.sampled_from(["read", "all"])),
        inline_policies=InlinePolicies(
            namespaces=tuple(draw(st.lists(st.from_regex(r"\A[a-z0-9*?-]{1,9}\Z"), max_size=2)))
        ),
        blocked_deadline_s=draw(SECONDS | st.just(0.0)),
        actions=actions,
        environments={environment: section},
    )


@given(all_settings())
def test_what_is_written_is_read_back_the_same(settings):
    text = dump_settings(settings)
    again = load_settings(text)

    assert dump_settings(again) == text
    assert settings_digest(again) == settings_digest(settings)
    ids = settings.condition_ids(Level.STEP)
    assert again.condition_ids(Level.STEP) == ids
    for environment in ("", *settings.environments):
        for condition in ids:
            assert again.effective(condition, environment=environment) == settings.effective(
                condition, environment=environment
            )


def test_the_order_of_keys_does_not_change_the_bytes():
    one = load_settings("enforcement: false\nactions: {b: {pre: {y: {}, x: {}}}, a: {}}")
    other = load_settings("actions: {a: {}, b: {pre: {x: {}, y: {}}}}\nenforcement: false")

    assert dump_settings(one) == dump_settings(other)
    assert settings_digest(one) != settings_digest(Settings())


def test_one_condition_can_be_replaced_and_the_whole_is_checked_again():
    settings = load_settings(TEXT)
    changed = settings.with_condition(RUNNING, PostSettings(rollout_percent=50, timeout_s=60))
    added = settings.with_condition(ConditionId("restart_pod", Level.STEP, Phase.PRE, "pod_exists"), PreSettings())

    assert changed.effective(RUNNING).rollout_percent == 50
    assert changed.effective(EXISTS) == settings.effective(EXISTS)
    assert len(added.condition_ids(Level.STEP)) == 3
    with pytest.raises(SettingsError):
        settings.with_condition(RUNNING, PreSettings())
    clash = load_settings(TEXT.replace("timeout: 3m", "holdFor: 90s"))
    with pytest.raises(SettingsError, match="does not fit into the timeout"):
        clash.with_condition(RUNNING, PostSettings(timeout_s=60))
