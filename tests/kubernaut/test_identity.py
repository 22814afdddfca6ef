import pytest

from kubernaut.errors import InputError
from kubernaut.identity import ConditionId, Level, Phase


def test_the_text_form_is_read_back():
    condition = ConditionId("scale_deployment", Level.ACTION, Phase.POST, "no_crashloop_pods")

    assert str(condition) == "scale_deployment/action/post/no_crashloop_pods"
    assert ConditionId.parse(str(condition)) == condition


@pytest.mark.parametrize("text", ["", "a/step/pre", "a/step/pre/t/x", "a/node/pre/t", "a/step/mid/t"])
def test_what_is_no_condition_is_refused_with_the_form(text):
    with pytest.raises(InputError, match=r"is not a condition; write action/level/phase/type, e\.g\."):
        ConditionId.parse(text)
