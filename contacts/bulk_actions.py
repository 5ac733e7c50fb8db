"""What can be done with many contacts at once. Apps above register theirs, as segments do."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from contacts.deletion import delete_contacts
from contacts.lists import subscribe, unsubscribe
from contacts.models import Contact, ContactList
from crm.models import User
from crm.registry import Registry

TYPED_CONFIRMATION = 100


class Parameters(forms.Form):
    """What an action needs to know. ``count`` is the number of contacts it is about."""

    def __init__(self, *args: Any, count: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.count = count


class Grouped(int):
    """A number that is written with thousands separators."""

    def __str__(self) -> str:
        return formats.number_format(int(self), use_l10n=True, force_grouping=True)


class BulkAction(ABC):
    """Something done with a set of contacts.

    ``key`` is part of the page's address, ``label`` stands on the button, ``icon`` names a lucide icon. Somebody
    without the ``permission`` does not get the action. ``heading_text`` (what is about to happen) and ``outcome_text``
    (what happened) are plurals by ``count``; the outcome can also name the parameters. The one that ``comes_first`` is
    seen on a phone without moving the bar.
    """

    key: str
    label: str | Promise
    icon: str
    permission: str
    heading_text: Any
    outcome_text: Any
    explanation: str | Promise = ""
    is_dangerous: bool = False
    comes_first: bool = False
    parameters: type[Parameters] = Parameters

    @abstractmethod
    def apply(self, contacts: QuerySet[Contact], cleaned: dict[str, Any], *, user: User | None, now: datetime) -> int:
        """Do it, set-wise; returns with how many contacts something happened.

        It may be called for a set in parts, and again for a part that it has dealt with.
        """

    def heading(self, count: int) -> str:
        return str(self.heading_text % {"count": Grouped(count)})

    def outcome(self, number: int, cleaned: dict[str, Any]) -> str:
        return str(self.outcome_text % {**cleaned, "count": Grouped(number)})


BULK_ACTIONS: Registry[BulkAction] = Registry("bulk action")


CHOOSE_LIST = {
    "required": _("Choose a list."),
    "invalid_choice": _("Choose a list. Perhaps the one you chose was deleted."),
}


class ListParameters(Parameters):
    list = forms.ModelChoiceField(
        ContactList.objects.all(), label=_("List"), empty_label=_("Choose a list"), error_messages=CHOOSE_LIST
    )


@BULK_ACTIONS.register
class Subscribe(BulkAction):
    key = "subscribe"
    label = _("Subscribe to list")
    icon = "list-plus"
    permission = "contacts.add_listmembership"
    heading_text = ngettext_lazy(
        "Subscribe %(count)s contact to a list", "Subscribe %(count)s contacts to a list", "count"
    )
    outcome_text = ngettext_lazy(
        "%(count)s contact was subscribed to “%(list)s”.",
        "%(count)s contacts were subscribed to “%(list)s”.",
        "count",
    )
    explanation = _("Contacts that are on the list already stay on it, with the date on which they subscribed.")
    parameters = ListParameters

    def apply(self, contacts: QuerySet[Contact], cleaned: dict[str, Any], *, user: User | None, now: datetime) -> int:
        return subscribe(cleaned["list"], contacts, now=now)


@BULK_ACTIONS.register
class Unsubscribe(BulkAction):
    key = "unsubscribe"
    label = _("Unsubscribe from list")
    icon = "list-minus"
    permission = "contacts.change_listmembership"
    heading_text = ngettext_lazy(
        "Unsubscribe %(count)s contact from a list", "Unsubscribe %(count)s contacts from a list", "count"
    )
    outcome_text = ngettext_lazy(
        "%(count)s contact was unsubscribed from “%(list)s”.",
        "%(count)s contacts were unsubscribed from “%(list)s”.",
        "count",
    )
    explanation = _("Contacts that are not on the list are left as they are.")
    parameters = ListParameters

    def apply(self, contacts: QuerySet[Contact], cleaned: dict[str, Any], *, user: User | None, now: datetime) -> int:
        return unsubscribe(cleaned["list"], contacts, now=now)


class DeleteParameters(Parameters):
    """Many contacts are deleted only by somebody who types how many."""

    confirmation = forms.CharField(
        label=_("Type the number of contacts to confirm"),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, count: int, **kwargs: Any) -> None:
        super().__init__(*args, count=count, **kwargs)
        if count <= TYPED_CONFIRMATION:
            del self.fields["confirmation"]

    def clean_confirmation(self) -> str:
        typed: str = self.cleaned_data["confirmation"]
        if re.sub(r"\D", "", typed) != str(self.count):
            raise forms.ValidationError(
                gettext("Type %(count)s to delete them."), code="mismatch", params={"count": Grouped(self.count)}
            )
        return typed


@BULK_ACTIONS.register
class Delete(BulkAction):
    key = "delete"
    label = _("Delete")
    icon = "trash-2"
    permission = "contacts.delete_contact"
    heading_text = ngettext_lazy("Delete %(count)s contact", "Delete %(count)s contacts", "count")
    outcome_text = ngettext_lazy("%(count)s contact was deleted.", "%(count)s contacts were deleted.", "count")
    explanation = _(
        "Their events, list subscriptions and segment memberships are deleted with them. This cannot be undone."
    )
    is_dangerous = True
    parameters = DeleteParameters

    def apply(self, contacts: QuerySet[Contact], cleaned: dict[str, Any], *, user: User | None, now: datetime) -> int:
        return delete_contacts(contacts, now=now)
