"""From the text of a cell to the value that is stored."""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from contacts.fields import Field
from contacts.folding import fold
from contacts.json_rows import moment_writer
from contacts.several import of_one_cell

Cleaner = Callable[[str], Any]

REMEMBERED = 20_000
DIFFERENT_IN_EVERY_ROW = ("email", "external_id")
BOOLEANS = {"1": "true", "0": "false"}
PLAIN_DAY = re.compile(r"(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])", re.ASCII)
PLAIN_EMAIL = re.compile(r"(?=.{1,64}$)\w+([.+-]\w+)*@([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,20}", re.ASCII | re.IGNORECASE)
ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)
WHOLE_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)
EXACT_DIGITS = 15  # as many as the floating-point numbers of JSON keep


def cleaner(field: Field) -> Cleaner:
    """A function that makes of a cell that is not blank what the database keeps in this field.

    It reads dates as ISO 8601 writes them, a choice by its value or its label, and several choices with a bar between
    them. It raises `ValidationError`, and remembers what it has read, because most cells repeat.
    """
    read = _reader(field)
    keep = field.type.to_json if field.is_custom else _column_writer(field)

    def clean(text: str) -> Any:
        return keep(read(text))

    return clean if field.key in DIFFERENT_IN_EVERY_ROW else lru_cache(REMEMBERED)(clean)


def _reader(field: Field) -> Cleaner:
    """A function that has the field's form field read a cell.

    What is plainly right does not go there: to ask a form field takes ten times as long as to look.
    """
    family = field.type.family
    if family == "date":
        day_field = field.form_field(input_formats=["%Y-%m-%d"])
        return lambda text: date.fromisoformat(text) if PLAIN_DAY.fullmatch(text) else day_field.clean(_iso(text))
    if family == "datetime":
        moment_field = field.form_field(input_formats=["%Y-%m-%d"])
        return lambda text: moment_field.clean(_iso(text))
    form_field = field.form_field()
    if family in ("choice", "boolean"):
        names = _choice_names(form_field)
        return lambda text: form_field.clean(names.get(fold(text), text))
    if family == "choices":
        names = _choice_names(form_field)
        order = list(names.values())

        def several(text: str) -> list[str]:
            chosen = set(form_field.clean([names.get(fold(value), value) for value in of_one_cell(text)]))
            return sorted(chosen, key=order.index)

        return several
    if field.type.key == "email":
        return lambda text: text if PLAIN_EMAIL.fullmatch(text) else form_field.clean(text)
    if field.type.key == "text":
        return lambda text: text if len(text) <= field.max_length and "\0" not in text else form_field.clean(text)
    return form_field.clean


def _choice_names(form_field: Any) -> dict[str, str]:
    """The values of the choices by what people may call them."""
    pairs = [(value, str(label)) for value, label in form_field.choices if value]
    by_label = {fold(label): value for value, label in pairs}
    by_value = {fold(str(value)): value for value, _label in pairs}
    others = BOOLEANS if isinstance(form_field, forms.TypedChoiceField) else {}
    return by_label | others | by_value


def _column_writer(field: Field) -> Callable[[Any], Any]:
    """A function that makes of a cleaned value what the field's column holds."""
    if field.type.family == "datetime":
        return moment_writer()
    if field.type.family == "date":
        return date.isoformat
    return str.lower if field.key == "email" else lambda value: value


def _iso(text: str) -> str:
    if not ISO_DAY.match(text):
        raise ValidationError(_("Enter a date like 2026-11-21 or a time like 2026-11-21 14:30."))
    return text


def moment_reader() -> Callable[[str], datetime]:
    """A function that reads a moment as ISO 8601 writes it; without an offset it is in the account's time zone.

    A day is its midnight. Where clocks are set forward over a time, or back over it, the earlier reading holds. The
    function raises `ValidationError`.
    """
    account_zone = timezone.get_default_timezone()

    @lru_cache(REMEMBERED)
    def read(text: str) -> datetime:
        try:
            moment = parse_datetime(_iso(text))
        except ValueError:
            moment = None
        if moment is None:
            raise ValidationError(_("“%s” is not a date and time that exists.") % text)
        return moment if moment.tzinfo else moment.replace(tzinfo=account_zone)

    return read


def read_number(text: str) -> Decimal:
    """A number with a point before its fraction. Raises `ValidationError`."""
    if not NUMBER.fullmatch(text):
        raise ValidationError(_("“%s” is not a number such as 1234.50.") % text)
    return Decimal(text)


def read_whole_number(text: str) -> int:
    """A whole number. Raises `ValidationError`."""
    if not WHOLE_NUMBER.fullmatch(text):
        raise ValidationError(_("“%s” is not a whole number.") % text)
    return int(text)


def read_property(text: str, kind: str | None) -> str | int | float | bool:
    """The value of an event's property. ``kind`` is text, number, boolean, or None for what the text looks like.

    What starts with a zero, as many codes do, looks like text, and so does a number with too many digits for JSON.
    Raises `ValidationError`.
    """
    if kind == "text":
        return text
    if kind == "number":
        return _json_number(read_number(text))
    known = {"true": True, "false": False} | ({"yes": True, "no": False, "1": True, "0": False} if kind else {})
    if text.lower() in known:
        return known[text.lower()]
    if kind == "boolean":
        raise ValidationError(_("“%s” is neither true nor false.") % text)
    looks_like_number = JSON_NUMBER.fullmatch(text) and len(text) <= EXACT_DIGITS
    return _json_number(Decimal(text)) if looks_like_number else text


def _json_number(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)
