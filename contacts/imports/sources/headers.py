"""Whether the first record of a file names the columns."""

import re
from collections.abc import Sequence

DATUM = re.compile(
    r"""
    \S+@\S+\.\w+                        # an email address
    | [+-]?\d[\d.,\s/:+-]*              # a number, a date, a time, a phone number
    | \d{4}-\d\d-\d\d[T ][\d:.]+\S*     # a moment
    | (?i:true|false)
    """,
    re.VERBOSE,
)
YEAR = re.compile(r"(19|20)\d\d")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d")


def is_header(records: Sequence[Sequence[str]]) -> bool:
    """Whether the first of these records names the columns: it has no cell that is a value like those below it.

    A year can be the name of a column of numbers.
    """
    if not records:
        return True
    first, others = records[0], records[1:]
    below = [[row[place].strip() for row in others if place < len(row)] for place in range(len(first))]
    return not any(_is_value(cell.strip(), values) for cell, values in zip(first, below, strict=True))


def _is_value(cell: str, below: Sequence[str]) -> bool:
    if not DATUM.fullmatch(cell):
        return False
    others = [text for text in below if text]
    like_others = bool(others) and all(DATUM.fullmatch(text) for text in others)
    return "@" in cell or (like_others and not YEAR.fullmatch(cell)) or (not others and bool(MOMENT.match(cell)))
