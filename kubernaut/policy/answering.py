"""From one input to one judgement: the order of the questions and the wording of what comes back.

`allow` is asked first; `fatal` and `error_message` only when it did not hold. A policy error, a non-boolean `allow`
and an input that cannot be handed over are judgements too, never exceptions. The same code runs in process and in the
worker program, so this module may import only what the worker may.
"""

from kubernaut.policy.rego_answers import Answer
from kubernaut.policy.rego_engine import BuiltPolicy, ask, hand_over
from kubernaut.policy.wording import clean_message, describe
from kubernaut.verdicts import Code, Judgement, Reason


def answer(built: BuiltPolicy, package: str, *, has_error_message: bool, has_fatal: bool, text: str) -> Judgement:
    """Judge one input.

    Parameters
    ----------
    built : BuiltPolicy
    package : str
        Dotted, as declared.
    has_error_message, has_fatal : bool
        Whether those rules are defined; undefined ones are not asked.
    text : str
        The input, from `input_text.encode_input`.
    """
    prefix = package.replace(".", "/")
    hand_over(built, text)
    allow = ask(built, f"{prefix}/allow")
    if allow.kind == "error":
        return Judgement(Code.ERROR, Reason.POLICY_ERROR, clean_message(f"policy error: {allow.value}"))
    if allow.kind == "garbled":
        return Judgement(
            Code.ERROR,
            Reason.POLICY_ERROR,
            "policy error: `allow` gave text that the evaluator cannot represent",
        )
    if allow.kind == "value" and allow.value is True:
        return Judgement(Code.PASSED, Reason.ALLOWED)
    if allow.kind == "value" and allow.value is not False:
        return Judgement(
            Code.ERROR,
            Reason.NON_BOOLEAN_RESULT,
            f"`allow` must be true or false, not {describe(allow.value)}",
        )
    fatal, note = _fatal(ask(built, f"{prefix}/fatal")) if has_fatal else (False, "")
    message = _message(ask(built, f"{prefix}/error_message")) if has_error_message else ""
    if not message:
        message = "`allow` is false" if allow.kind == "value" else "`allow` is undefined: no rule of it holds"
    reason = Reason.FATAL if fatal else Reason.NOT_ALLOWED
    return Judgement(Code.FAILED, reason, clean_message(message + note), fatal=fatal)


def _fatal(asked: Answer) -> tuple[bool, str]:
    # A `fatal` that cannot be judged never ends the waiting: giving up early is the costlier mistake.
    if asked.kind == "undefined" or asked.value is False:
        return False, ""
    if asked.kind == "value" and asked.value is True:
        return True, ""
    why = describe(asked.value) if asked.kind == "value" else str(asked.value)
    return False, f" (`fatal` could not be judged: {why})"


def _message(asked: Answer) -> str:
    """Give the policy's own words, or nothing when it has none that can be shown."""
    if asked.kind != "value":
        return ""
    if isinstance(asked.value, str):
        return asked.value
    if isinstance(asked.value, list) and all(isinstance(one, str) for one in asked.value):
        return "; ".join(asked.value)
    return ""
