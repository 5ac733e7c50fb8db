"""Contacts come to Muster: by a list, by an import, or because a program asks for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy

from contacts.arrivals import IMPORTED, list_key
from workflows.nodes.base import NODES, Batch, Next, NodeContext, NodeForm, Outcome, Settings, Trigger, WaitUntil
from workflows.nodes.choosing import ListField, name_of
from workflows.nodes.triggers.segments import number_of


class ListForm(NodeForm):
    list = ListField(label=gettext_lazy("List"), error_messages={"required": gettext_lazy("Choose a list.")})

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["list"].offer(self.context)  # type: ignore[attr-defined]


@NODES.register
class ListSubscribed(Trigger):
    key = "list_subscribed"
    label = gettext_lazy("On subscribing to list")
    help = gettext_lazy("The contact subscribes to a list, for the first time or again, in whatever way.")
    icon = "list-checks"
    form = ListForm

    def keys(self, settings: Settings) -> set[str]:
        return {list_key(pk)} if (pk := number_of(settings.get("list"))) else set()

    def describe(self, settings: Settings, context: NodeContext) -> str:
        return name_of(context.conditions.lists, number_of(settings["list"])) if settings.get("list") else ""


@NODES.register
class ContactImported(Trigger):
    key = "contact_imported"
    label = gettext_lazy("On import")
    help = gettext_lazy("The contact comes with an import, whether it is new by that or was known before.")
    icon = "file-down"

    def keys(self, settings: Settings) -> set[str]:
        return {IMPORTED}


@NODES.register
class ApiCall(Trigger):
    key = "api_call"
    label = gettext_lazy("On API call")
    help = gettext_lazy(
        "A program asks for it over the API, for one contact or many. What it sends along are the values that emails"
        " and webhooks further down can use."
    )
    icon = "terminal"

    def keys(self, settings: Settings) -> set[str]:
        """None: who answers the program lets contacts in, and wakes those that wait."""
        return set()

    def work(self, batch: Batch) -> Iterable[Outcome]:
        passing = [visit.run_id for visit in batch.visits if visit.woken or batch.is_test]
        yield Next(passing)
        yield WaitUntil(set(batch.run_ids) - set(passing), awaits=f"api:{batch.version.workflow_id}")
