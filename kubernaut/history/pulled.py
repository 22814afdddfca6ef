"""What fetching the operator's history from a cluster is asked for, and what came of it.

Who fetches speaks to a cluster and who reads what was fetched must not, so the two meet here: the one joins as an entry
point of the group `SOURCES`, the other calls whatever is found there by the name `CLUSTER`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

SOURCES = "kubernaut.history_sources"
CLUSTER = "cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What is in the folder now.

    Attributes
    ----------
    folder : Path
        Where the files lie, those of earlier times included.
    pods : tuple of str
        Whose files were looked at.
    files, new_files : int
        Files of these pods that are wanted, and those of them that were not there before or have grown.
    new_bytes : int
        Fetched this time, compressed.
    left_out : tuple of str
        Pods whose records could not be fetched, each with the reason; what they recorded is missing.
    """

    folder: Path
    pods: tuple[str, ...]
    files: int
    new_files: int
    new_bytes: int
    left_out: tuple[str, ...] = ()

    def text(self) -> str:
        """Say it in a line."""
        whole = f"{self.files:,} file{'' if self.files == 1 else 's'}, from {', '.join(self.pods) or 'no pod'}"
        if not self.new_files:
            return f"{self.folder}: nothing new in {whole}"
        return f"{self.folder}: {self.new_bytes / 1024:,.0f} KiB new, in {self.new_files:,} of {whole}"


class Pull(Protocol):
    """Fetches the operator's files of history into a folder; goes on where it was interrupted."""

    def __call__(
        self,
        folder: Path,
        *,
        since: datetime | None = None,
        kubeconfig: str | None = None,
        context: str | None = None,
        namespace: str | None = None,
        port: int | None = None,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> Pulled:
        """Fetch.

        Parameters
        ----------
        folder : Path
            Made if it is missing; files that are there already are only added to.
        since : datetime or None
            Aware. Files last written before it are left out.
        kubeconfig, context : str or None
            As kubectl takes them; None means KUBECONFIG, else ``~/.kube/config``, and its current context.
        namespace : str or None
            Of the operator; None means where it is installed usually.
        port : int or None
            On which the operator serves its history; None means the usual one.
        progress : callable or None
            Told what is done, how many bytes of it, and of how many.

        Raises
        ------
        InputError
            There is no operator, it serves no history, the folder holds another cluster's, or the caller may not.
        """
        ...
