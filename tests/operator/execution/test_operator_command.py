"""The operator's command line by itself, as the image runs it: what it says when it cannot begin."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from kubernaut_operator.execution.performing import could_not
from kubernaut_operator.execution.reading_runs import metadata_of, run_of
from kubernaut_operator.execution.runs import entry_of

from kubernaut.errors import ApiError, BusyError, ConflictError, EvaluatorError, ForbiddenError, SettingsError
from kubernaut.execution.intents import JudgeSafety, ReadTarget


def begin(*flags):
    return subprocess.run(
        [sys.executable, "-m", "kubernaut_operator", "run", *flags], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["--log-level=loud"], 1, "--log-level is 'loud'; write one of debug, info, warning, error"),
        (["--kubeconfig=/nowhere"], 3, "no way to the API server: /nowhere: "),
        (["--workers=0"], 2, "Invalid value for '--workers'"),
    ],
)
def test_it_says_why_it_cannot_begin(flags, code, said):
    done = begin(*flags)

    assert done.returncode == code
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_what_cannot_be_read_is_a_run_all_the_same():
    manifest = {
        "apiVersion": "execution.kubernaut.io/v1alpha1",
        "kind": "KubernetesExecution",
        "metadata": {"namespace": "shop", "name": "odd", "uid": "u", "deletionTimestamp": "2026-03-01T12:00:00Z"},
        "spec": {"action": "scale_deployment", "parameters": ["none"], "preConditions": "none"},
    }

    run = run_of(manifest)

    assert (run.action, run.parameters, run.declared_target) == ("scale_deployment", {}, None)
    assert metadata_of(manifest, {}, admission_policy_present=False).deleted


def test_an_entry_of_a_run_takes_what_is_there():
    status = {"incidentId": "i", "startedAt": "2026-03-01T12:00:00Z", "finishedAt": "soon", "target": {"uid": "t"}}

    entry = entry_of({"metadata": {"namespace": "shop", "name": "a", "uid": "u"}, "status": status})

    assert (entry.incident_id, entry.target_uid, entry.ended_at) == ("i", "t", None)
    assert entry.started_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "retry"),
    [
        (BusyError("busy", status=429, retry_after_s=7.0), True),
        (EvaluatorError("away"), True),
        (ConflictError("somebody wrote", status=409), True),
        (ForbiddenError("no", status=403, said="no, thank you"), True),
        (ApiError("odd", status=400), True),
        (SettingsError("no such field"), False),
    ],
)
def test_what_may_pass_is_tried_again(error, retry):
    failed = could_not(ReadTarget(), error)

    assert failed.retry is retry
    assert failed.retry_after_s == (7.0 if isinstance(error, BusyError) else None)
    assert could_not(JudgeSafety(), ForbiddenError("GET: 403", said="no, thank you")).why == "no, thank you"
