"""What the values of a column look like: their type, how dates and numbers are written, and which choices there are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from contacts.folding import fold
from contacts.imports.dates import has_time, orders_of
from contacts.imports.numbers import decimals_of, plain_number
from contacts.imports.words import NO, YES, words
from contacts.several import SEPARATOR, of_one_cell

MOST_DIFFERENT = 300  # values that are looked at
HALF = 0.5
MOSTLY = 0.9
MOST_OPTIONS = 30
LONGEST_OPTION = 60
LONGEST_TEXT = 255
FEWEST_TO_REPEAT = 10
EXACT_DIGITS = 15
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}")
URL = re.compile(r"(https?://|www\.)\S+", re.IGNORECASE)
PHONE = re.compile(r"(\+|00)[\d\s()./-]{7,20}|\(?0\d{1,4}\)?[\s./-]\d[\d\s./-]{4,14}", re.ASCII)
CODE = re.compile(r"[+-]?0\d+")
SAID_YES, SAID_NO = frozenset(words(YES)), frozenset(words(NO))

Kind = tuple[str, list[str]]
"""A type, and the options that it would have."""


@dataclass(frozen=True)
class Look:
    """What the values of a column look like.

    ``type`` is the one that a custom field for them would have. ``dates`` is the order of dates, if half of the values
    are dates; when these do not tell whether day or month comes first, it is None and the look ``unclear``.
    ``decimal`` is the sign before the fraction, or None when the values do not tell.
    """

    type: str = "text"
    dates: str | None = None
    unclear: bool = False
    decimal: str | None = None
    options: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)


def look_at(cells: Iterable[str]) -> Look:
    """The look of the cells of a column, of which a few may be wrong."""
    counts = Counter(text for cell in cells if (text := cell.strip()))
    most = dict(islice(counts.items(), MOST_DIFFERENT))
    if not most:
        return Look()
    order, unclear = _order(most)
    kinds = (recognise(most) for recognise in RECOGNISED)
    kind, options = next((found for found in kinds if found), _text(most))
    return Look(kind, order, unclear, _decimal(most), options, list(most))


def _share(counts: Mapping[str, int], fits: Callable[[str], object]) -> float:
    return sum(count for text, count in counts.items() if fits(text)) / sum(counts.values())


def _order(counts: Mapping[str, int]) -> tuple[str | None, bool]:
    """The order of dates, and whether day and month could be either way round."""
    fitting: Counter[str] = Counter()
    for text, count in counts.items():
        fitting.update(dict.fromkeys(orders_of(text), count))
    best, most = max(fitting.items(), key=lambda pair: pair[1], default=("iso", 0))
    if most < HALF * sum(counts.values()):
        return None, False
    unclear = best in ("dmy", "mdy") and fitting["dmy"] == fitting["mdy"]
    return (None if unclear else best), unclear


def _decimal(counts: Mapping[str, int]) -> str | None:
    """The sign before the fraction of most numbers that have a sign."""
    found: Counter[str] = Counter()
    for text, count in counts.items():
        signs = decimals_of(text)
        if len(signs) == 1:
            [sign] = signs
            found[sign] += count
    return None if found["."] == found[","] else max(found, key=found.__getitem__)


def _email(counts: Mapping[str, int]) -> Kind | None:
    return ("email", []) if _share(counts, EMAIL.fullmatch) >= MOSTLY else None


def _url(counts: Mapping[str, int]) -> Kind | None:
    return ("url", []) if _share(counts, URL.fullmatch) >= MOSTLY else None


def _phone(counts: Mapping[str, int]) -> Kind | None:
    return ("phone", []) if _share(counts, PHONE.fullmatch) >= MOSTLY else None


def _boolean(counts: Mapping[str, int]) -> Kind | None:
    """One word for yes and one for no, or one of them alone when it is more than a letter or digit."""
    spoken = {fold(text) for text in counts}
    yes, no = spoken & SAID_YES, spoken & SAID_NO
    if len(yes) > 1 or len(no) > 1 or len(yes) + len(no) < len(spoken):
        return None
    return ("boolean", []) if (yes and no) or len(*spoken) > 1 else None


def _date(counts: Mapping[str, int]) -> Kind | None:
    if _share(counts, orders_of) < MOSTLY:
        return None
    return "datetime" if any(map(has_time, counts)) else "date", []


def _number(counts: Mapping[str, int]) -> Kind | None:
    """Numbers, but no codes: those begin with a zero or have more digits than a number keeps."""
    if _share(counts, decimals_of) < MOSTLY:
        return None
    if any(CODE.fullmatch(text) or sum(map(str.isdigit, text)) > EXACT_DIGITS for text in counts):
        return None
    sign = _decimal(counts) or "."
    numbers = (plain_number(text, decimal=sign) for text in counts if sign in decimals_of(text))
    return "decimal" if any("." in number for number in numbers) else "integer", []


def _choices(counts: Mapping[str, int]) -> Kind | None:
    if not any(SEPARATOR in text for text in counts):
        return None
    parts: Counter[str] = Counter()
    for text, count in counts.items():
        parts.update(dict.fromkeys(of_one_cell(text), count))
    options = _options(parts)
    return ("choices", options) if options else None


def _choice(counts: Mapping[str, int]) -> Kind | None:
    options = _options(counts)
    return ("choice", options) if len(options) > 1 else None


def _text(counts: Mapping[str, int]) -> Kind:
    return "long_text" if max(map(len, counts)) > LONGEST_TEXT else "text", []


RECOGNISED = (_email, _url, _boolean, _date, _phone, _number, _choices, _choice)


def _options(counts: Mapping[str, int]) -> list[str]:
    """The few values that come again and again, each as it is written most often; none when they are too many."""
    rows = sum(counts.values())
    spellings: dict[str, Counter[str]] = {}
    for text, count in counts.items():
        spellings.setdefault(fold(text), Counter())[text] += count
    few = len(spellings) <= min(MOST_OPTIONS, rows // 3)
    if rows < FEWEST_TO_REPEAT or not few or max(map(len, counts)) > LONGEST_OPTION:
        return []
    return [spelling.most_common(1)[0][0] for _folded, spelling in sorted(spellings.items())]
