"""What our evaluator must say where OPA said this: the same wording rules applied to OPA's values."""

from kubernaut.policy.wording import clean_message
from kubernaut.verdicts import Code, Judgement

from .opa import OpaAnswer


def code_of(answer: OpaAnswer) -> Code:
    """Give the code that OPA's `allow` comes to."""
    if "allow" in answer.errors:
        return Code.ERROR
    allow = answer.values.get("allow", False)
    if allow is True:
        return Code.PASSED
    return Code.FAILED if allow is False else Code.ERROR


def difference(answer: OpaAnswer, judged: Judgement) -> str:
    """Say in what our judgement differs from OPA's answer; empty when in nothing that decides.

    A message is compared where both have one: the plain one stands in for a message that our evaluator cannot say.
    """
    wanted = code_of(answer)
    if judged.code is not wanted:
        return f"verdict: OPA {wanted.value} ({answer}), ours {judged}"
    if judged.code is not Code.FAILED:
        return ""
    if judged.fatal is not (answer.values.get("fatal") is True):
        return f"fatal: OPA {answer}, ours {judged}"
    said = answer.values.get("error_message")
    plain = judged.message.startswith("`allow` is ")
    message = judged.message.split(" (`fatal` could not be judged", 1)[0]
    if isinstance(said, str) and said and not plain and message != clean_message(said):
        return f"message: OPA {said!r}, ours {judged.message!r}"
    return ""
