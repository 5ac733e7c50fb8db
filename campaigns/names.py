"""What an email can name: the contact, the event that it follows from, what the caller gave, and its own addresses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contacts.event_types import EVENT_TYPES
from contacts.fields import Catalogue

PARTS_OF_LISTS = ("size", "first", "last")
ANYTHING = "…"  # where a shop or a program decides what there is


@dataclass(frozen=True)
class Name:
    """One name, such as ``contact.first_name``, and what it stands for."""

    path: str
    label: str | Promise


OTHERS = (
    Name("contact.id", _("The contact's number in Muster")),
    Name("contact.full_name", _("First and last name")),
    Name("event.type", _("What happened, such as purchase")),
    Name("event.occurred_at", _("When it happened")),
    Name("event.value", _("Its number, such as the amount of a purchase")),
    Name(f"event.properties.{ANYTHING}", _("A property of what happened")),
    Name(f"values.{ANYTHING}", _("A value of the API call that started the workflow")),
    Name("cart", _("What is in the contact's cart: a list with product, quantity, price and value of each")),
    Name("cart_total", _("What is in the contact's cart costs in all")),
    Name("workflow.name", _("The workflow that sends the email")),
    Name("confirm_url", _("Where the contact confirms that they want the newsletter")),
    Name("unsubscribe_url", _("Where the contact unsubscribes")),
    Name("view_url", _("Where the email can be read in a browser")),
)


def known_names(catalogue: Catalogue) -> Iterator[Name]:
    """All names, those of contact fields first."""
    for field in catalogue.fields():
        yield Name(f"contact.{field.key}", field.label)
    yield from OTHERS


def usual_properties() -> list[str]:
    """The names of properties that events usually have."""
    keys = {prop.key for kind in EVENT_TYPES for prop in kind.properties}
    return sorted(f"event.properties.{key}" for key in keys)


def is_known(path: list[str], catalogue: Catalogue) -> bool:
    """Whether a path is a name, or names something that has parts, such as ``event.properties``.

    What is inside a list or a text belongs to Liquid (``contact.custom.sizes.first``) and is not looked at.
    """
    if path[0] == "contact":
        return _is_of_contact(path[1:], catalogue)
    if path[0] == "cart" and len(path) > 1:
        return path[1] in PARTS_OF_LISTS
    names = [name.path.split(".") for name in OTHERS]
    return any(_fits(path, name) for name in names)


def _is_of_contact(parts: list[str], catalogue: Catalogue) -> bool:
    if not parts or parts == ["custom"]:
        return True
    key = f"custom.{parts[1]}" if parts[0] == "custom" else parts[0]
    return key in catalogue or f"contact.{key}" in {name.path for name in OTHERS}


def _fits(path: list[str], name: list[str]) -> bool:
    for part, expected in zip(path, name, strict=False):
        if expected == ANYTHING:
            return True
        if part != expected:
            return False
    return True
