"""Creating a contact and changing one, by values of the fields of the catalogue."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from contacts import changes
from contacts.fields import Catalogue, Field, catalogue
from contacts.models import Contact

UNIQUE = ("email", "external_id")
ATTEMPTS = 5


class Taken(ValueError):
    """Another ``contact`` has this value of a field that tells contacts apart; ``field`` is its key."""

    def __init__(self, field: str, contact: Contact) -> None:
        super().__init__(_("Another contact has this value of %(field)s.") % {"field": field})
        self.field = field
        self.contact = contact


def create_contact(values: Mapping[str, Any], *, now: datetime, fields: Catalogue | None = None) -> Contact:
    """Create a contact.

    ``values`` are by field key, as the form fields of the catalogue clean them. Who writes many contacts passes the
    catalogue, which is read otherwise. Raises `Taken`, `UnknownKey` for a
    field that does not exist, and ValueError for one that cannot be written.
    """
    contact = Contact(created_at=now, updated_at=now)
    with changes.recorded(now=now):
        _assign(contact, values, now=now, fields=fields)
        _save(contact)
    return contact


def update_contact(
    contact: Contact, values: Mapping[str, Any], *, now: datetime, fields: Catalogue | None = None
) -> Contact:
    """Set some fields of a contact, and return it as it is now.

    Fields that are not in ``values`` keep what others may have written meanwhile, custom fields too. When nothing
    differs, nothing is written. Raises what `create_contact` raises, and `Contact.DoesNotExist` for a contact that was
    deleted meanwhile.
    """
    with changes.recorded(now=now):
        current = Contact.objects.select_for_update().get(pk=contact.pk)
        if columns := _assign(current, values, now=now, fields=fields):
            current.updated_at = now
            _save(current, update_fields=[*columns, "updated_at"])
    return current


def upsert_contact(values: Mapping[str, Any], *, now: datetime) -> tuple[Contact, bool]:
    """Change the contact with this external id or, where nobody has it, this email; create it if nobody has either.

    Returns the contact and whether it is new. A contact that is found by its email and has another external id is
    somebody else: then `Taken` is raised, and also what `create_contact` raises.
    """
    attempts = ATTEMPTS
    while True:
        attempts -= 1
        contact = meant_by(values)
        try:
            if contact is None:
                return create_contact(values, now=now), True
            return update_contact(contact, values, now=now), False
        except (Taken, Contact.DoesNotExist):
            # Another writer made or deleted the contact after we had looked for it.
            if not attempts or meant_by(values) == contact:
                raise


def meant_by(values: Mapping[str, Any]) -> Contact | None:
    """Whom the values are about: who has the external id or else the email, None for somebody new.

    Raises `Taken` when the two keys belong to different contacts.
    """
    external_id, email = values.get("external_id"), values.get("email")
    contact = taken_by("external_id", external_id)
    if contact is None and (contact := taken_by("email", email)) and external_id and contact.external_id:
        raise Taken("email", contact)
    return contact


def taken_by(field: str, value: Any, *, other_than: int = 0) -> Contact | None:
    """The contact that has this email or external id already, leaving out the one of id ``other_than``."""
    return Contact.objects.filter(**{field: value}).exclude(pk=other_than).first() if value else None


def no_value(column: str) -> Any:
    """What a column of a contact holds when there is no value."""
    field: Any = Contact._meta.get_field(column)
    return None if field.null else field.get_default()


def _assign(
    contact: Contact, values: Mapping[str, Any], *, now: datetime, fields: Catalogue | None = None
) -> list[str]:
    """Set the values on the instance; returns the columns that differ from before."""
    fields = fields or catalogue()
    columns: dict[str, None] = {}
    for key, value in values.items():
        field = fields[key]
        if not field.editable:
            raise ValueError(f"the field {key} follows from events and cannot be written")
        if set_value(contact, field, value):
            columns[field.column or "custom"] = None
    if "newsletter" in columns and "newsletter_at" not in values:
        contact.newsletter_at = now
        columns["newsletter_at"] = None
    return list(columns)


def set_value(contact: Contact, field: Field, value: Any) -> bool:
    """Set one field of the instance, without saving it; returns whether it differs from before."""
    if field.is_custom:
        before = dict(contact.custom)
        if field.type.is_empty(value):
            contact.custom.pop(field.json_key, None)
        else:
            contact.custom[field.json_key] = field.type.to_json(value)
        return contact.custom != before
    if field.type.is_empty(value):
        value = no_value(field.column)
    elif field.key == "email":
        value = value.strip().lower()
    differs = getattr(contact, field.column) != value
    setattr(contact, field.column, value)
    return differs


def _save(contact: Contact, *, update_fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            contact.save(force_insert=update_fields is None, update_fields=update_fields)
    except IntegrityError:
        for field in UNIQUE:
            if other := taken_by(field, getattr(contact, field), other_than=contact.pk or 0):
                raise Taken(field, other) from None
        raise
