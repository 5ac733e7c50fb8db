"""Actions with contact lists: subscribing contacts, and unsubscribing them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.lists import subscribe, unsubscribe
from contacts.models import ContactList, ListMembership
from workflows.nodes.actions import Action, changing, done, passed_over
from workflows.nodes.actions_limits import LimitedForm
from workflows.nodes.base import NODES, Batch, CannotWork, NodeContext, Outcome, Settings
from workflows.nodes.choosing import ListField, name_of


class ListForm(LimitedForm):
    list = ListField(label=gettext_lazy("List"), error_messages={"required": gettext_lazy("Choose a list.")})

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["list"].offer(self.context)  # type: ignore[attr-defined]


class SubscribeForm(ListForm):
    resubscribe = forms.BooleanField(
        label=gettext_lazy("Contacts that have unsubscribed from it, too"),
        required=False,
        help_text=gettext_lazy("Only if they have asked for it. Else they stay unsubscribed."),
    )


class ListAction(Action):
    """An action with the subscribers of one list."""

    form = ListForm

    def describe(self, settings: Settings, context: NodeContext) -> str:
        return name_of(context.conditions.lists, settings["list"]) if settings.get("list") else ""


@NODES.register
class SubscribeToList(ListAction):
    key = "subscribe_to_list"
    label = gettext_lazy("Subscribe to list")
    help = gettext_lazy("Subscribes the contact to a list.")
    icon = "list-plus"
    form = SubscribeForm

    def act(self, batch: Batch) -> Iterable[Outcome]:
        chosen = _chosen(batch)
        if not batch.settings.get("resubscribe"):
            ended = ListMembership.objects.filter(
                list=chosen, contact__in=batch.contact_ids, unsubscribed_at__isnull=False
            )
            runs = batch.runs_of(set(ended.values_list("contact_id", flat=True)))
            yield passed_over(runs, _("Passed over: the contact has unsubscribed from “%(list)s”.") % {"list": chosen})
            batch = batch.only(set(batch.run_ids) - set(runs))
        with changing(batch):
            subscribe(chosen, batch.contacts, now=batch.now)
        yield done(batch, _("Subscribed to “%(list)s”") % {"list": chosen})


@NODES.register
class UnsubscribeFromList(ListAction):
    key = "unsubscribe_from_list"
    label = gettext_lazy("Unsubscribe from list")
    help = gettext_lazy("Ends the contact's subscription of a list.")
    icon = "list-minus"

    def act(self, batch: Batch) -> Iterable[Outcome]:
        chosen = _chosen(batch)
        with changing(batch):
            unsubscribe(chosen, batch.contacts, now=batch.now)
        yield done(batch, _("Unsubscribed from “%(list)s”") % {"list": chosen})


def _chosen(batch: Batch) -> ContactList:
    chosen = ContactList.objects.filter(pk=batch.settings["list"]).first()
    if chosen is None:
        raise CannotWork(_("The list was deleted."))
    return chosen
