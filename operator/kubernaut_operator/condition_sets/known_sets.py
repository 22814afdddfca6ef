"""Sets that pinned runs started with, by digest: bounded, and never one that is in use.

A run asks for its set each time it is looked at, at least every half minute; so what was not asked for in an hour
belongs to no run any more. A run whose set is gone all the same goes on with the current one and says so
(`kubernaut.conditions.pinning`).
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping

from kubernaut.conditions.pinning import PinnedSets

KEPT = 20
"""Sets kept whether or not a run uses them."""

KEPT_IN_USE = 100
"""Sets kept at the most: a ConfigMap that is changed all day long must not fill the memory."""

IN_USE_S = 3600.0


class KnownSets(Mapping[str, PinnedSets]):
    """Sets by digest; the caller holds the lock and tells the time."""

    def __init__(self) -> None:
        self._sets: OrderedDict[str, tuple[PinnedSets, float | None]] = OrderedDict()

    def add(self, sets: PinnedSets, *, now_s: float) -> None:
        """Keep a set, and let go of those that nobody has asked for."""
        self._sets.setdefault(sets.digest, (sets, None))
        self._sets.move_to_end(sets.digest)
        while len(self._sets) > KEPT:
            oldest, (_, used_s) = next(iter(self._sets.items()))
            if used_s is not None and now_s - used_s < IN_USE_S and len(self._sets) <= KEPT_IN_USE:
                return
            del self._sets[oldest]

    def used(self, digest: str, *, now_s: float) -> None:
        """Note that a run uses a set."""
        if digest in self._sets:
            self._sets[digest] = (self._sets[digest][0], now_s)
            self._sets.move_to_end(digest)

    def __getitem__(self, digest: str) -> PinnedSets:
        return self._sets[digest][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sets)

    def __len__(self) -> int:
        return len(self._sets)
