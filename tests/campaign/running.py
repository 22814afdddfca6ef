"""A plan carried out: some incidents side by side, each noted in a journal when it is over.

A campaign that was ended goes on by the same command: what the journal holds is not done again, and what had begun
begins anew under another name. An incident that the cluster did not let begin is noted with the reason, never left out.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cluster.boot import Cluster
from helpers.workflows import scale_step, workflow
from kubernaut_operator.execution.kinds import WORKFLOW_EXECUTIONS
from kubernaut_operator.kernel.api import Api

from kubernaut.errors import ApiError
from kubernaut.history.rows import Outcome
from kubernaut.resources.names import OUTCOME

from .faults import Story, story_of
from .plan import Incident, Plan, Retry, Weather
from .serving import Seen, look
from .shop import WEB, NotInTimeError, Shop, insist
from .terms import ASKED_AFTER_S, LOOK_S, RESULT_LIMIT_S, SETTLED_S
from .weather import can_be_made, weather_of

ALERT_TO_RUN_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What became of one run of one incident; a line of the journal.

    Attributes
    ----------
    run : int
        1 for the incident's first.
    mended : bool
        A person had mended the fault before this run.
    workflow_uid : str
        Empty where it came to none.
    outcome : str
        By what a caller saw; empty where nobody looked.
    trouble : str
        Why there is no outcome; empty where there is one.
    """

    incident_id: str
    fault: str
    weather: str
    run: int
    mended: bool
    before: int
    need: int
    delay_s: float
    namespace: str
    workflow_uid: str = ""
    began_at: str = ""
    over_at: str = ""
    asked: int = 0
    answered: int = 0
    pods: int = 0
    outcome: str = ""
    trouble: str = ""


class Journal:
    """Notes in a file of JSON Lines; each is on the disk before `add` returns.

    Parameters
    ----------
    path : Path
        Made where it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)

    def notes(self) -> list[Note]:
        """Give what was noted, oldest first; a line that was cut off is none."""
        if not self._path.exists():
            return []
        lines = self._path.read_text(encoding="utf-8").split("\n")[:-1]
        return [Note(**json.loads(line)) for line in lines if line]

    def add(self, notes: Sequence[Note]) -> None:
        """Note the runs of an incident, all at once: an incident is noted whole or not at all."""
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write("".join(json.dumps(asdict(note)) + "\n" for note in notes))
            file.flush()
            os.fsync(file.fileno())


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a campaign runs.

    Attributes
    ----------
    api : Api
        With an administrator's rights.
    ask : function
        A namespace's Service, once; see `serving.caller`.
    image : str
        Busybox, as the nodes find it.
    cluster : Cluster or None
        When it is one of this machine.
    """

    api: Api
    ask: Callable[[str], str | None]
    image: str
    cluster: Cluster | None


def run_plan(
    plan: Plan, place: Place, journal: Journal, *, at_once: int, until: float | None = None, say: Callable[[str], None]
) -> None:
    """Carry out what of a plan the journal does not hold.

    Parameters
    ----------
    at_once : int
        Incidents side by side.
    until : float or None, unit s
        On the monotonic clock: after it no incident begins.
    say : function
        Takes a line for the person who waits.
    """
    done = {note.incident_id for note in journal.notes()}
    total = len(plan.incidents)
    for weather in Weather:
        incidents = [one for one in plan.in_weather(weather) if one.id not in done]
        if not incidents:
            continue
        if not can_be_made(weather, place.cluster):
            say(f"{weather.value}: cannot be made on this cluster; {len(incidents)} incidents are left out")
            continue

        def one(incident: Incident) -> None:
            if until is not None and time.monotonic() > until:
                return
            notes = play(incident, place)
            journal.add(notes)
            last = notes[-1]
            say(f"{last.incident_id} of {total}  {last.fault:20} {last.outcome or last.trouble}  ({len(notes)} runs)")

        with weather_of(weather, place.api, place.cluster), ThreadPoolExecutor(at_once) as pool:
            list(pool.map(one, incidents))


def play(incident: Incident, place: Place) -> list[Note]:
    """Play one incident from its namespace's beginning to its end, and give a note of each run."""
    namespace = f"{incident.id}-{os.urandom(2).hex()}"
    shop = Shop(place.api, namespace, image=place.image)
    story = story_of(incident)
    notes: list[Note] = []
    try:
        shop.open()
        shop.do(story.doing)
        shop.deploy(incident.before, container=story.container, pod=story.pod, serves=story.serves)
        story.begins(shop, incident)
        notes.append(_run(incident, story, shop, place, number=1))
        if notes[0].outcome == Outcome.INEFFECTIVE.value and incident.retry is not Retry.NONE:
            if mends := incident.retry is Retry.MENDED:
                story.mended(shop, incident)
            notes.append(_run(incident, story, shop, place, number=2, mended=mends))
    except (ApiError, NotInTimeError) as error:
        notes.append(_note(incident, shop, number=len(notes) + 1, trouble=str(error)))
    finally:
        shop.close()
    return notes


def _run(incident: Incident, story: Story, shop: Shop, place: Place, *, number: int, mended: bool = False) -> Note:
    began = datetime.now(UTC)
    name = f"run-{number}"
    asked = _workflow(incident, shop, name, number=number, detected_at=began)
    time.sleep(ALERT_TO_RUN_S)
    made = shop.make(WORKFLOW_EXECUTIONS, asked)
    if number == 1:
        story.beside(shop, incident)
    shop.wait_for(lambda: _action_ended(shop.workflow(name)), what="the action's end", limit_s=RESULT_LIMIT_S)
    ended = time.monotonic()
    time.sleep(LOOK_S)
    seen = look(lambda: place.ask(shop.namespace), incident.need)
    outcome = Outcome.EFFECTIVE if seen.serves(incident.need) else Outcome.INEFFECTIVE
    annotate = {"metadata": {"annotations": {OUTCOME: outcome.value}}}
    insist(lambda: place.api.patch(WORKFLOW_EXECUTIONS, name, shop.namespace, annotate))
    shop.wait_for(lambda: _said(shop.workflow(name), outcome), what="the outcome's taking in", limit_s=RESULT_LIMIT_S)
    time.sleep(max(0.0, ended + SETTLED_S - time.monotonic()))
    return _note(
        incident, shop, number=number, mended=mended, uid=made["metadata"]["uid"], began=began, seen=seen,
        outcome=outcome.value,
    )  # fmt: skip


def _workflow(incident: Incident, shop: Shop, name: str, *, number: int, detected_at: datetime) -> dict[str, Any]:
    # A second run asks for one more than the first, as people do.
    step = scale_step(1, shop.namespace, WEB, to=incident.need + number - 1)
    if incident.states_baseline and number == 1:
        step["parameters"]["expectedReplicas"] = incident.before
    return workflow(
        shop.namespace,
        name,
        step,
        incident={"id": incident.id, "detectedAt": detected_at.strftime("%Y-%m-%dT%H:%M:%SZ")},
        effectiveness={"stabilizationWindow": f"{ASKED_AFTER_S:g}s"},
    )


def _action_ended(manifest: dict[str, Any]) -> bool:
    """Say whether the step was carried out or came to nothing: from then on its verification runs."""
    status = manifest.get("status") or {}
    steps = status.get("stepStatuses") or [{}]
    return bool(status.get("result")) or steps[0].get("phase") in ("verifying", "completed", "failed", "skipped")


def _said(manifest: dict[str, Any], outcome: Outcome) -> bool:
    return bool((manifest.get("status") or {}).get("outcome") == outcome.value)


def _note(
    incident: Incident,
    shop: Shop,
    *,
    number: int,
    mended: bool = False,
    uid: str = "",
    began: datetime | None = None,
    seen: Seen | None = None,
    outcome: str = "",
    trouble: str = "",
) -> Note:
    return Note(
        incident_id=incident.id,
        fault=incident.fault.value,
        weather=incident.weather.value,
        run=number,
        mended=mended,
        before=incident.before,
        need=incident.need,
        delay_s=incident.delay_s,
        namespace=shop.namespace,
        workflow_uid=uid,
        began_at="" if began is None else began.isoformat(),
        over_at=datetime.now(UTC).isoformat(),
        asked=0 if seen is None else seen.asked,
        answered=0 if seen is None else seen.answered,
        pods=0 if seen is None else seen.pods,
        outcome=outcome,
        trouble=trouble,
    )
