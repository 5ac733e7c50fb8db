"""The one catalogue of contact fields, system and custom.

It is what the segment editor, imports, exports, the API, workflow nodes and message templates know of a contact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import F
from django.db.models.expressions import Combinable
from django.utils.functional import Promise
from django.utils.html import escape
from django.utils.translation import gettext_lazy as _

from contacts import places
from contacts.typed_json import TypedJSON
from contacts.types import FIELD_TYPES, FieldType
from crm.registry import UnknownKey

if TYPE_CHECKING:
    from contacts.models import Contact

Choices = list[tuple[str, Any]]

PROFILE = _("Contact profile")
PURCHASES = _("Purchases")
CUSTOM = _("Custom fields")


@dataclass(frozen=True)
class Field:
    """One contact field.

    ``column`` is the column that holds a system field and "" for a custom one, which is kept in ``Contact.custom``.
    ``editable`` fields can be written by people and imports; the others follow from events. ``always_set`` fields
    have a value for every contact. A number is shown with ``places`` decimals, or with those that it has.
    """

    key: str
    label: str | Promise
    type: FieldType
    group: str | Promise = PROFILE
    column: str = ""
    choices_source: Callable[[], Choices] | None = None
    help_text: str = ""
    editable: bool = True
    always_set: bool = False
    max_length: int = 255
    archived: bool = False
    places: int | None = None

    @property
    def is_custom(self) -> bool:
        return not self.column

    @property
    def json_key(self) -> str:
        """The key of a custom field inside ``Contact.custom``."""
        return self.key.removeprefix("custom.")

    @property
    def form_name(self) -> str:
        """The field's name in an HTML form."""
        return self.key.replace(".", "_")

    def choices(self) -> Choices:
        """Pairs of stored value and label, empty for fields that are not chosen from a list."""
        return list(self.choices_source()) if self.choices_source else []

    def choice_label(self, value: Any) -> str:
        return str(dict(self.choices()).get(value, value))

    def form_field(self, **options: Any) -> forms.Field:
        """A form field for a value of this field; ``options`` go to the form field's constructor."""
        defaults: dict[str, Any] = {"label": self.label, "required": False, "help_text": escape(self.help_text)}
        return self.type.form_field(self, **(defaults | options))

    def expression(self) -> Combinable:
        """The field as SQL: NULL unless the stored value has the field's type."""
        return F(self.column) if self.column else TypedJSON("custom", key=self.json_key, type=self.type)

    def value_of(self, contact: Contact) -> Any:
        """The contact's value as Python has it, None when there is none."""
        value = getattr(contact, self.column) if self.column else self.type.from_json(contact.custom.get(self.json_key))
        return None if self.type.is_empty(value) else value

    def display(self, value: Any) -> str:
        """A value as people read it; a dash for no value."""
        return "–" if value is None else self.type.display(value, self)


def _choices_of(name: str) -> Callable[[], Choices]:
    def choices() -> Choices:
        from contacts.models import Contact

        return list(getattr(Contact, name).choices)

    return choices


def _system(key: str, label: Any, type_key: str, **options: Any) -> Field:
    return Field(key=key, label=label, type=FIELD_TYPES[type_key], column=key, **options)


SYSTEM_FIELDS: list[Field] = [
    _system("email", _("Email"), "email", max_length=254),
    _system("external_id", _("External id"), "text"),
    _system("first_name", _("First name"), "text", max_length=150),
    _system("last_name", _("Last name"), "text", max_length=150),
    _system("phone", _("Phone"), "phone", max_length=32),
    _system("date_of_birth", _("Date of birth"), "date"),
    _system("gender", _("Gender"), "choice", choices_source=_choices_of("Gender")),
    _system("language", _("Language"), "choice", choices_source=places.languages),
    _system("country", _("Country"), "choice", choices_source=places.countries),
    _system("region", _("Region"), "text", max_length=100),
    _system("city", _("City"), "text", max_length=100),
    _system("postal_code", _("Postal code"), "text", max_length=20),
    _system("time_zone", _("Time zone"), "choice", choices_source=places.time_zones),
    _system("newsletter", _("Newsletter"), "choice", choices_source=_choices_of("Newsletter"), always_set=True),
    _system("newsletter_at", _("Newsletter since"), "datetime"),
    _system("email_status", _("Email status"), "choice", choices_source=_choices_of("EmailStatus"), always_set=True),
    _system("points", _("Points"), "integer", always_set=True),
    _system("first_seen_at", _("First seen"), "datetime", editable=False),
    _system("last_seen_at", _("Last seen"), "datetime", editable=False),
    _system("created_at", _("Created"), "datetime", editable=False, always_set=True),
    _system("updated_at", _("Updated"), "datetime", editable=False, always_set=True),
    _system("purchases_count", _("Number of purchases"), "integer", group=PURCHASES, editable=False, always_set=True),
    _system(
        "purchases_total",
        _("Total of purchases"),
        "decimal",
        group=PURCHASES,
        editable=False,
        always_set=True,
        places=2,
    ),
    _system("purchases_average", _("Average purchase"), "decimal", group=PURCHASES, editable=False, places=2),
    _system("first_purchase_at", _("First purchase"), "datetime", group=PURCHASES, editable=False),
    _system("last_purchase_at", _("Last purchase"), "datetime", group=PURCHASES, editable=False),
]


class Catalogue:
    """All fields by key, system fields first. Made for one request or task: it reads the custom fields once."""

    def __init__(self, custom: list[Field]) -> None:
        self._fields = {field.key: field for field in [*SYSTEM_FIELDS, *custom]}

    def __getitem__(self, key: object) -> Field:
        """The field of this key, archived or not. Raises `UnknownKey`."""
        if isinstance(key, str) and key in self._fields:
            return self._fields[key]
        raise UnknownKey("contact field", key)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key in self._fields

    def fields(self) -> list[Field]:
        """The fields in use: without the archived ones."""
        return [field for field in self._fields.values() if not field.archived]

    def editable(self) -> list[Field]:
        return [field for field in self.fields() if field.editable]

    def grouped(self) -> list[tuple[str, list[Field]]]:
        """The fields in use under the heading that people know them by."""
        groups: dict[str, list[Field]] = {}
        for field in self.fields():
            groups.setdefault(str(field.group), []).append(field)
        return list(groups.items())


def catalogue() -> Catalogue:
    """The catalogue as it is now; one query."""
    from contacts.models import ContactField

    return Catalogue(
        [
            Field(
                key=f"custom.{declared.key}",
                label=declared.label,
                type=FIELD_TYPES[declared.type],
                group=CUSTOM,
                choices_source=(lambda pairs: lambda: pairs)(declared.choices),
                help_text=declared.help_text,
                archived=declared.archived,
            )
            for declared in ContactField.objects.order_by("label", "id")
        ]
    )
