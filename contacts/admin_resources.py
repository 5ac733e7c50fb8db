"""What the administrators' tables of contacts and of contact fields hold, and how their rows are written."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from import_export.fields import Field as TableField
from import_export.resources import ModelResource
from import_export.results import Result
from tablib import Dataset

from contacts import changes, editing
from contacts.admin_tables import unknown_columns
from contacts.declaring import options_as_text
from contacts.exports.columns import Column, Property
from contacts.exports.contact_rows import property_of
from contacts.exports.formats.base import plain_texts
from contacts.field_form import FieldForm
from contacts.fields import Field, catalogue
from contacts.imports.cleaning import Cleaner, reader
from contacts.models import Contact, ContactField
from crm.csv_files import as_text

Row = Mapping[str, str]
KEYS = ("id", "external_id", "email")
NEWSLETTER = ("newsletter", "newsletter_at")
REMEMBERED = 1_000
SHOWN = 100  # rows of which a check shows what will change


class ContactColumn(TableField):
    """A column of a contact's table: a field of the catalogue, or the id."""

    def __init__(self, of: Property, field: Field | None) -> None:
        super().__init__(attribute=of.key, column_name=of.key)
        self.column = Column(of, of.key)
        self.field = field

    @cached_property
    def read(self) -> Cleaner:
        assert self.field
        read = reader(self.field)
        return read if self.field.key in KEYS else lru_cache(REMEMBERED)(read)

    def get_value(self, instance: Contact) -> Any:
        return self.field.value_of(instance) if self.field else instance.pk

    def export(self, instance: Contact, **kwargs: Any) -> Any:
        value = self.get_value(instance)
        return value if value is not None and self.column.kind == "number" else self._in_words(value)

    def _in_words(self, value: Any) -> str:
        return str(plain_texts(self.column, "iso")(["" if value is None else value])[0]) if value is not None else ""


class FirstRows(Result):
    """The result of an import, of which only the first rows are shown."""

    def valid_rows(self) -> list[Any]:
        return list(super().valid_rows()[:SHOWN])


class ContactResource(ModelResource):
    """Contacts, with all fields of the catalogue by their keys.

    A row is about the contact with its id, external id or email, or about somebody new. A column that is left out
    leaves its field alone; an empty cell removes the value, where a contact can be without one. Who unsubscribed from
    the newsletter stays so. What follows from events is exported, and ignored in what is imported.
    """

    class Meta:
        model = Contact
        fields = ()
        skip_unchanged = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._meta: Any = copy(type(self)._meta)  # whether to compare differs from row to row
        self._catalogue = catalogue()
        self.fields = {"id": ContactColumn(Property("id", "", "", "number"), None)}
        self.fields |= {field.key: ContactColumn(property_of(field), field) for field in self._catalogue.fields()}
        self._values: dict[str, Any] = {}
        self._differs = False

    def import_data(self, dataset: Dataset, *args: Any, **kwargs: Any) -> Any:
        """The table of what will change has the columns of the file alone."""
        self._problem = unknown_columns(dataset.headers, list(self.fields))
        if not self._problem and not {*KEYS} & {*dataset.headers}:
            self._problem = _("One of the columns has to be id, external_id or email, to know whom a row is about.")
        self.fields = {key: column for key, column in self.fields.items() if key in dataset.headers}
        self._now: datetime = timezone.now()
        with changes.recorded(now=self._now):
            return super().import_data(dataset, *args, **kwargs)

    def before_import(self, dataset: Dataset, **kwargs: Any) -> None:
        if self._problem:
            raise ValidationError(self._problem)

    def get_result_class(self) -> type[Result]:
        return FirstRows

    def import_row(self, row: Row, instance_loader: Any, **kwargs: Any) -> Any:
        """To compare costs more than to write."""
        self._meta.skip_diff = not kwargs["dry_run"] or kwargs["row_number"] > SHOWN
        return super().import_row(row, instance_loader, **kwargs)

    def get_import_id_fields(self) -> list[str]:
        return []

    def get_instance(self, instance_loader: Any, row: Row) -> Contact | None:
        """Whom the row is about. Raises `ValidationError` for an id that nobody has, and keys of two contacts."""
        if pk := row.get("id", "").strip():
            found = Contact.objects.filter(pk=int(pk)).first() if pk.isascii() and pk.isdecimal() else None
            if found is None:
                raise ValidationError({"id": _("There is no contact with this id.")})
            return found
        keys = {key: as_text(row.get(key, "")).strip() for key in ("external_id", "email")}
        if not any(keys.values()):
            raise ValidationError(_("Neither id, external_id nor email says whom this row is about."))
        try:
            return editing.meant_by(keys | {"email": keys["email"].lower()})
        except editing.Taken as error:
            raise ValidationError({error.field: str(error)}) from error

    def import_instance(self, instance: Contact, row: Row, **kwargs: Any) -> None:
        self._values, self._differs = {}, False
        errors: dict[str, Any] = {}
        unsubscribed = instance.newsletter == Contact.Newsletter.UNSUBSCRIBED
        for key, column in self.fields.items():
            field = column.field
            if field is None or not field.editable or (unsubscribed and key in NEWSLETTER):
                continue
            text = as_text(row[key]).strip()
            if not text and field.always_set:
                continue
            try:
                self._values[key] = column.read(text) if text else None
            except ValidationError as error:
                errors[key] = error
            else:
                self._differs |= editing.set_value(instance, field, self._values[key])
        if errors:
            raise ValidationError(errors)

    def skip_row(self, instance: Contact, original: Any, row: Row, import_validation_errors: Any = None) -> bool:
        return bool(instance.pk) and not self._differs and not import_validation_errors

    def save_instance(self, instance: Contact, is_create: bool, row: Row, **kwargs: Any) -> None:
        try:
            if is_create:
                instance.pk = editing.create_contact(self._values, now=self._now, fields=self._catalogue).pk
            else:
                editing.update_contact(instance, self._values, now=self._now, fields=self._catalogue)
        except editing.Taken as error:
            raise ValidationError({error.field: str(error)}) from error


class FieldColumn(TableField):
    """A column of the table of contact fields. Options are written as in their form, one on each line."""

    def get_value(self, instance: ContactField) -> str:
        value = getattr(instance, self.attribute)
        if self.attribute == "options":
            return options_as_text(value)
        if self.attribute == "archived":
            return "true" if value else "false"
        return str(value)


class ContactFieldResource(ModelResource):
    """Contact fields, told apart by their keys. Key and type never change, and options that contacts have stay."""

    COLUMNS = ("key", "label", "type", "options", "help_text", "archived")

    class Meta:
        model = ContactField
        fields = ()
        skip_unchanged = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields = {name: FieldColumn(attribute=name, column_name=name) for name in self.COLUMNS}

    def before_import(self, dataset: Dataset, **kwargs: Any) -> None:
        problem = unknown_columns(dataset.headers, self.COLUMNS)
        if missing := [name for name in ("key", "label", "type") if name not in dataset.headers]:
            problem = problem or _("A column is missing: %(names)s.") % {"names": ", ".join(missing)}
        if problem:
            raise ValidationError(problem)
        self.fields = {name: column for name, column in self.fields.items() if name in dataset.headers}

    def get_diff_headers(self) -> list[str]:
        return list(self.COLUMNS)

    def get_import_id_fields(self) -> list[str]:
        return []

    def get_instance(self, instance_loader: Any, row: Row) -> ContactField | None:
        return ContactField.objects.filter(key=row["key"].strip()).first()

    def import_instance(self, instance: ContactField, row: Row, **kwargs: Any) -> None:
        """The form in which administrators declare fields checks the row."""
        texts = {
            name: as_text(row[name]).strip() if name in row else FieldColumn(attribute=name).get_value(instance)
            for name in self.COLUMNS
        }
        if instance.pk and texts["type"] != instance.type:
            raise ValidationError({"type": _("The type of a field never changes.")})
        if texts["archived"] not in ("true", "false", ""):
            raise ValidationError({"archived": _("Write true or false.")})
        form = FieldForm({**texts, "options_text": texts["options"]}, instance=instance)
        if not form.is_valid():
            raise ValidationError({name: errors.as_data() for name, errors in form.errors.items()})
        instance.options = form.options
        instance.archived = texts["archived"] == "true"
