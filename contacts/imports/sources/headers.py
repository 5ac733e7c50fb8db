"""Whether the first record of a file names the columns."""

import re
from collections.abc import Sequence

EMAIL = re.compile(r"\S+@\S+\.\w+")
DATUM = re.compile(
    rf"""
    {EMAIL.pattern}
    | [+-]?\d[\d.,\s/:+-]*              # a number, a date, a time, a phone number
    | \d{{4}}-\d\d-\d\d[T ][\d:.]+\S*     # a moment
    | (?i:true|false)
    """,
    re.VERBOSE,
)
YEAR = re.compile(r"(19|20)\d\d")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d")


def is_header(records: Sequence[Sequence[str]]) -> bool:
    """Whether the first of these records names the columns.

    It does when it has a text above values, and does not when it has an email address, or else a value above values.
    Years can be names.
    """
    if not records:
        return True
    first, others = [cell.strip() for cell in records[0]], records[1:]
    below = [
        [text for row in others if place < len(row) and (text := row[place].strip())] for place in range(len(first))
    ]
    if any(EMAIL.fullmatch(cell) for cell in first):
        return False
    pairs = list(zip(first, map(_are_values, below), strict=True))
    if any(cell and not DATUM.fullmatch(cell) and values for cell, values in pairs):
        return True
    return not any(
        DATUM.fullmatch(cell) and not YEAR.fullmatch(cell) and (values or (MOMENT.match(cell) and not others))
        for cell, values in pairs
    )


def _are_values(texts: Sequence[str]) -> bool:
    return bool(texts) and all(map(DATUM.fullmatch, texts))
