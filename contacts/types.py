"""The types that contact fields have: how a value is typed in, checked, stored as JSON, and shown.

A custom field's value is kept in ``Contact.custom`` in the JSON type given by ``json_type``; dates are texts in
ISO 8601, and moments are always in UTC with microseconds, so that they compare as texts.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import phonenumbers
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.registry import Registry

if TYPE_CHECKING:
    from contacts.fields import Field

LARGEST_INTEGER = 2**53 - 1  # beyond it a JSON number is no longer exact everywhere
LARGEST_IN_COLUMN = 2**31 - 1  # what a column of integers holds on every database
MOMENT_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class FieldType:
    """What all values of a type have in common.

    ``family`` says which operators apply: text, number, boolean, date, datetime, choice or choices.
    ``json_type`` is the JSON type of a stored custom value: string, number, boolean or array.
    """

    key: str
    label: Any
    family: str = "text"
    json_type: str = "string"

    def form_field(self, field: Field, **options: Any) -> forms.Field:
        """A form field that reads and checks a value; its cleaned value is what `to_json` and the columns take."""
        raise NotImplementedError

    def is_empty(self, value: Any) -> bool:
        return value is None or value == "" or value == []

    def to_json(self, value: Any) -> Any:
        """A cleaned value as it is stored in ``Contact.custom``."""
        return value

    def from_json(self, raw: Any) -> Any:
        """A stored value as Python has it; None when it is not of this type."""
        return raw if isinstance(raw, str) else None

    def display(self, value: Any, field: Field) -> str:
        """A value as people read it, in the active language and the account's time zone."""
        return str(value)


FIELD_TYPES: Registry[FieldType] = Registry("field type")


@FIELD_TYPES.register
class Text(FieldType):
    key = "text"
    label = gettext_lazy("Text")

    def form_field(self, field: Field, **options: Any) -> forms.Field:
        return forms.CharField(max_length=field.max_length, **options)


@FIELD_TYPES.register
class LongText(FieldType):
    key = "long_text"
    label = gettext_lazy("Long text")

    def form_field(self, field: Field, **options: Any) -> forms.Field:
        return forms.CharField(max_length=10_000, **({"widget": forms.Textarea(attrs={"rows": 4})} | options))


@FIELD_TYPES.register
class Integer(FieldType):
    key = "integer"
    label = gettext_lazy("Integer")
    family = "number"
    json_type = "number"

    def form_field(self, field: Field, **options: Any) -> forms.Field:
        largest = LARGEST_INTEGER if field.is_custom else LARGEST_IN_COLUMN
        return forms.IntegerField(min_value=-largest, max_value=largest, **options)

    def from_json(self, raw: Any) -> Any:
        return int(raw) if isinstance(raw, int | float) and not isinstance(raw, bool) else None

    def display(self, value: Any, field: Field) -> str:
        return formats.number_format(value, use_l10n=True, force_grouping=True)


@FIELD_TYPES.register
class DecimalNumber(FieldType):
    key = "decimal"
    label = gettext_lazy("Decimal")
    family = "number"
    json_type = "number"

    def form_field(self, field: Field, **options: Any) -> forms.Field:
        # 15 significant digits survive the floating-point numbers of JSON and SQLite exactly.
        return forms.DecimalField(
            max_digits=15, decimal_places=4, **({"widget": forms.NumberInput(attrs={"step": "any"})} | options)
        )

    def to_json(self, value: Any) -> Any:
        number = Decimal(value)
        return int(number) if number == number.to_integral_value() else float(number)

    def from_json(self, raw: Any) -> Any:
        return Decimal(str(raw)) if isinstance(raw, int | float) and not isinstance(raw, bool) else None

    def display(self, value: Any, field: Field) -> str:
        return decimal_in_words(value, field.places)


def decimal_in_words(value: Any, places: int | None = None) -> str:
    """A number with ``places`` decimals; None for those that it has: no decimals, or two and more."""
    if places is None:
        digits = len(f"{Decimal(value):f}".partition(".")[2].rstrip("0"))
        places = max(2, digits) if digits else 0
    return formats.number_format(Decimal(value), places, use_l10n=True, force_grouping=True)


class YesNoFormField(forms.TypedChoiceField):
    def prepare_value(self, value: Any) -> Any:
        return {True: "true", False: "false"}.get(value, value)


@FIELD_TYPES.register
class Boolean(FieldType):
    key = "boolean"
    label = gettext_lazy("Yes or no")
    family = "boolean"
    json_type = "boolean"

    def form_field(self, field: Field, **options: Any) -> forms.Field:
        return YesNoFormField(
            choices=[("", "—"), ("true", gettext_lazy("Yes")), ("false", gettext_lazy("No"))],
            coerce=lambda text: text in ("true", "True", True),
            empty_value=None,
            **options,
        )

    def from_json(self, raw: Any) -> Any:
        return raw if isinstance(raw, bool) else None

    def display(self, value: Any, field: Field) -> str:
        return _("Yes") if value else _("No")


@FIELD_TYPES.register
class Date(FieldType):
    key = "date"
    label = gettext_lazy("Date")
    family = "date"

    def form_field(self, field: Field, **options: Any) -> forms.Field:
        return forms.DateField(**({"widget": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})} | options))

    def to_json(self, value: date) -> str:
        return value.isoformat()

    def from_json(self, raw: Any) -> Any:
        try:
            return date.fromisoformat(raw)
        except (TypeError, ValueError):
            return None

    def display(self, value: Any, field: Field) -> str:
        return formats.date_format(value, "DATE_FORMAT")


@FIELD_TYPES.register
class DateTime(FieldType):
    key = "datetime"
    label = gettext_lazy("Date and time")
    family = "datetime"

    def form_field(self, field: Field, **options: Any) -> forms.Field:
        widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
        return forms.DateTimeField(**({"widget": widget} | options))

    def to_json(self, value: datetime) -> str:
        return value.astimezone(UTC).strftime(MOMENT_FORMAT).rjust(27, "0")

    def from_json(self, raw: Any) -> Any:
        try:
            return datetime.strptime(raw, MOMENT_FORMAT).replace(tzinfo=UTC)
        except (TypeError, ValueError):
            return None

    def display(self, value: Any, field: Field) -> str:
        return formats.date_format(timezone.localtime(value), "DATETIME_FORMAT")


@FIELD_TYPES.register
class Email(FieldType):
    key = "email"
    label = gettext_lazy("Email")

    def form_field(self, field: Field, **options: Any) -> forms.Field:
        return forms.EmailField(max_length=254, **options)

    def to_json(self, value: str) -> str:
        return value.lower()


def normalise_phone(text: str) -> str:
    """A phone number in E.164.

    Numbers without a country code belong to the region of the setting PHONE_REGION. Raises ValidationError.
    """
    try:
        number = phonenumbers.parse(text, settings.PHONE_REGION or None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise ValidationError(
            _("Enter a valid phone number with its country code, such as +34 612 345 678."), code="invalid"
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class PhoneFormField(forms.CharField):
    widget = forms.TextInput(attrs={"type": "tel"})

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return normalise_phone(text) if text else text


@FIELD_TYPES.register
class Phone(FieldType):
    key = "phone"
    label = gettext_lazy("Phone")

    def form_field(self, field: Field, **options: Any) -> forms.Field:
        return PhoneFormField(max_length=32, **options)

    def display(self, value: Any, field: Field) -> str:
        try:
            number = phonenumbers.parse(str(value))
        except phonenumbers.NumberParseException:
            return str(value)
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


@FIELD_TYPES.register
class Url(FieldType):
    key = "url"
    label = gettext_lazy("URL")

    def form_field(self, field: Field, **options: Any) -> forms.Field:
        return forms.URLField(max_length=2000, assume_scheme="https", **options)


@FIELD_TYPES.register
class Choice(FieldType):
    key = "choice"
    label = gettext_lazy("One choice")
    family = "choice"

    def form_field(self, field: Field, **options: Any) -> forms.Field:
        empty = [] if field.always_set else [("", "—")]
        return forms.ChoiceField(choices=lambda: [*empty, *field.choices()], **options)

    def display(self, value: Any, field: Field) -> str:
        return field.choice_label(value)


@FIELD_TYPES.register
class Choices(FieldType):
    key = "choices"
    label = gettext_lazy("Several choices")
    family = "choices"
    json_type = "array"

    def form_field(self, field: Field, **options: Any) -> forms.Field:
        return forms.MultipleChoiceField(choices=field.choices, **({"widget": forms.CheckboxSelectMultiple} | options))

    def from_json(self, raw: Any) -> Any:
        return [item for item in raw if isinstance(item, str)] if isinstance(raw, list) else None

    def display(self, value: Any, field: Field) -> str:
        return ", ".join(field.choice_label(item) for item in value)
