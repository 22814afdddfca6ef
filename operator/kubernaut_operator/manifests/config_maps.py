"""The three ConfigMaps as they ship: settings in warn mode, and nothing that would hide a later release's policies.

A policy that a ConfigMap does not hold comes from the operator's package, so an upgrade brings better ones. `kubernaut
tune` writes the first two anew, with policies and evidence; from then on they are the platform team's, and an upgrade
leaves them alone (`InstallOptions.conditions`).
"""

from kubernaut.conditions.settings_text import SETTINGS_KEY
from kubernaut.identity import Level
from kubernaut.shipped import shipped_settings
from kubernaut_operator.manifests.objects import Manifest, metadata
from kubernaut_operator.manifests.options import InstallOptions

_COMPONENT = "conditions"

_SAFETY_SETTINGS = """\
# Numbers of the safety policies that ship, inside the bounds that each declares, e.g.:
#   policies:
#     scale_deployment.bounded_change: {max_replicas: 100}
# Safety policies cannot be switched off. Further ones are added here as <name>.rego (package safety.<name>) for every
# action, or <action>.<name>.rego for one.
version: 1
"""


def condition_maps(options: InstallOptions) -> list[Manifest]:
    """Give the ConfigMaps of step, action and safety."""
    maps = options.config_maps
    texts = {
        maps.step: shipped_settings(Level.STEP),
        maps.action: shipped_settings(Level.ACTION),
        maps.safety: _SAFETY_SETTINGS,
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata(name, _COMPONENT, namespace=options.namespace),
            "data": {SETTINGS_KEY: text},
        }
        for name, text in texts.items()
    ]
