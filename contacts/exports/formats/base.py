"""What all formats have in common."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any, BinaryIO

from django import forms
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contacts.exports.columns import Chunk, Column, Values
from contacts.several import in_one_cell
from crm.registry import Registry

Note = str
Writer = Callable[[Values], Values]


class Format(ABC):
    """A kind of file.

    ``options`` is a Django form with what can be chosen about it. ``most_rows`` is how many rows it can hold, None for
    any number. ``by_key`` says that columns are named by the keys of their properties, as programs want it.
    """

    key: str
    label: str | Promise
    explanation: str | Promise
    extension: str
    content_type: str
    options: type[forms.Form] = forms.Form
    most_rows: int | None = None
    by_key: bool = False

    @abstractmethod
    def write(
        self, file: BinaryIO, columns: Sequence[Column], chunks: Iterator[Chunk], options: dict[str, Any]
    ) -> Note:
        """Write the rows as they come; returns what the reader of the file should know, mostly nothing.

        ``options`` are the cleaned values of the form.
        """


FORMATS: Registry[Format] = Registry("format of exports")


class TooManyRows(ValueError):
    """There are more rows than the format holds; the text says so."""


DAYS = {"iso": "%Y-%m-%d", "dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y", "dots": "%d.%m.%Y"}
DATE_CHOICES = [
    ("iso", _("2026-12-31 (ISO 8601)")),
    ("dmy", _("31/12/2026")),
    ("mdy", _("12/31/2026")),
    ("dots", _("31.12.2026")),
]


def day_writer(dates: str) -> Callable[[date], str]:
    """A function that writes a day in the format of this key of `DAYS`."""
    if dates == "iso":
        return date.isoformat
    pattern = DAYS[dates]
    # Not every platform writes the years before 1000 with four digits.
    return lambda day: day.strftime(pattern.replace("%Y", f"{day.year:04}"))


def moment_writer(dates: str) -> Callable[[Any], str]:
    """A function that writes a moment in the account's time zone; in ISO 8601 exactly, with the offset."""
    zone = timezone.get_default_timezone()
    if dates == "iso":
        return lambda moment: moment.astimezone(zone).isoformat()
    day = day_writer(dates)

    def write(moment: Any) -> str:
        local = moment.astimezone(zone)
        return f"{day(local)} {local:%H:%M:%S}"

    return write


def number_as_text(number: Any, places: int = 0) -> str:
    """A number with a point and with the decimals that it has, at least ``places``."""
    if isinstance(number, int):
        return f"{number}.{'0' * places}" if places else str(number)
    whole, _point, fraction = f"{number:f}".partition(".")
    fraction = fraction.rstrip("0").ljust(places, "0")
    return f"{whole}.{fraction}" if fraction else whole


def as_json_text(value: Any) -> str:
    """A text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def plain_texts(column: Column, dates: str) -> Writer:
    """A function that makes of a column's values what a cell of text holds; "" where there is none."""
    if column.kind == "text":
        return lambda values: values
    one = _text_of(column, dates)
    return lambda values: ["" if value is None else one(value) for value in values]


def _text_of(column: Column, dates: str) -> Callable[[Any], Any]:
    places = column.of.places
    writers: dict[str, Callable[[Any], str]] = {
        "number": lambda number: number_as_text(number, places),
        "boolean": lambda value: "true" if value else "false",
        "date": day_writer(dates),
        "datetime": moment_writer(dates),
        "several": in_one_cell,
        "json": as_json_text,
    }
    return writers[column.kind]
