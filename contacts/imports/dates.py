"""Dates and times as files write them: year, day or month first, with or without a time and an offset."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache

from django.core.exceptions import ValidationError
from django.utils import timezone as account
from django.utils.translation import gettext as _

REMEMBERED = 8_000
ORDERS = {"iso": "2026-11-21", "dmy": "21/11/2026", "mdy": "11/21/2026", "ymd": "2026/11/21"}
PLACES = {"iso": (0, 1, 2), "ymd": (0, 1, 2), "dmy": (2, 1, 0), "mdy": (2, 0, 1)}  # of year, month and day
ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
TIME = r"""
    (?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?
    (?:\s?(?P<half>[AaPp])\.?[Mm]\.?)?
    \s?(?P<offset>Z|z|UTC|[+-]\d\d(?::?\d\d)?)?
"""
WRITTEN = re.compile(
    rf"""
    (?P<one>\d{{1,4}})(?P<mark>[./\ -])(?P<two>\d{{1,2}})(?P=mark)(?P<three>\d{{1,4}})\.?
    (?:(?:T|,?\s){TIME})?
    """,
    re.ASCII | re.VERBOSE,
)
COMPACT = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])", re.ASCII)


def date_reader(*, dates: str = "iso") -> Callable[[str], date]:
    """A function that reads a day, written in one of the `ORDERS` or as ISO 8601 has it; a time must be midnight.

    The function raises `ValidationError`.
    """

    def read(text: str) -> date:
        day, at, _offset = _read(text, dates)
        if at != time():
            raise ValidationError(_("“%s” has a time, where only a date can be kept.") % text)
        return day

    return read


def moment_reader(*, dates: str = "iso") -> Callable[[str], datetime]:
    """A function that reads a moment; without an offset it is in the account's time zone, and a day is its midnight.

    Where clocks are set forward over a time, or back over it, the earlier reading holds. Dates are read as
    `date_reader` reads them. The function raises `ValidationError`.
    """
    account_zone = account.get_default_timezone()

    @lru_cache(REMEMBERED)
    def read(text: str) -> datetime:
        moment = _plain_moment(text)
        if moment is None:
            day, at, offset = _read(text, dates)
            moment = datetime.combine(day, at, tzinfo=None if offset is None else timezone(offset))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=account_zone)
        try:
            moment.astimezone(UTC)
        except OverflowError:
            raise _does_not_exist(text) from None
        return moment

    return read


@lru_cache(REMEMBERED)
def orders_of(text: str) -> frozenset[str]:
    """The orders in which a text is a date that exists, be its year short or not."""
    if COMPACT.fullmatch(text):
        return frozenset({"ymd"})
    found = WRITTEN.fullmatch(text)
    if not found:
        return frozenset()
    could_be = ["iso"] if ISO_DAY.match(text) else ["dmy", "mdy", "ymd"]
    return frozenset(order for order in could_be if _year_is_there(found, order, shortest=2) and _day(found, order))


def has_time(text: str) -> bool:
    """Whether a date that `orders_of` knows has a time other than midnight, or an offset."""
    found = WRITTEN.fullmatch(text)
    return bool(found and found["hour"] and (found["offset"] or _time(found) != time()))


def _plain_moment(text: str) -> datetime | None:
    """What most files have is read the quick way."""
    if not ISO_DAY.match(text) or text[10:11] not in ("", "T", " "):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _read(text: str, order: str) -> tuple[date, time, timedelta | None]:
    if COMPACT.fullmatch(text) and order == "ymd":
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    found = WRITTEN.fullmatch(text)
    if found and ISO_DAY.match(text):
        order = "iso"
    if not found or not _year_is_there(found, order, shortest=4) or (order == "iso" and not ISO_DAY.match(text)):
        if found and _year_is_there(found, order, shortest=2):
            message = _("The year of “%s” must have four digits: which century is meant cannot be told.")
            raise ValidationError(message % text)
        if order == "iso":
            raise ValidationError(_("Enter a date like 2026-11-21 or a time like 2026-11-21 14:30."))
        message = _("“%(text)s” is not a date such as %(example)s.")
        raise ValidationError(message % {"text": text, "example": ORDERS[order]})
    day, at = _day(found, order), _time(found)
    if day is None or at is None:
        raise _does_not_exist(text)
    return day, at, _offset(found)


def _does_not_exist(text: str) -> ValidationError:
    return ValidationError(_("“%s” is not a date and time that exists.") % text)


def _parts(found: re.Match[str], order: str) -> tuple[str, str, str]:
    """Year, month and day."""
    written = (found["one"], found["two"], found["three"])
    year, month, day = (written[place] for place in PLACES[order])
    return year, month, day


def _year_is_there(found: re.Match[str], order: str, *, shortest: int) -> bool:
    year, month, day = _parts(found, order)
    return len(year) in (shortest, 4) and len(month) <= 2 and len(day) <= 2


def _day(found: re.Match[str], order: str) -> date | None:
    written, month, day = _parts(found, order)
    year = int(written) if len(written) > 2 else 2000 + int(written)
    try:
        return date(year, int(month), int(day))
    except ValueError:
        return None


def _time(found: re.Match[str]) -> time | None:
    if not found["hour"]:
        return time()
    hour = int(found["hour"])
    if half := found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "Pp" else 0)
    microsecond = int((found["fraction"] or "0").ljust(6, "0")[:6])
    try:
        return time(hour, int(found["minute"]), int(found["second"] or 0), microsecond)
    except ValueError:
        return None


def _offset(found: re.Match[str]) -> timedelta | None:
    written = found["offset"]
    if not written:
        return None
    if written in ("Z", "z", "UTC"):
        return timedelta()
    hours, minutes = int(written[1:3]), int(written[-2:]) if len(written) > 3 else 0
    return timedelta(hours=hours, minutes=minutes) * (-1 if written[0] == "-" else 1)
