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

MOST_DIFFERENT = 500  # values that are looked at
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
MARK = re.compile(r"[.,]")


@dataclass(frozen=True)
class Look:
    """What the values of a column look like.

    ``type`` is the one that a custom field for them would have. ``dates`` is the order of dates; when the ``values``
    do not tell whether day or month comes first, it is None and the look ``unclear``. ``decimal`` is the sign before
    the fraction, or None when the values do not tell.
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
    values = list(most)
    for recognise in (_email, _url, _boolean, _date, _phone, _number, _choices, _choice):
        if look := recognise(most):
            return Look(**(look | {"values": values}))  # type: ignore[arg-type]
    return Look(type="long_text" if any(len(text) > LONGEST_TEXT for text in values) else "text", values=values)


def _share(counts: Mapping[str, int], fits: Callable[[str], object]) -> float:
    return sum(count for text, count in counts.items() if fits(text)) / sum(counts.values())


def _email(counts: Mapping[str, int]) -> dict[str, object] | None:
    return {"type": "email"} if _share(counts, EMAIL.fullmatch) >= MOSTLY else None


def _url(counts: Mapping[str, int]) -> dict[str, object] | None:
    return {"type": "url"} if _share(counts, URL.fullmatch) >= MOSTLY else None


def _phone(counts: Mapping[str, int]) -> dict[str, object] | None:
    return {"type": "phone"} if _share(counts, PHONE.fullmatch) >= MOSTLY else None


def _boolean(counts: Mapping[str, int]) -> dict[str, object] | None:
    """One word for yes and one for no, or one of them alone when it is more than a letter or digit."""
    spoken = {fold(text) for text in counts}
    yes, no = spoken & SAID_YES, spoken & SAID_NO
    if len(yes) > 1 or len(no) > 1 or len(yes) + len(no) < len(spoken):
        return None
    return {"type": "boolean"} if (yes and no) or len(*spoken) > 1 else None


def _date(counts: Mapping[str, int]) -> dict[str, object] | None:
    orders = {text: orders_of(text) for text in counts}
    if _share(counts, orders.__getitem__) < MOSTLY:
        return None
    fitting: Counter[str] = Counter()
    for text, found in orders.items():
        fitting.update(dict.fromkeys(found, counts[text]))
    best, most = max(fitting.items(), key=lambda pair: pair[1])
    unclear = best in ("dmy", "mdy") and fitting["dmy"] == fitting["mdy"]
    kind = "datetime" if any(has_time(text) for text in counts) else "date"
    return {"type": kind, "dates": None if unclear else best, "unclear": unclear} if most else None


def _number(counts: Mapping[str, int]) -> dict[str, object] | None:
    """Numbers, but no codes: those begin with a zero or have more digits than a number keeps."""
    signs = {text: decimals_of(text) for text in counts}
    if _share(counts, signs.__getitem__) < MOSTLY:
        return None
    if any(CODE.fullmatch(text) or sum(map(str.isdigit, text)) > EXACT_DIGITS for text in counts):
        return None
    point = sum(count for text, count in counts.items() if signs[text] == {"."})
    comma = sum(count for text, count in counts.items() if signs[text] == {","})
    decimal = None if point == comma else "." if point > comma else ","
    read_as = decimal or "."
    whole = all("." not in plain_number(text, decimal=read_as) for text in counts if read_as in signs[text])
    return {"type": "integer" if whole else "decimal", "decimal": decimal}


def _choices(counts: Mapping[str, int]) -> dict[str, object] | None:
    if not any(SEPARATOR in text for text in counts):
        return None
    parts: Counter[str] = Counter()
    for text, count in counts.items():
        parts.update(dict.fromkeys(of_one_cell(text), count))
    options = _options(parts)
    return {"type": "choices", "options": options} if options else None


def _choice(counts: Mapping[str, int]) -> dict[str, object] | None:
    options = _options(counts)
    return {"type": "choice", "options": options} if options and len(options) > 1 else None


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
