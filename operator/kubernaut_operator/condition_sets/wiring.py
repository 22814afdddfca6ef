"""The controller and the watch that keep `ConditionSets` up to date."""

from random import Random

from kubernaut_operator.condition_sets.names import CONFIG_MAPS
from kubernaut_operator.condition_sets.sets import ConditionSets
from kubernaut_operator.kernel.api import Api
from kubernaut_operator.kernel.controller import Controller
from kubernaut_operator.kernel.metrics import KernelMetrics
from kubernaut_operator.kernel.resources import Key
from kubernaut_operator.kernel.watching import RELIST_S, Watcher


def keep_up_to_date(
    api: Api, sets: ConditionSets, *, metrics: KernelMetrics, random: Random, relist_s: float = RELIST_S
) -> tuple[Controller, Watcher]:
    """Make what a manager runs: one worker, and one watch of the namespace's ConfigMaps.

    Parameters
    ----------
    relist_s : float, unit s
        At the latest then a change is noticed that the watch did not tell.
    """
    controller = Controller("condition-sets", sets.reconcile, workers=1, metrics=metrics)

    def wake(key: Key) -> None:
        if sets.watches(key):
            controller.queue.add(key)

    watcher = Watcher(api, CONFIG_MAPS, wake, namespace=sets.names.namespace, random=random, relist_s=relist_s)
    return controller, watcher
