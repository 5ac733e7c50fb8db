"""The shapes that the value of an operator can have: how each is typed in, checked, stored as JSON and put into words.

A shape declares form fields; that one declaration gives the editor its inputs and both the editor and the API their
checks. ``unpack`` turns stored JSON into the form's data and ``pack`` the cleaned data into JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import formats, timezone
from django.utils.dates import MONTHS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from contacts.fields import Field

UNITS = {
    "minutes": (gettext_lazy("minutes"), ngettext_lazy("%(count)s minute", "%(count)s minutes", "count")),
    "hours": (gettext_lazy("hours"), ngettext_lazy("%(count)s hour", "%(count)s hours", "count")),
    "days": (gettext_lazy("days"), ngettext_lazy("%(count)s day", "%(count)s days", "count")),
    "weeks": (gettext_lazy("weeks"), ngettext_lazy("%(count)s week", "%(count)s weeks", "count")),
    "months": (gettext_lazy("months"), ngettext_lazy("%(count)s month", "%(count)s months", "count")),
    "years": (gettext_lazy("years"), ngettext_lazy("%(count)s year", "%(count)s years", "count")),
}
DAY_UNITS = ["days", "weeks", "months", "years"]
PERIODS = {
    "day": gettext_lazy("day"),
    "week": gettext_lazy("week"),
    "month": gettext_lazy("month"),
    "quarter": gettext_lazy("quarter"),
    "year": gettext_lazy("year"),
}
LARGEST_COUNT = 100_000


def amount(count: int, unit: str) -> str:
    """A span of time in words: "3 days"."""
    return str(UNITS[unit][1] % {"count": count})


def in_words(value: Any, field: Field) -> str:
    """A single value as people read it."""
    if isinstance(value, datetime):
        return formats.date_format(timezone.localtime(value), "DATETIME_FORMAT")
    if isinstance(value, date):
        return formats.date_format(value, "DATE_FORMAT")
    return field.choice_label(value) if field.type.family == "choices" else field.display(value)


class MomentField(forms.MultiValueField):
    """A day, or a day and a time in the account's time zone: a date input and an optional time input."""

    def __init__(self, **options: Any) -> None:
        day = forms.DateField(
            error_messages={"incomplete": gettext_lazy("Enter a date.")},
            widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "aria-label": gettext_lazy("Date")}),
        )
        clock = forms.TimeField(
            required=False,
            widget=forms.TimeInput(format="%H:%M", attrs={"type": "time", "aria-label": gettext_lazy("Time")}),
        )
        widget = MomentWidget(widgets=[day.widget, clock.widget])
        super().__init__(
            fields=(day, clock), **({"required": True} | options | {"require_all_fields": False, "widget": widget})
        )

    def compress(self, data_list: list[Any]) -> date | datetime | None:
        if not data_list or data_list[0] is None:
            return None
        day: date = data_list[0]
        clock: time | None = data_list[1]
        if clock is None:
            return day
        return timezone.make_aware(datetime.combine(day, clock), timezone.get_default_timezone())


class MomentWidget(forms.MultiWidget):
    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        # A stored definition has the day and the time in one text.
        return self.decompress(data[name]) if name in data else super().value_from_datadict(data, files, name)

    def decompress(self, value: Any) -> list[str | None]:
        if not value:
            return [None, None]
        day, _separator, clock = str(value).partition("T")
        return [day, clock or None]


class Shape:
    """One shape of values. ``names`` are the form fields it declares, in order."""

    names: tuple[str, ...] = ()

    def fields(self, field: Field) -> dict[str, forms.Field]:
        """The form fields for a value that is compared with ``field``."""
        return {}

    def clean(self, cleaned: dict[str, Any]) -> dict[str, str]:
        """Faults that concern several inputs at once, by the input that shows them."""
        return {}

    def unpack(self, value: Any, field: Field) -> dict[str, Any]:
        """The form's data for a stored value. Raises ValueError when the JSON does not have this shape."""
        if value is not None:
            raise ValueError(_("This operator takes no value."))
        return {}

    def pack(self, cleaned: Mapping[str, Any], field: Field) -> Any:
        """The JSON to store for cleaned data; None when there is no value."""
        return None

    def read(self, value: Any, field: Field) -> Any:
        """A stored value as the operator uses it."""
        return value

    def describe(self, value: Any, field: Field) -> str:
        """A stored value in words."""
        return ""


class NoValue(Shape):
    """The operator says it all."""


def scalar(value: Any) -> str | None:
    """One stored value as a form has it. Raises ValueError for a list or an object."""
    if isinstance(value, str | int | float):
        return str(value)
    if value is None:
        return None
    raise ValueError(_("Enter one value."))


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        local = timezone.localtime(value, timezone.get_default_timezone()).replace(tzinfo=None)
        return local.isoformat(timespec="auto" if local.second or local.microsecond else "minutes")
    return value.isoformat() if isinstance(value, date) else value


def _python(value: Any, field: Field) -> Any:
    if field.type.family in ("date", "datetime"):
        if "T" not in value:
            return date.fromisoformat(value)
        return timezone.make_aware(datetime.fromisoformat(value), timezone.get_default_timezone())
    return Decimal(str(value)) if field.type.family == "number" else value


def storable(text: str) -> None:
    """Refuse half a surrogate pair, which JSON can carry and no database stores. Raises ValidationError."""
    if re.search("[\ud800-\udfff]", text):
        raise ValidationError(_("The text contains characters that cannot be stored."))


def is_text(field: Field) -> bool:
    """Whether values are typed in as text: in a text field, and where nobody declared the choices."""
    return field.type.family == "text" or (field.type.family == "choices" and field.choices_source is None)


def value_input(field: Field, *, times: bool, **options: Any) -> forms.Field:
    """The input for one value that is compared with a contact field.

    Text is compared as typed, so that "starts with +34" can be asked of a phone number; it is not checked as the value
    of a contact would be.
    """
    family = field.type.family
    if is_text(field):
        return forms.CharField(max_length=255, validators=[storable], **options)
    if family in ("choice", "choices"):
        return forms.ChoiceField(choices=lambda: [("", "—"), *field.choices()], **options)
    if family == "datetime" and times:
        return MomentField(**options)
    if family in ("date", "datetime"):
        return forms.DateField(widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), **options)
    return field.type.form_field(field, **options)


class OneValue(Shape):
    """One value. ``times`` allows a time of day besides the day."""

    names = ("value",)

    def __init__(self, *, times: bool = False) -> None:
        self.times = times

    def fields(self, field: Field) -> dict[str, forms.Field]:
        return {"value": value_input(field, times=self.times, label=gettext_lazy("Value"))}

    def unpack(self, value: Any, field: Field) -> dict[str, Any]:
        return {"value": scalar(value)}

    def pack(self, cleaned: Mapping[str, Any], field: Field) -> Any:
        return _json(cleaned["value"])

    def read(self, value: Any, field: Field) -> Any:
        return _python(value, field)

    def describe(self, value: Any, field: Field) -> str:
        return in_words(_python(value, field), field)


class LinesField(forms.CharField):
    """Several texts, one on each line."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        if isinstance(value, list):
            value = "\n".join(map(str, value))
        text = super().clean(value)
        return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


class SeveralValues(Shape):
    """A list of at least one value. ``together`` says that all of them count at once, and not any one."""

    names = ("value",)

    def __init__(self, *, together: bool = False) -> None:
        self.joined = gettext_lazy("%(first)s and %(last)s") if together else gettext_lazy("%(first)s or %(last)s")

    def fields(self, field: Field) -> dict[str, forms.Field]:
        options: dict[str, Any] = {"label": gettext_lazy("Values")}
        if is_text(field):
            help_text = gettext_lazy("One on each line.")
            return {"value": LinesField(max_length=20_000, validators=[storable], help_text=help_text, **options)}
        return {"value": forms.MultipleChoiceField(choices=field.choices, **options)}

    def unpack(self, value: Any, field: Field) -> dict[str, Any]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError(_("Enter a list of values."))
        return {"value": value}

    def pack(self, cleaned: Mapping[str, Any], field: Field) -> Any:
        return list(cleaned["value"])

    def describe(self, value: Any, field: Field) -> str:
        words = [in_words(item, field) for item in value]
        if len(words) == 1:
            return words[0]
        return str(self.joined) % {"first": ", ".join(words[:-1]), "last": words[-1]}


class Range(Shape):
    """From one value to another, both included."""

    names = ("from", "to")

    def fields(self, field: Field) -> dict[str, forms.Field]:
        return {
            "from": value_input(field, times=True, label=gettext_lazy("From"), required=False),
            "to": value_input(field, times=True, label=gettext_lazy("To"), required=False),
        }

    def clean(self, cleaned: dict[str, Any]) -> dict[str, str]:
        low, high = cleaned.get("from"), cleaned.get("to")
        if low is None or high is None:
            return {"from" if low is None else "to": _("Enter both ends of the range.")}
        if _comparable(low) > _comparable(high):
            return {"to": _("The end of the range comes before its start.")}
        return {}

    def unpack(self, value: Any, field: Field) -> dict[str, Any]:
        if not isinstance(value, dict) or set(value) - {"from", "to"}:
            raise ValueError(_("Enter an object with “from” and “to”."))
        return {name: scalar(value.get(name)) for name in self.names}

    def pack(self, cleaned: Mapping[str, Any], field: Field) -> Any:
        return {"from": _json(cleaned["from"]), "to": _json(cleaned["to"])}

    def read(self, value: Any, field: Field) -> Any:
        return {name: _python(value[name], field) for name in self.names}

    def describe(self, value: Any, field: Field) -> str:
        ends = {name: in_words(_python(value[name], field), field) for name in self.names}
        return _("%(from)s and %(to)s") % ends


def _comparable(value: Any) -> Any:
    """A day compares with a moment as its first moment."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=timezone.get_default_timezone())
    return value


def _unit_field(units: list[str]) -> forms.ChoiceField:
    choices = [(unit, UNITS[unit][0]) for unit in units]
    return forms.ChoiceField(choices=choices, label=gettext_lazy("Unit"), initial="days")


def _count_field(label: Any, smallest: int = 1) -> forms.IntegerField:
    return forms.IntegerField(min_value=smallest, max_value=LARGEST_COUNT, label=label)


def _object(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) - set(names):
        raise ValueError(_("Enter an object with %(names)s.") % {"names": ", ".join(names)})
    return {name: scalar(value.get(name)) for name in names}


class Amount(Shape):
    """A number of units of time."""

    names = ("count", "unit")

    def __init__(self, units: list[str] | None = None) -> None:
        self.units = units

    def fields(self, field: Field) -> dict[str, forms.Field]:
        units = self.units or (DAY_UNITS if field.type.family == "date" else list(UNITS))
        return {"count": _count_field(gettext_lazy("Number")), "unit": _unit_field(units)}

    def unpack(self, value: Any, field: Field) -> dict[str, Any]:
        return _object(value, self.names)

    def pack(self, cleaned: Mapping[str, Any], field: Field) -> Any:
        return {name: cleaned[name] for name in self.names}

    def describe(self, value: Any, field: Field) -> str:
        return amount(value["count"], value["unit"])


class AmountRange(Shape):
    """From one number of units of time to another."""

    names = ("from_count", "to_count", "unit")

    def fields(self, field: Field) -> dict[str, forms.Field]:
        return {
            "from_count": _count_field(gettext_lazy("From"), 0),
            "to_count": _count_field(gettext_lazy("To")),
            "unit": _unit_field(DAY_UNITS if field.type.family == "date" else list(UNITS)),
        }

    def clean(self, cleaned: dict[str, Any]) -> dict[str, str]:
        if cleaned.get("from_count", 0) > cleaned.get("to_count", LARGEST_COUNT):
            return {"to_count": _("The end of the range comes before its start.")}
        return {}

    def unpack(self, value: Any, field: Field) -> dict[str, Any]:
        return _object(value, self.names)

    def pack(self, cleaned: Mapping[str, Any], field: Field) -> Any:
        return {name: cleaned[name] for name in self.names}

    def describe(self, value: Any, field: Field) -> str:
        return _("%(from)s and %(to)s") % {
            "from": value["from_count"],
            "to": amount(value["to_count"], value["unit"]),
        }


class Period(Shape):
    """A unit of the calendar."""

    names = ("unit",)

    def fields(self, field: Field) -> dict[str, forms.Field]:
        return {"unit": forms.ChoiceField(choices=list(PERIODS.items()), label=gettext_lazy("Unit"))}

    def unpack(self, value: Any, field: Field) -> dict[str, Any]:
        return _object(value, self.names)

    def pack(self, cleaned: Mapping[str, Any], field: Field) -> Any:
        return {"unit": cleaned["unit"]}

    def describe(self, value: Any, field: Field) -> str:
        return str(PERIODS[value["unit"]])


class Month(Shape):
    """A month of the year, 1 to 12."""

    names = ("month",)

    def fields(self, field: Field) -> dict[str, forms.Field]:
        return {"month": forms.TypedChoiceField(choices=list(MONTHS.items()), coerce=int, label=gettext_lazy("Month"))}

    def unpack(self, value: Any, field: Field) -> dict[str, Any]:
        return _object(value, self.names)

    def pack(self, cleaned: Mapping[str, Any], field: Field) -> Any:
        return {"month": cleaned["month"]}

    def describe(self, value: Any, field: Field) -> str:
        return str(MONTHS[value["month"]])
