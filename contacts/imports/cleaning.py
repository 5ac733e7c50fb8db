"""From the text of a cell to the value that is stored."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from contacts.fields import Field
from contacts.folding import fold
from contacts.imports.dates import date_reader, moment_reader
from contacts.imports.numbers import plain_number, read_number
from contacts.imports.words import words_for
from contacts.json_rows import moment_writer
from contacts.several import of_one_cell

Cleaner = Callable[[str], Any]

REMEMBERED = 8_000
SPREADSHEET_ERRORS = frozenset({"#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#DIV/0!"})
DIFFERENT_IN_EVERY_ROW = ("email", "external_id")
PLAIN_DAY = re.compile(r"(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])", re.ASCII)
PLAIN_EMAIL = re.compile(r"(?=.{1,64}$)\w+([.+-]\w+)*@([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,20}", re.ASCII | re.IGNORECASE)
JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)
EXACT_DIGITS = 15  # as many as the floating-point numbers of JSON keep


def cleaner(field: Field, *, dates: str = "iso", decimal: str = ".") -> Cleaner:
    """A function that makes of a cell that is not blank what the database keeps in this field.

    It reads dates in the order ``dates`` (`contacts.imports.dates.ORDERS`), numbers with the sign ``decimal`` before
    the fraction, a choice by its value or by what people call it, and several choices with a bar between them. It
    raises `ValidationError`, and remembers what it has read, because most cells repeat.
    """
    read = reader(field, dates=dates, decimal=decimal)
    keep = field.type.to_json if field.is_custom else _column_writer(field)

    def clean(text: str) -> Any:
        if text in SPREADSHEET_ERRORS:
            raise ValidationError(_("“%s” is an error of a spreadsheet, not a value.") % text)
        return keep(read(text))

    return clean if field.key in DIFFERENT_IN_EVERY_ROW else lru_cache(REMEMBERED)(clean)


def reader(field: Field, *, dates: str = "iso", decimal: str = ".") -> Cleaner:
    """A function that has the field's form field read a cell, and gives what that cleans it to.

    What is plainly right does not go there: to ask a form field takes ten times as long as to look.
    """
    family = field.type.family
    if family == "date":
        read_day = date_reader(dates=dates)
        return lambda text: date.fromisoformat(text) if PLAIN_DAY.fullmatch(text) else read_day(text)
    if family == "datetime":
        return moment_reader(dates=dates)
    form_field = field.form_field()
    if family == "number":
        return lambda text: form_field.clean(plain_number(text, decimal=decimal))
    if family in ("choice", "boolean"):
        names = _choice_names(field, form_field)
        return lambda text: form_field.clean(names.get(fold(text), text))
    if family == "choices":
        names = _choice_names(field, form_field)
        order = list(dict.fromkeys(names.values()))

        def several(text: str) -> list[str]:
            chosen = set(form_field.clean([names.get(fold(value), value) for value in of_one_cell(text)]))
            return sorted(chosen, key=order.index)

        return several
    if field.type.key == "email":
        return lambda text: text if PLAIN_EMAIL.fullmatch(text) else form_field.clean(text)
    if field.type.key == "text":
        return lambda text: text if len(text) <= field.max_length and "\0" not in text else form_field.clean(text)
    return form_field.clean


def _choice_names(field: Field, form_field: Any) -> dict[str, str]:
    """The values of the choices by what people may call them; what they are called on the pages comes first."""
    pairs = [(str(value), str(label)) for value, label in form_field.choices if value]
    values = {value for value, _label in pairs}
    by_label = {fold(label): value for value, label in pairs}
    by_value = {fold(value): value for value, _label in pairs}
    others = {fold(word): value for word, value in words_for(field).items() if value in values}
    return others | by_label | by_value


def _column_writer(field: Field) -> Callable[[Any], Any]:
    """A function that makes of a cleaned value what the field's column holds."""
    if field.type.family == "datetime":
        return moment_writer()
    if field.type.family == "date":
        return date.isoformat
    return str.lower if field.key == "email" else lambda value: value


def read_property(text: str, kind: str | None, *, decimal: str = ".") -> str | int | float | bool:
    """The value of an event's property. ``kind`` is text, number, boolean, or None for what the text looks like.

    What starts with a zero, as many codes do, looks like text, and so does a number with too many digits for JSON.
    Raises `ValidationError`.
    """
    if kind == "text":
        return text
    if kind == "number":
        return _json_number(read_number(text, decimal=decimal))
    known = {"true": True, "false": False} | ({"yes": True, "no": False, "1": True, "0": False} if kind else {})
    if text.lower() in known:
        return known[text.lower()]
    if kind == "boolean":
        raise ValidationError(_("“%s” is neither true nor false.") % text)
    looks_like_number = JSON_NUMBER.fullmatch(text) and len(text) <= EXACT_DIGITS
    return _json_number(Decimal(text)) if looks_like_number else text


def _json_number(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)
