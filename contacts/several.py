"""Several texts in one cell: with a bar between them, and a backslash before a bar or backslash that is part of one."""

from __future__ import annotations

import re
from collections.abc import Iterable

SEPARATOR = "|"
SPECIAL = re.compile(r"[\\|]")
PART = re.compile(r"(?:\\[\\|]|[^|])+")
ESCAPED = re.compile(r"\\([\\|])")


def in_one_cell(texts: Iterable[str]) -> str:
    """The texts as one cell holds them, from which `of_one_cell` reads them."""
    return SEPARATOR.join(SPECIAL.sub(r"\\\g<0>", text) for text in texts)


def of_one_cell(cell: str) -> list[str]:
    """The texts in a cell, without the spaces around them and without empty ones."""
    parts = (ESCAPED.sub(r"\1", part).strip() for part in PART.findall(cell))
    return [part for part in parts if part]
