"""A contact as JSON: an object with an entry for each system field, and the custom fields inside ``custom``.

What comes in is read by the form fields of the catalogue, as everywhere; null stands for no value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from contacts.fields import SYSTEM_FIELDS, Catalogue, Field
from contacts.models import Contact
from crm.api.bodies import Body, Moment
from crm.api.errors import Path, Problem, Refused, problems_in

SYSTEM_KEYS = frozenset(field.key for field in SYSTEM_FIELDS)
FEW_CHOICES = 10
JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
}
FORMS: dict[str, type[serializers.Field]] = {
    "text": serializers.CharField,
    "number": serializers.FloatField,
    "date": serializers.DateField,
    "datetime": serializers.DateTimeField,
    "choice": serializers.CharField,
}


def _form(field: Field) -> serializers.Field:
    """How the schema describes a system field."""
    options: dict[str, Any] = {"allow_null": True, "required": False, "label": str(field.label)}
    if field.type.key == "integer":
        return serializers.IntegerField(**options)
    choices = field.choices()
    if choices and len(choices) <= FEW_CHOICES:
        return serializers.ChoiceField(choices=choices, **options)
    return FORMS[field.type.family](**options)


def _forms(*, editable: bool) -> dict[str, serializers.Field]:
    forms = {field.key: _form(field) for field in SYSTEM_FIELDS if field.editable or not editable}
    return forms | {"custom": serializers.DictField(required=False, help_text=_("Custom fields by their keys."))}


ContactValues = extend_schema_serializer(component_name="ContactValues")(
    type("ContactValues", (Body,), _forms(editable=True))
)
ContactShape = extend_schema_serializer(component_name="Contact")(
    type(
        "ContactShape",
        (serializers.Serializer,),
        {"id": serializers.IntegerField(), "visitor_key": serializers.CharField(allow_null=True)}
        | _forms(editable=False),
    )
)


def as_json(contact: Contact, fields: Catalogue) -> dict[str, Any]:
    """The contact as the API tells of it."""
    told: dict[str, Any] = {"id": contact.pk, "visitor_key": contact.visitor_key, "custom": {}}
    for field in fields.fields():
        value = field.value_of(contact)
        if not field.is_custom:
            is_number = value is not None and field.type.json_type == "number"
            told[field.key] = field.type.to_json(value) if is_number else value
        elif value is not None:
            told["custom"][field.json_key] = contact.custom[field.json_key]
    return told


def read_values(body: dict[str, Any], fields: Catalogue) -> dict[str, Any]:
    """The values by the keys of the catalogue. Raises `Refused` with everything that is wrong."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, path, value in _entries(body):
        try:
            values[key] = _read(_field(key, fields), value)
        except ValidationError as error:
            problems += [Problem(path, message) for message in error.messages]
        except serializers.ValidationError as error:
            problems += problems_in(error.detail, path)
    if problems:
        raise Refused(problems)
    return values


def _entries(body: dict[str, Any]) -> Iterator[tuple[str, Path, Any]]:
    for name, value in body.items():
        if name != "custom":
            yield name if name in SYSTEM_KEYS else "", (name,), value
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield f"custom.{key}", ("custom", key), inner
        else:
            raise Refused([Problem(("custom",), _("The custom fields are not an object."))])


def _field(key: str, fields: Catalogue) -> Field:
    if key not in fields or fields[key].archived:
        raise ValidationError(_("There is no such field."))
    if not fields[key].editable:
        raise ValidationError(_("This field follows from events and cannot be written."))
    return fields[key]


def _read(field: Field, value: Any) -> Any:
    if value is None:
        return None
    form_field = field.form_field()
    if not _has_type(value, field.type.json_type):
        raise ValidationError(_("The value is not of the type %(type)s.") % {"type": field.type.json_type})
    if field.type.family == "datetime":
        return Moment().run_validation(value)
    if field.type.family == "date":
        return serializers.DateField().run_validation(value)
    if field.type.family == "boolean":
        value = "true" if value else "false"
    return form_field.clean(value)


def _has_type(value: Any, json_type: str) -> bool:
    if isinstance(value, list):
        return json_type == "array" and all(isinstance(item, str) for item in value)
    return isinstance(value, JSON_TYPES[json_type]) and isinstance(value, bool) == (json_type == "boolean")
