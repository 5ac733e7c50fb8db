"""The types of events that Muster knows by name. A shop may send others: any key of `EVENT_TYPE`'s pattern will do."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contacts.models import EVENT_TYPE
from crm.registry import Registry

PURCHASE = "purchase"


@dataclass(frozen=True)
class EventType:
    """What a timeline says of such an event: ``label``, and ``icon``, the name of a lucide icon.

    ``by_contact`` is False for what happens to contacts without their doing: it does not make them seen.
    """

    key: str
    label: str | Promise
    icon: str = "activity"
    by_contact: bool = True


EVENT_TYPES: Registry[EventType] = Registry("event type")

for known in (
    EventType("page_visit", _("Visited a page"), "eye"),
    EventType("product_search", _("Searched for products"), "search"),
    EventType("product_visit", _("Looked at a product"), "package-search"),
    EventType("cart_add", _("Put into the cart"), "shopping-cart"),
    EventType("cart_remove", _("Took out of the cart"), "circle-minus"),
    EventType(PURCHASE, _("Purchased"), "shopping-bag"),
    EventType("email_delivered", _("Email delivered"), "mail-check", by_contact=False),
    EventType("email_opened", _("Opened an email"), "mail-open"),
    EventType("email_clicked", _("Clicked in an email"), "mouse-pointer-click"),
    EventType("email_bounced", _("Email bounced"), "mail-x", by_contact=False),
    EventType("email_complained", _("Marked an email as spam"), "mail-warning"),
    EventType("unsubscribed", _("Unsubscribed"), "bell-off"),
):
    EVENT_TYPES.add(known)


def event_type(key: str) -> EventType:
    """The type of this key. One that Muster does not know is named after its key: ``store_visit`` is "Store visit"."""
    return EVENT_TYPES[key] if key in EVENT_TYPES else EventType(key, key.replace("_", " ").capitalize())


def is_event_type(key: object) -> bool:
    """Whether events can have this type."""
    return isinstance(key, str) and EVENT_TYPE.fullmatch(key) is not None
