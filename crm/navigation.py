"""The side navigation: one list, in the order of the page. An area that comes later adds its entry here."""

from dataclasses import dataclass, replace

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.models import User


@dataclass(frozen=True)
class Entry:
    """One line of the navigation. A group has ``children`` and no address of its own.

    ``key`` is what a view passes as ``nav``; ``icon`` the name of a lucide icon; ``permission`` what a user needs to
    see it (empty: nothing).
    """

    key: str
    label: str | Promise
    icon: str = ""
    url_name: str = ""
    permission: str = ""
    children: tuple["Entry", ...] = ()

    @property
    def url(self) -> str:
        return reverse(self.url_name)


NAVIGATION = (
    Entry("dashboard", _("Dashboard"), "layout-dashboard", "dashboard"),
    Entry(
        "group-contacts",
        _("Contacts"),
        "users",
        children=(
            Entry("contacts", _("See all"), "", "contacts:list", "contacts.view_contact"),
            Entry("segments", _("Segments"), "", "segments:list", "segments.view_segment"),
            Entry("lists", _("Lists"), "", "contacts:lists", "contacts.view_contactlist"),
            Entry("imports", _("Imports"), "", "contacts:imports", "contacts.view_import"),
            Entry("exports", _("Exports"), "", "contacts:exports", "contacts.view_export"),
        ),
    ),
    Entry("workflows", _("Workflows"), "workflow", "workflows:list", "workflows.view_workflow"),
    Entry("settings", _("Settings"), "settings", "settings", "contacts.change_contactfield"),
)


def navigation_for(user: User | AnonymousUser) -> list[Entry]:
    """What this user sees: entries with the permission, groups with something in them."""
    visible = []
    for entry in NAVIGATION:
        if entry.children:
            children = tuple(child for child in entry.children if _may_see(user, child))
            if children:
                visible.append(replace(entry, children=children))
        elif _may_see(user, entry):
            visible.append(entry)
    return visible


def _may_see(user: User | AnonymousUser, entry: Entry) -> bool:
    return not entry.permission or user.has_perm(entry.permission)
