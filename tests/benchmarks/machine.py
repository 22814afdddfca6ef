"""What a benchmark ran on, in words that hold on any machine and name no path of it."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("regopy", "pyarrow", "numpy", "pandas", "scipy")


def described() -> list[tuple[str, str]]:
    """Give what matters of the machine and of the libraries."""
    return [
        ("processor", _processor()),
        ("cores", str(len(os.sched_getaffinity(0)))),
        ("memory", f"{_memory_gib():.0f} GiB"),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("Python", platform.python_version()),
        *((name, version(name)) for name in LIBRARIES),
    ]


def load() -> float:
    """Give how many processes wanted a core lately: above the number of cores, wall times say little."""
    return os.getloadavg()[0]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def _memory_gib() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
