"""Actions that reach other programs and colleagues: webhooks, and notes to staff."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings as site
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.fields import Catalogue, Field, catalogue
from contacts.models import Contact, Event
from contacts.types import FIELD_TYPES
from crm.encryption import Undecipherable, decrypt, encrypt
from workflows.nodes.actions import Action, done
from workflows.nodes.actions_limits import LimitedForm
from workflows.nodes.base import NODES, Batch, NodeContext, Outcome, Settings
from workflows.nodes.choosing import GONE
from workflows.outbox import NOTICE, WEBHOOK, queue
from workflows.public_http import is_public

USUAL_FIELDS = ["email", "first_name", "last_name"]
SHORTEST_SECRET = 16


class WebhookForm(LimitedForm):
    stays_here = ("secret",)

    url = forms.URLField(
        label=gettext_lazy("Address"),
        max_length=2000,
        assume_scheme="https",
        help_text=gettext_lazy("Where the JSON is posted to, such as https://shop.example.com/muster."),
    )
    secret = forms.CharField(
        label=gettext_lazy("Secret"),
        required=False,
        min_length=SHORTEST_SECRET,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    fields_sent = forms.MultipleChoiceField(
        label=gettext_lazy("Contact fields to send"),
        required=False,
        initial=USUAL_FIELDS,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": GONE},
        help_text=gettext_lazy("The contact's number in Muster and external id are always sent."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        chosen: Any = self.fields["fields_sent"]
        offered = self.context.conditions.catalogue.fields()
        chosen.choices = [(field.key, field.label) for field in offered if field.key != "external_id"]
        self.fields["secret"].help_text = (
            _("There is one. Enter another to replace it.")
            if self.settings.get("secret")
            else _("Signs what is posted. Left empty, the secret of the setting WEBHOOK_SECRET does.")
        )

    @classmethod
    def as_data(cls, settings: Settings) -> dict[str, Any]:
        """A secret that was entered is not shown again."""
        return super().as_data({name: value for name, value in settings.items() if name != "secret"})

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            raise forms.ValidationError(_("Enter an address that begins with https:// or http://."))
        if "@" in parts.netloc:
            raise forms.ValidationError(_("Enter an address without a user name: what is posted is signed instead."))
        if not site.WEBHOOK_ALLOW_PRIVATE and not _may_be_public(parts.hostname or ""):
            raise forms.ValidationError(_("This is an address inside of a network, not one of the public internet."))
        return url

    def clean_secret(self) -> str:
        """The secret as it is stored: encrypted, so that nobody who may see the workflow reads it."""
        entered, kept = self.cleaned_data["secret"], str(self.settings.get("secret") or "")
        if entered:
            return encrypt(entered)
        if not kept and not site.WEBHOOK_SECRET:
            raise forms.ValidationError(_("Enter a secret: the setting WEBHOOK_SECRET has none."))
        try:
            decrypt(kept)
        except Undecipherable:
            raise forms.ValidationError(_("Enter the secret again: nobody can read the one that is kept.")) from None
        return kept


def _may_be_public(host: str) -> bool:
    """What a name stands for is looked up when it is connected to; an address says it itself."""
    try:
        return is_public(host)
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost")


@NODES.register
class Webhook(Action):
    key = "webhook"
    label = gettext_lazy("Webhook")
    help = gettext_lazy("Tells another program, by posting signed JSON to it.")
    icon = "webhook"
    form = WebhookForm

    def describe(self, settings: Settings, context: NodeContext) -> str:
        return urlsplit(str(settings.get("url") or "")).hostname or ""

    def act(self, batch: Batch) -> Iterable[Outcome]:
        queue(batch, WEBHOOK, _payloads(batch))
        yield done(batch, _("Webhook to %(host)s") % {"host": urlsplit(batch.settings["url"]).hostname})


def _payloads(batch: Batch) -> dict[int, dict[str, Any]]:
    """What is posted for each run. See docs/webhooks.md."""
    fields = _fields_sent(catalogue(), batch.settings)
    contacts = Contact.objects.in_bulk(batch.contact_ids)
    events = Event.objects.in_bulk({visit.event_id for visit in batch.visits if visit.event_id})
    workflow = {"id": batch.version.workflow_id, "name": str(batch.version.workflow)}
    common = {"workflow": workflow, "node": batch.node.id, "test": batch.is_test, "at": _json(batch.now)}
    return {
        visit.run_id: common
        | {
            "key": visit.key,
            "contact": _contact(contacts[visit.contact_id], fields),
            "event": _event(events.get(visit.event_id or 0)),
            "values": dict(visit.values),
        }
        for visit in batch.visits
        if visit.contact_id in contacts
    }


def _fields_sent(fields: Catalogue, settings: Settings) -> list[Field]:
    """A field that is gone is not sent; what else there is to tell is told."""
    return [fields[key] for key in settings.get("fields_sent") or [] if key in fields]


def _contact(contact: Contact, fields: Iterable[Field]) -> dict[str, Any]:
    told: dict[str, Any] = {"id": contact.pk, "external_id": contact.external_id}
    for field in fields:
        value = field.value_of(contact)
        told[field.key] = None if value is None else field.type.to_json(value)
    return told


def _event(event: Event | None) -> dict[str, Any] | None:
    if event is None:
        return None
    return {
        "id": event.pk,
        "type": event.type,
        "occurred_at": _json(event.occurred_at),
        "value": None if event.value is None else FIELD_TYPES["decimal"].to_json(event.value),
        "properties": event.properties,
    }


def _json(moment: Any) -> Any:
    return FIELD_TYPES["datetime"].to_json(moment)


class NotifyForm(LimitedForm):
    stays_here = ("users",)

    users = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Whom to tell"),
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose somebody."), "invalid_choice": GONE},
        help_text=gettext_lazy("People who may sign in and have an email address."),
    )
    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=200)
    text = forms.CharField(
        label=gettext_lazy("Text"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=gettext_lazy("The contact's name, a link to the profile and the workflow are added below."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        users: Any = self.fields["users"]
        users.choices = list(self.context.staff.items())


@NODES.register
class NotifyStaff(Action):
    key = "notify_staff"
    label = gettext_lazy("Notify staff")
    help = gettext_lazy("Sends colleagues an email about the contact.")
    icon = "bell"
    form = NotifyForm

    def describe(self, settings: Settings, context: NodeContext) -> str:
        return ", ".join(context.staff.get(pk, _("gone")) for pk in settings.get("users") or [])

    def act(self, batch: Batch) -> Iterable[Outcome]:
        queue(batch, NOTICE, {visit.run_id: {} for visit in batch.visits})
        number = len(batch.settings["users"])
        yield done(batch, ngettext("%(count)s colleague told", "%(count)s colleagues told", number) % {"count": number})
