"""Set field: writes a contact field of every contact that comes by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.amending import (
    ADD,
    AMENDMENTS,
    APPEND,
    MULTIPLY,
    SET,
    WITHOUT_VALUE,
    amend,
    amendments_of,
    can_be_amended,
)
from contacts.fields import Catalogue, Field, catalogue
from contacts.models import Contact
from contacts.types import FIELD_TYPES, FieldType
from workflows.nodes.actions import Action, changing, done, passed_over
from workflows.nodes.actions_limits import LimitedForm
from workflows.nodes.base import NODES, Batch, CannotWork, NodeContext, Outcome, Settings
from workflows.nodes.choosing import GONE
from workflows.nodes.shaped import ShapedForm

SAID = {
    SET: gettext_lazy("%(field)s: %(value)s"),
    "now": gettext_lazy("%(field)s: the current date"),
    ADD: gettext_lazy("%(field)s plus %(value)s"),
    MULTIPLY: gettext_lazy("%(field)s times %(value)s"),
    APPEND: gettext_lazy("%(field)s: append %(value)s"),
    "clear": gettext_lazy("Clear %(field)s"),
}


def amend_batch(batch: Batch, field: Field, amendment: str, value: Any = None) -> None:
    """Change a field of the contacts of a batch."""
    with changing(batch):
        amend(batch.contact_ids, field, amendment, value, now=batch.now)


def field_of(fields: Catalogue, key: Any) -> Field | None:
    """The field of this key, if workflows may write it."""
    if key not in fields:
        return None
    field = fields[key]
    return field if can_be_amended(field) and not field.archived else None


def _type_of_value(field: Field, amendment: str) -> FieldType:
    """The type of what is typed in: a field of whole numbers can be multiplied by any."""
    return FIELD_TYPES["decimal"] if amendment == MULTIPLY else field.type


def _value_in_words(field: Field, amendment: str, value: Any) -> str:
    if amendment in WITHOUT_VALUE:
        return ""
    kind = _type_of_value(field, amendment)
    read = kind.from_json(value)
    return field.display(read) if kind is field.type else kind.display(read, field)


class MomentField(forms.DateTimeField):
    """A moment that is stored as one in UTC and typed in in the account's time zone."""

    def prepare_value(self, value: Any) -> Any:
        stored = FIELD_TYPES["datetime"].from_json(value) if isinstance(value, str) else None
        return super().prepare_value(stored or value)


class SetFieldForm(ShapedForm, LimitedForm):
    """The field decides what can be done with it, and both decide how the value is typed in."""

    shaping = ("field", "amendment")

    field = forms.ChoiceField(
        label=gettext_lazy("Field"),
        error_messages={"required": gettext_lazy("Choose a field."), "invalid_choice": GONE},
    )
    amendment = forms.ChoiceField(label=gettext_lazy("What to do"), initial=SET)

    @classmethod
    def as_data(cls, settings: Settings) -> dict[str, Any]:
        data = super().as_data(settings)
        if isinstance(data.get("value"), bool):
            data["value"] = "true" if data["value"] else "false"
        return data

    def shape(self) -> None:
        groups = [
            (group, [(field.key, str(field.label)) for field in fields if can_be_amended(field)])
            for group, fields in self.context.conditions.catalogue.grouped()
        ]
        choices: Any = self.fields["field"]
        choices.choices = [("", _("Choose…")), *((group, members) for group, members in groups if members)]
        self.chosen = field_of(self.context.conditions.catalogue, self.given("field"))
        if self.chosen is None:
            del self.fields["amendment"]
            return
        offered = amendments_of(self.chosen)
        ways: Any = self.fields["amendment"]
        ways.choices = [(key, AMENDMENTS[key]) for key in offered]
        given = self.given("amendment")
        self.way = given if given in offered else SET
        if self.way not in WITHOUT_VALUE:
            self.fields["value"] = self._value_field(self.chosen, self.way)
        if self.chosen.key == "newsletter":
            self.fields["resubscribe"] = forms.BooleanField(
                label=gettext_lazy("Contacts that have unsubscribed, too"),
                required=False,
                help_text=gettext_lazy("Only if they have asked for it. Else they stay unsubscribed."),
            )

    def _value_field(self, field: Field, amendment: str) -> forms.Field:
        options: dict[str, Any] = {"label": _("Value"), "required": True, "help_text": ""}
        if field.type.family == "datetime":
            widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
            return MomentField(**options, widget=widget)
        if amendment == MULTIPLY:
            return FIELD_TYPES["decimal"].form_field(field, **options)
        return field.form_field(**options)

    def stored(self) -> dict[str, Any]:
        value = self.cleaned_data.pop("value", None)
        settings = super().stored()
        if value is not None and self.chosen:
            settings["value"] = _type_of_value(self.chosen, self.way).to_json(value)
        return settings


@NODES.register
class SetField(Action):
    key = "set_field"
    label = gettext_lazy("Set field")
    help = gettext_lazy("Writes a field of the contact: a new value, or one that follows from the value it has.")
    icon = "pencil-line"
    form = SetFieldForm
    template = "workflows/nodes/shaped_action.html"

    def describe(self, settings: Settings, context: NodeContext) -> str:
        field = field_of(context.conditions.catalogue, settings.get("field"))
        if field is None:
            return _("a field that is gone") if settings.get("field") else ""
        return _in_words(field, settings)

    def act(self, batch: Batch) -> Iterable[Outcome]:
        settings = batch.settings
        field, amendment = field_of(catalogue(), settings["field"]), settings["amendment"]
        if field is None or amendment not in amendments_of(field):
            raise CannotWork(_("The field is gone, or cannot be written so any more."))
        if _would_resubscribe(settings):
            unsubscribed = batch.contacts.filter(newsletter=Contact.Newsletter.UNSUBSCRIBED)
            runs = batch.runs_of(set(unsubscribed.values_list("pk", flat=True)))
            yield passed_over(runs, _("Passed over: the contact has unsubscribed."))
            batch = batch.only(set(batch.run_ids) - set(runs))
        value = _type_of_value(field, amendment).from_json(settings.get("value"))
        amend_batch(batch, field, amendment, value)
        yield done(batch, _in_words(field, settings))


def _in_words(field: Field, settings: Settings) -> str:
    amendment = settings.get("amendment") or SET
    value = _value_in_words(field, amendment, settings.get("value"))
    return str(SAID[amendment]) % {"field": field.label, "value": value}


def _would_resubscribe(settings: Settings) -> bool:
    return (
        settings["field"] == "newsletter"
        and settings.get("value") in (Contact.Newsletter.SUBSCRIBED, Contact.Newsletter.PENDING)
        and not settings.get("resubscribe")
    )
