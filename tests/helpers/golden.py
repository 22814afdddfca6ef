"""Golden files: what a test gave when somebody last read it and found it right.

A test gives text; the file beside it holds the same text. With `KUBERNAUT_UPDATE_GOLDEN=1` in the environment the
files are written anew instead of compared; whoever does that reads `git diff` before committing.
"""

import os
from pathlib import Path

UPDATE = "KUBERNAUT_UPDATE_GOLDEN"


def golden(path: Path, text: str) -> str:
    """Give what the file holds, to be compared with `text`; writes it first when asked to.

    Parameters
    ----------
    path : Path
        Of the golden file.
    text : str
        What the test gives now.
    """
    if os.environ.get(UPDATE) == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no golden file; write it with {UPDATE}=1, and read it")
    return path.read_text(encoding="utf-8")
