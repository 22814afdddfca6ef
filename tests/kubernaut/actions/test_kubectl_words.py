"""Refused and unknown are told apart by kubectl's own words, gathered from it against a real API server."""

import pytest

from kubernaut.actions.change import Change, Verb
from kubernaut.actions.kubectl_words import MAX_MESSAGE_CHARS, what_kubectl_said

PATCH = Change(
    verb=Verb.PATCH, group="apps", version="v1", resource="deployments", namespace="shop", name="web", body=[]
)
DELETE = Change(verb=Verb.DELETE, group="", version="v1", resource="pods", namespace="shop", name="web-a", body={})


@pytest.mark.parametrize(
    ("change", "text", "message"),
    [
        (
            PATCH,
            "The request is invalid: the server rejected our request due to an error in our request\n",
            "deployments/web in namespace shop is not what it was when the change was made ready: nothing was changed",
        ),
        (
            DELETE,
            'Error from server (Conflict): Operation cannot be fulfilled on Pod "web-a": the UID in the precondition (a) '
            "does not match the UID in record (b). The object might have been deleted and then recreated",
            "another object bears the name of pods/web-a in namespace shop now: nothing was changed",
        ),
        (
            DELETE,
            'Error from server (NotFound): pods "web-a" not found',
            "pods/web-a in namespace shop is not there any more: nothing was changed",
        ),
        (
            PATCH,
            'Warning: deprecated\nThe Deployment "web" is invalid: \n* spec.template: Invalid value: "x"\n* spec.y',
            "the API server refused to change deployments/web in namespace shop (Invalid): "
            '* spec.template: Invalid value: "x" * spec.y',
        ),
        (
            PATCH,
            'Error from server (Forbidden): deployments.apps "web" is forbidden: User "u" cannot patch',
            "the API server refused to change deployments/web in namespace shop (Forbidden): "
            'deployments.apps "web" is forbidden: User "u" cannot patch',
        ),
        (
            PATCH,
            "error: You must be logged in to the server (Unauthorized)",
            "the API server refused to change deployments/web in namespace shop (Unauthorized)",
        ),
    ],
)
def test_a_refusal_is_told_in_a_persons_words(change, text, message):
    said = what_kubectl_said(change, text)

    assert said.refused
    assert said.message == message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The connection to the server 10.96.0.1:443 was refused - did you specify the right host or port?",
        "Unable to connect to the server: net/http: TLS handshake timeout",
        "Error from server (Timeout): the server was unable to return a response in the time allotted",
        "Error from server (InternalError): an error on the server has prevented the request from succeeding",
        "Error from server (ServiceUnavailable): etcd is away",
        'error: Patch "https://10.96.0.1/apis/apps/v1": unexpected EOF',
        "Killed",
    ],
)
def test_what_is_no_clear_refusal_is_unknown(text):
    said = what_kubectl_said(PATCH, text)

    assert not said.refused
    assert said.message.startswith("kubectl could not say whether it changed deployments/web in namespace shop: ")


def test_words_are_cut_and_cannot_steer_a_terminal():
    said = what_kubectl_said(PATCH, "\x1b[2J" + "x" * 2000)

    assert "\x1b" not in said.message
    assert len(said.message) < MAX_MESSAGE_CHARS + 100
    assert said.message.endswith("…")
