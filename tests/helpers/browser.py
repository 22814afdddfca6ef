"""Chromium without a window, for pages that must work in a real browser: what it says, draws, prints and fetches.

Only the browser's own command line is used: it dumps the page after scripts have run, writes screenshots and PDFs, tells
what the console said on stderr, and keeps a log of everything it asked the network for.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT_S = 120.0

BROWSER_ITSELF = "not an origin"
"""Who asks for what the browser wants for its own sake, such as the time of day."""

_CONSOLE = re.compile(r"CONSOLE[:(\]].*")
_PDF_PAGE = re.compile(rb"/Type\s*/Page[^s]")


def browser_path() -> str | None:
    """Where the browser is; None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What one visit to a page came to.

    Attributes
    ----------
    dom : str
        The page after it was loaded.
    console : list of str
        What the page or the browser said of it.
    requests : list of str
        Addresses that were asked for, the page's own not among them.
    """

    dom: str
    console: list[str]
    requests: list[str]


class Browser:
    """A browser with a profile of its own.

    Parameters
    ----------
    path : str
    folder : Path
        Of the profile and of everything written.
    """

    def __init__(self, path: str, folder: Path) -> None:
        self._path = path
        self._folder = folder

    def visit(self, page: Path) -> Visit:
        """Load a page and say what happened."""
        log = self._folder / "network.json"
        done = self._run(
            page,
            "--dump-dom",
            "--enable-logging=stderr",
            "--v=0",
            f"--log-net-log={log}",
            "--net-log-capture-mode=Default",
        )
        return Visit(
            dom=done.stdout,
            console=_CONSOLE.findall(done.stderr),
            requests=[one for one in _addresses(log) if one != page.as_uri()],
        )

    def screenshot(self, page: Path, *, width_px: int = 1100, height_px: int = 1600, dark: bool = False) -> bytes:
        """Give what the page looks like, as PNG."""
        to = self._folder / f"{page.stem}-{width_px}-{'dark' if dark else 'light'}.png"
        # blink's own number of the scheme: 0 is dark, 1 is light.
        scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
        self._run(page, f"--screenshot={to}", f"--window-size={width_px},{height_px}", "--hide-scrollbars", scheme)
        return to.read_bytes()

    def pdf_pages(self, page: Path) -> int:
        """Print a page and count the sheets."""
        to = self._folder / f"{page.stem}.pdf"
        self._run(page, f"--print-to-pdf={to}", "--no-pdf-header-footer")
        return len(_PDF_PAGE.findall(to.read_bytes()))

    def _run(self, page: Path, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                self._path,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--no-first-run",
                f"--user-data-dir={self._folder / 'profile'}",
                *options,
                page.as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=True,
        )


def _addresses(log: Path) -> list[str]:
    """Addresses that a page asked for, by the browser's network log; what the browser itself asks for is not the page's."""
    found = []
    for event in json.loads(log.read_text())["events"]:
        params = event.get("params", {})
        if params.get("url") and params.get("initiator", BROWSER_ITSELF) != BROWSER_ITSELF:
            found.append(params["url"])
    return list(dict.fromkeys(found))
