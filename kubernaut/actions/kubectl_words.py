"""What kubectl's last words say of a change that failed: whether the API server refused it, and why, for a person.

kubectl leaves with 1 both when the server said no and when no answer came. The first means that nothing was changed.
After the second nobody knows, and only the words tell them apart: whatever is not clearly a refusal is not taken for
one.
"""

import re
from dataclasses import dataclass

from kubernaut.actions.change import Change, Verb

MAX_MESSAGE_CHARS = 512
"""Of kubectl's own words, when no better ones are known."""

_CERTAIN = frozenset(
    {
        "AlreadyExists",
        "BadRequest",
        "Conflict",
        "Forbidden",
        "Gone",
        "Invalid",
        "MethodNotAllowed",
        "NotAcceptable",
        "NotFound",
        "RequestEntityTooLarge",
        "TooManyRequests",
        "Unauthorized",
        "UnsupportedMediaType",
    }
)
"""Reasons with which a server says that it carried nothing out. A timeout or an internal error says no such thing."""

_REFUSAL = re.compile(r"^Error from server \((?P<reason>\w+)\): ?(?P<why>[\s\S]*)", re.MULTILINE)
_INVALID = re.compile(r"^The (?:request|\S+ \".*?\") is invalid: ?(?P<why>[\s\S]*)", re.MULTILINE)
_NO_LOGIN = "error: You must be logged in to the server (Unauthorized)"
_TEST_FAILED = "the server rejected our request due to an error in our request"
"""All that a server says when a `test` of a JSON patch does not hold."""


@dataclass(frozen=True, slots=True)
class KubectlSaid:
    """What became of a change that kubectl could not report as done.

    Attributes
    ----------
    refused : bool
        The API server said no: nothing was changed. False: not known.
    message : str
        Why, for a person.
    """

    refused: bool
    message: str


def what_kubectl_said(change: Change, text: str) -> KubectlSaid:
    """Read the end of kubectl's output after it left with an error.

    Parameters
    ----------
    change : Change
        What it had been told to do.
    text : str
        The container's termination message, or the end of its log.
    """
    if (found := _INVALID.search(text)) is not None:
        return KubectlSaid(refused=True, message=explain_refusal(change, reason="Invalid", message=found["why"]))
    if (found := _REFUSAL.search(text)) is not None and found["reason"] in _CERTAIN:
        return KubectlSaid(refused=True, message=explain_refusal(change, reason=found["reason"], message=found["why"]))
    if _NO_LOGIN in text:
        return KubectlSaid(refused=True, message=explain_refusal(change, reason="Unauthorized", message=""))
    said = _shown(text) or "it said nothing"
    return KubectlSaid(refused=False, message=f"kubectl could not say whether it changed {change.what}: {said}")


def explain_refusal(change: Change, *, reason: str, message: str) -> str:
    """Say why an API server refused a change, of a dry run too.

    Parameters
    ----------
    reason : str
        Kubernetes' reason, e.g. ``Invalid``.
    message : str
        The server's own words.
    """
    if change.verb is Verb.PATCH and _TEST_FAILED in message:
        return f"{change.what} is not what it was when the change was made ready: nothing was changed"
    if reason == "Conflict" and "UID in the precondition" in message:
        return f"another object bears the name of {change.what} now: nothing was changed"
    if reason == "NotFound":
        return f"{change.what} is not there any more: nothing was changed"
    said = _shown(message)
    return f"the API server refused to change {change.what} ({reason}){f': {said}' if said else ''}"


def _shown(text: str) -> str:
    line = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    return line if len(line) <= MAX_MESSAGE_CHARS else f"{line[: MAX_MESSAGE_CHARS - 1]}…"
