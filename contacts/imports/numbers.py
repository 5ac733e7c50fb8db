"""Numbers as files write them, with a point or a comma before the fraction, and thousands set apart or not."""

import re
from decimal import Decimal
from functools import lru_cache

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

REMEMBERED = 8_000
DECIMALS = {".": "1234.50", ",": "1234,50"}
SPACES = " \u00a0\u202f'’"  # between thousands: spaces that break and do not, the Swiss apostrophe
PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)
WITH_COMMA = re.compile(r"[+-]?(\d+,?\d*|,\d+)", re.ASCII)
GROUPED = {
    ".": re.compile(rf"[+-]?\d{{1,3}}(?P<mark>[,{SPACES}])\d{{3}}((?P=mark)\d{{3}})*(\.\d+)?", re.ASCII),
    ",": re.compile(rf"[+-]?\d{{1,3}}(?P<mark>[.{SPACES}])\d{{3}}((?P=mark)\d{{3}})*(,\d+)?", re.ASCII),
}
WHOLE = re.compile(r"\d{1,18}", re.ASCII)


def plain_number(text: str, *, decimal: str = ".") -> str:
    """The number as programs write it: a point before the fraction, and nothing between thousands.

    Raises `ValidationError`.
    """
    if decimal == "." and PLAIN.fullmatch(text):
        return text
    if decimal == "," and WITH_COMMA.fullmatch(text):
        return text.replace(",", ".")
    if grouped := GROUPED[decimal].fullmatch(text):
        return text.replace(grouped["mark"], "").replace(",", ".")
    message = _("“%(text)s” is not a number such as %(example)s.")
    raise ValidationError(message % {"text": text, "example": DECIMALS[decimal]})


def read_number(text: str, *, decimal: str = ".") -> Decimal:
    """A number. Raises `ValidationError`."""
    return Decimal(plain_number(text, decimal=decimal))


def read_whole_number(text: str) -> int:
    """A whole number. Raises `ValidationError`."""
    if not WHOLE.fullmatch(text):
        raise ValidationError(_("“%s” is not a whole number.") % text)
    return int(text)


@lru_cache(REMEMBERED)
def decimals_of(text: str) -> frozenset[str]:
    """The signs before the fraction with which a text is a number: both where it has no mark, none where it is none."""
    return frozenset(
        decimal
        for decimal, plain in ((".", PLAIN), (",", WITH_COMMA))
        if plain.fullmatch(text) or GROUPED[decimal].fullmatch(text)
    )
