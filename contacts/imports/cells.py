"""Reading the cells of the columns of an import: what each column makes of a text, and how that is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from contacts.event_types import event_type, is_event_type
from contacts.fields import Catalogue, Field
from contacts.imports.cleaning import cleaner, read_property
from contacts.imports.dates import moment_reader
from contacts.imports.models import Import
from contacts.imports.numbers import read_number, read_whole_number
from contacts.imports.options import LIST, PROPERTY, Column, columns_of

Read = Callable[[str], Any]
Show = Callable[[Any], str]

YES = frozenset({"1", "true", "yes", "y", "x", "on", "subscribed"})
NO = frozenset({"0", "false", "no", "n", "off", "unsubscribed", "-"})


@dataclass(frozen=True)
class CellReader:
    """How the cells of a column are read: ``read`` makes what is stored of a text that is not blank.

    ``field`` is the contact field that the column goes to, if it goes to one. ``read`` raises `ValidationError`.
    """

    column: Column
    label: str
    read: Read
    show: Show
    field: Field | None = None

    def shown(self, text: str) -> tuple[str, str]:
        """A cell as it will be stored, in words, and why it cannot be: one of the two is empty."""
        if not text.strip():
            return "", ""
        try:
            return self.show(self.read(text.strip())), ""
        except ValidationError as error:
            return "", " ".join(error.messages)


def readers_of(import_run: Import, fields: Catalogue) -> list[CellReader]:
    """One reader for each column that goes somewhere, in their order."""
    columns = columns_of(import_run)
    if import_run.kind == Import.Kind.EVENTS:
        return [reader_of_event(column) for column in columns]
    return [reader_of_contact(column, fields) for column in columns]


def reader_of_contact(column: Column, fields: Catalogue) -> CellReader:
    """How the cells of a column of contacts are read."""
    if column.target.startswith(LIST):
        return CellReader(column, column.name, read_subscription, _yes_or_no)
    field = fields[column.target]
    read = cleaner(field, dates=column.dates, decimal=column.decimal)
    return CellReader(column, str(field.label), read, _shown_as(field), field)


def reader_of_event(column: Column) -> CellReader:
    """How the cells of a column of events are read."""
    target = column.target
    if target.startswith(PROPERTY):
        name, kind = target.removeprefix(PROPERTY).split(":")
        read = partial(read_property, kind=kind or None, decimal=column.decimal)
        return CellReader(column, name, read, _as_words)
    if target == "occurred_at":
        return CellReader(column, _("Time"), moment_reader(dates=column.dates), _moment)
    if target == "value":
        return CellReader(column, _("Value"), partial(read_number, decimal=column.decimal), _as_words)
    if target == "contact_id":
        return CellReader(column, _("Number of the contact"), read_whole_number, str)
    if target == "type":
        return CellReader(column, _("Type"), read_event_type, lambda key: str(event_type(key).label))
    return CellReader(column, column.name, str, str)


def read_subscription(text: str) -> bool:
    """Whether a cell says that the contact subscribes to the list. Raises `ValidationError`."""
    word = text.strip().casefold()
    if word in YES:
        return True
    if word in NO:
        return False
    raise ValidationError(_("“%s” is neither yes nor no.") % text)


def read_event_type(text: str) -> str:
    """The key of a type of events. Raises `ValidationError`."""
    if not is_event_type(text):
        raise ValidationError(_("The type must be made of a-z, 0-9 and _, and start with a letter."))
    return text


def _yes_or_no(value: Any) -> str:
    return _("Yes") if value else _("No")


def _as_words(value: Any) -> str:
    return _yes_or_no(value) if isinstance(value, bool) else str(value)


def _moment(value: Any) -> str:
    return formats.date_format(timezone.localtime(value), "DATETIME_FORMAT")


def _shown_as(field: Field) -> Show:
    """How a value as the database keeps it is shown."""
    if field.is_custom:
        return lambda value: field.display(field.type.from_json(value))
    if field.type.family == "date":
        return lambda value: field.display(date.fromisoformat(str(value)))
    if field.type.family == "datetime":
        return lambda value: field.display(_aware(str(value)))
    return lambda value: field.display(value)


def _aware(text: str) -> Any:
    moment = parse_datetime(text)
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=timezone.get_fixed_timezone(0))
