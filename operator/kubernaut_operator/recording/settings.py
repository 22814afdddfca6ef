"""Where the recorder writes, and how much."""

from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderSettings:
    """Limits of the recorder.

    Attributes
    ----------
    folder : Path
        Made when the first row is written.
    pod : str
        In the files' names; whose files are mended and deleted here.
    segment_bytes : int
        A file that has grown so large is closed and another begun.
    segment_age_s : float
        So is one that was begun so long ago.
    total_bytes : int
        Of all files of this pod together; the oldest are deleted. Never more than nine tenths of the volume.
    keep_s : float
        Files last written so long ago are deleted.
    wait_s : float
        How long whoever records waits at the most for rows to reach the operating system.
    waiting_bytes : int
        Rows that wait to be written; beyond it new ones are dropped and counted.
    """

    folder: Path
    pod: str
    segment_bytes: int = 16 * MIB
    segment_age_s: float = 3600.0
    total_bytes: int = 1024 * MIB
    keep_s: float = 400 * 86400.0
    wait_s: float = 1.0
    waiting_bytes: int = 8 * MIB
