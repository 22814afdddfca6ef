"""Every known difference has its section in the documentation, and every section its check."""

import re
from pathlib import Path

from helpers.known_differences import KNOWN

PAGE = Path(__file__).parents[2] / "docs" / "policies" / "differences-from-opa.md"


def test_sections_and_checks_are_the_same():
    sections = re.findall(r"^### (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert sections == list(KNOWN)
