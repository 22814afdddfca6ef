import pytest

from kubernaut.conditions.custom_facts import load_custom_facts
from kubernaut.errors import SettingsError

BUDGET = "{kind: PodDisruptionBudget, apiVersion: policy/v1, jsonPath: '{.status.disruptionsAllowed}', type: number}"


def load(fact, **arguments):
    return load_custom_facts(f"facts: {{it: {fact}}}", **arguments).facts["it"]


def test_an_objects_field_is_a_fact():
    fact = load(BUDGET)

    assert (fact.kind, fact.api_version, fact.name, fact.json_path) == (
        "PodDisruptionBudget",
        "policy/v1",
        "$name",
        "{.status.disruptionsAllowed}",
    )


def test_a_query_is_a_fact():
    fact = load(
        """{type: number, unit: messages, description: "waiting", promql: 'max(q{namespace="$namespace",d="$name"})'}"""
    )

    assert (fact.unit, fact.description) == ("messages", "waiting")
    assert "$namespace" in fact.promql


def test_nothing_is_no_facts():
    assert load_custom_facts("").facts == {}


@pytest.mark.parametrize(
    "path", ["{.spec.a}", ".spec.a", "{.items[0].x}", "{.a[*].b-c}", "{.metadata.labels['app.kubernetes.io/name']}"]
)
def test_plain_paths_are_accepted(path):
    assert load(BUDGET.replace("'{.status.disruptionsAllowed}'", f'"{path}"')).json_path == path


@pytest.mark.parametrize(
    "path",
    [
        "{..a}",
        "{.a[?(@.b==1)]}",
        "{.a",
        "a.b",
        "{.a}{.b}",
        "{range .items[*]}{.x}{end}",
        "{.a[-1]}",
        "{}",
        "{.a[0:2]}",
        "$.a",
    ],
)
def test_other_paths_are_refused(path):
    with pytest.raises(SettingsError, match="is no path that can be read here"):
        load(BUDGET.replace("'{.status.disruptionsAllowed}'", f'"{path}"'))


@pytest.mark.parametrize(
    ("fact", "message"),
    [
        (BUDGET.replace("PodDisruptionBudget", "Secret"), "kind: Secrets are never read as facts"),
        (BUDGET.replace("PodDisruptionBudget", "ConfigMap"), "ConfigMaps are never read"),
        (BUDGET.replace("PodDisruptionBudget", "Node"), "Node is not on the operator's list of kinds"),
        (BUDGET.replace("type: number", "type: number, name: Bad_Name"), "is no object's name"),
        (BUDGET.replace("type: number", "type: date"), "type: "),
        (BUDGET.replace("type: number", "type: number, namespace: kube-system"), "namespace: "),
        (BUDGET.replace("type: number", "type: number, promql: up"), "a fact has one source"),
        ("{type: number, kind: Pod}", "needs kind, apiVersion and jsonPath, or promql"),
        ("{type: number}", "needs kind"),
        ("{type: string, promql: up}", "promql gives a number, not a string"),
        ("{type: number, promql: 'up{a=\"$uid\"}'}", "'$uid' is not put in; only $namespace and $name are"),
        ("{type: number, promql: 'up{a=\"${name}\"}'}", "'${name}' is not put in"),
        ("{type: number, promql: 'up{a=~\"x$\"}'}", "'$' is not put in"),
        (f"{{type: number, promql: '{'u' * 4097}'}}", "4097 bytes; at most 4096"),
        ("{type: number, promql: ''}", "promql: "),
        ("{type: number, prom: up}", "prom: unknown key; did you mean `promql`?"),
    ],
)
def test_what_would_be_a_way_around_is_refused(fact, message):
    with pytest.raises(SettingsError) as caught:
        load(fact)

    assert message in str(caught.value)
    assert str(caught.value).startswith("facts.yaml:1: facts.it")


def test_the_operators_list_decides_and_never_lets_secrets_in():
    assert load(BUDGET.replace("PodDisruptionBudget", "Node"), allowed_kinds=["Node"]).kind == "Node"
    with pytest.raises(SettingsError, match="not on the operator's list"):
        load(BUDGET, allowed_kinds=[])
    with pytest.raises(SettingsError, match="never read"):
        load(BUDGET.replace("PodDisruptionBudget", "Secret"), allowed_kinds=["Secret"])
