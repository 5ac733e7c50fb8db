"""Which fields the contact list shows beside the contact's name, and what it can be sorted by.

The choice is kept in a cookie: it belongs to the screen that somebody sits at.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import formats, timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.fields import Catalogue, Field
from contacts.models import Contact
from crm.paging import Order

COOKIE = "contact_columns"
ONE_YEAR = 60 * 60 * 24 * 365
SEPARATOR = "~"
MOST_COLUMNS = 12
LONGEST_TEXT = 80
DEFAULT = ("country", "newsletter", "last_seen_at", "created_at")

# Only orders that an index serves: the list stays quick at a million contacts.
SORTS = {
    "name": ("last_name", "first_name"),
    "email": ("email",),
    "external_id": ("external_id",),
    "created_at": ("created_at",),
    "last_seen_at": ("last_seen_at",),
    "last_purchase_at": ("last_purchase_at",),
    "purchases_total": ("purchases_total",),
}
DEFAULT_SORT = "-created_at"
STARTS_DESCENDING = frozenset(SORTS) - {"name", "email", "external_id"}

DIRECTIONS = {
    "text": (gettext_lazy("A to Z"), gettext_lazy("Z to A")),
    "datetime": (gettext_lazy("oldest first"), gettext_lazy("newest first")),
    "number": (gettext_lazy("lowest first"), gettext_lazy("highest first")),
}

BADGES: dict[tuple[str, str], str] = {
    ("newsletter", Contact.Newsletter.SUBSCRIBED): "ok",
    ("newsletter", Contact.Newsletter.PENDING): "warning",
    ("newsletter", Contact.Newsletter.UNSUBSCRIBED): "muted",
    ("newsletter", Contact.Newsletter.NEVER): "muted",
    ("email_status", Contact.EmailStatus.OK): "ok",
    ("email_status", Contact.EmailStatus.SOFT_BOUNCE): "warning",
    ("email_status", Contact.EmailStatus.BOUNCED): "danger",
    ("email_status", Contact.EmailStatus.COMPLAINED): "danger",
}


def chosen_columns(cookie: str | None, catalogue: Catalogue) -> list[Field]:
    """The fields that the cookie names and that still exist; the usual ones without a cookie."""
    keys = cookie.split(SEPARATOR) if cookie else DEFAULT
    return [catalogue[key] for key in dict.fromkeys(keys) if key in catalogue and not catalogue[key].archived]


def cookie_of(keys: list[str]) -> str:
    return SEPARATOR.join(keys[:MOST_COLUMNS])


def order_of(sort: str | None) -> Order:
    """The order that an address asks for, such as ``-created_at``; newest first for one that there is not."""
    asked = sort or DEFAULT_SORT
    key = asked.removeprefix("-")
    if key not in SORTS:
        return order_of(DEFAULT_SORT)
    return Order(key, SORTS[key], descending=asked != key)


def sort_of(order: Order) -> str:
    """How an address says the order."""
    return f"-{order.key}" if order.descending else order.key


def sorts(catalogue: Catalogue) -> list[tuple[str, str]]:
    """Every way to sort, as an address and as people say it."""
    fields = {key: catalogue["last_name" if key == "name" else key] for key in SORTS}
    ways = []
    for key, field in fields.items():
        family = field.type.family if field.type.family in DIRECTIONS else "text"
        for prefix, direction in zip(("", "-"), DIRECTIONS[family], strict=True):
            ways.append(
                (f"{prefix}{key}", _("%(field)s, %(direction)s") % {"field": field.label, "direction": direction})
            )
    return ways


@dataclass(frozen=True)
class Heading:
    """The head of a column. ``sort`` is what the list is sorted by when it is pressed, "" where it cannot be."""

    label: str
    sort: str = ""
    sorted: str = "none"
    is_number: bool = False


def heading(key: str, label: str, order: Order, *, is_number: bool = False) -> Heading:
    if key not in SORTS:
        return Heading(label, is_number=is_number)
    if key == order.key:
        now, then = ("descending", key) if order.descending else ("ascending", f"-{key}")
        return Heading(label, then, now, is_number)
    return Heading(label, f"-{key}" if key in STARTS_DESCENDING else key, is_number=is_number)


@dataclass(frozen=True)
class Cell:
    """A field of a contact in a row of the list. ``badge`` is the colour of a status, ``title`` the text in full."""

    label: str
    text: str
    badge: str = ""
    title: str = ""
    is_number: bool = False


def cell(field: Field, contact: Contact) -> Cell:
    value = field.value_of(contact)
    text, title = field.display(value), ""
    if value is not None and field.type.family == "datetime":
        text, title = formats.date_format(timezone.localtime(value), "DATE_FORMAT"), text
    return Cell(
        label=str(field.label),
        text=Truncator(text).chars(LONGEST_TEXT),
        badge=BADGES.get((field.key, value), "") if isinstance(value, str) else "",
        title=title,
        is_number=field.type.family == "number",
    )
