"""What a program and the processes that it started hold, watched while it works."""

import threading
from pathlib import Path

SAMPLE_EVERY_S = 0.2


class Memory:
    """Watches what this process and those below it hold (their proportional share of memory)."""

    def __init__(self) -> None:
        self.peak_mib = 0.0
        """All of them together."""
        self.own_peak_mib = 0.0
        self.other_peak_mib = 0.0
        """The largest of the others."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_EVERY_S):
            own, *others = map(_share_mib, _family())
            self.peak_mib = max(self.peak_mib, own + sum(others))
            self.own_peak_mib = max(self.own_peak_mib, own)
            self.other_peak_mib = max(self.other_peak_mib, *others, 0.0)


def _family() -> list[str]:
    found, waiting = [], ["self"]
    while waiting:
        pid = waiting.pop(0)
        found.append(pid)
        try:
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += (task / "children").read_text().split()
        except OSError:
            continue
    return found


def _share_mib(pid: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)
