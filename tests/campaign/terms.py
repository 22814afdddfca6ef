"""What a campaign installs and waits for: shipped conditions in warn mode, with short times, recording all facts.

Timeouts and holds are shorter than the shipped ones, so that an incident takes a minute and not five; a tuning on such a
history must be read with that in mind, and the data sheet says so.
"""

import json
from typing import Any

import yaml

from kubernaut.identity import Level
from kubernaut.shipped import shipped_settings

POST_TIMEOUT_S = 20.0
HOLD_S = 6.0
POLL_S = 2.0
LOOK_S = 28.0
"""From the action's end until the campaign looks whether the workload serves; later than every deadline."""

ASKED_AFTER_S = 600.0
"""The stabilization window written into workflows: the operator itself asks nobody before the campaign has spoken."""

RESULT_LIMIT_S = 150.0
SETTLED_S = POST_TIMEOUT_S + 4.0
"""From the action's end: then every condition has been watched to its end and recorded."""

MAPS = {"kubernaut-workflow-conditions": Level.STEP, "kubernaut-action-conditions": Level.ACTION}


def campaign_settings(level: Level) -> dict[str, Any]:
    """Give the shipped settings of one level with the campaign's times."""
    settings: dict[str, Any] = yaml.safe_load(shipped_settings(level))
    settings["recordFacts"] = "all"
    for phases in settings["actions"].values():
        for terms in phases.get("post", {}).values():
            terms["timeout"], terms["pollInterval"] = f"{POST_TIMEOUT_S:g}s", f"{POLL_S:g}s"
            if "holdFor" in terms:
                terms["holdFor"] = f"{HOLD_S:g}s"
    return settings


def config_map(level: Level) -> dict[str, str]:
    """Give the data of one level's ConfigMap."""
    return {"settings.yaml": json.dumps(campaign_settings(level))}
