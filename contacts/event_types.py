"""The types of events that Muster knows by name. A shop may send others: any key of `EVENT_TYPE`'s pattern will do."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contacts.models import EVENT_TYPE
from crm.registry import Registry

PURCHASE = "purchase"


@dataclass(frozen=True)
class EventProperty:
    """A property that events of a type usually have; ``type`` is a key of `contacts.types.FIELD_TYPES`."""

    key: str
    label: str | Promise
    type: str = "text"


@dataclass(frozen=True)
class EventType:
    """What a timeline says of such an event: ``label``, and ``icon``, the name of a lucide icon.

    ``by_contact`` is False for what happens to contacts without their doing: it does not make them seen.
    ``value_label`` says what the event's value is, and is empty for a type that usually has none.
    """

    key: str
    label: str | Promise
    icon: str = "activity"
    by_contact: bool = True
    properties: tuple[EventProperty, ...] = ()
    value_label: str | Promise = ""


DEVICE = EventProperty("device", _("Device"))
PRODUCT = (
    EventProperty("product", _("Product")),
    EventProperty("category", _("Category")),
    EventProperty("price", _("Price"), "decimal"),
)
CART = (*PRODUCT, EventProperty("quantity", _("Quantity"), "decimal"), DEVICE)
ORDER = (
    *PRODUCT[:2],
    EventProperty("quantity", _("Quantity"), "decimal"),
    EventProperty("currency", _("Currency")),
    DEVICE,
)
EMAIL = (EventProperty("campaign", _("Campaign")),)

EVENT_TYPES: Registry[EventType] = Registry("event type")

for known in (
    EventType("page_visit", _("Visited a page"), "eye", properties=(EventProperty("path", _("Path")), DEVICE)),
    EventType(
        "product_search",
        _("Searched for products"),
        "search",
        properties=(EventProperty("query", _("Search words")), DEVICE),
    ),
    EventType("product_visit", _("Looked at a product"), "package-search", properties=(*PRODUCT, DEVICE)),
    EventType("cart_add", _("Put into the cart"), "shopping-cart", properties=CART),
    EventType("cart_remove", _("Took out of the cart"), "circle-minus", properties=CART),
    EventType(PURCHASE, _("Purchased"), "shopping-bag", properties=ORDER, value_label=_("Amount")),
    EventType("email_delivered", _("Email delivered"), "mail-check", by_contact=False, properties=EMAIL),
    EventType("email_opened", _("Opened an email"), "mail-open", properties=EMAIL),
    EventType(
        "email_clicked",
        _("Clicked in an email"),
        "mouse-pointer-click",
        properties=(*EMAIL, EventProperty("url", _("Link"))),
    ),
    EventType("email_bounced", _("Email bounced"), "mail-x", by_contact=False, properties=EMAIL),
    EventType("email_complained", _("Marked an email as spam"), "mail-warning", properties=EMAIL),
    EventType("newsletter_confirmed", _("Confirmed the newsletter"), "badge-check", properties=EMAIL),
    EventType("unsubscribed", _("Unsubscribed"), "bell-off", properties=EMAIL),
):
    EVENT_TYPES.add(known)


def event_type(key: str) -> EventType:
    """The type of this key. One that Muster does not know is named after its key: ``store_visit`` is "Store visit"."""
    return EVENT_TYPES[key] if key in EVENT_TYPES else EventType(key, key.replace("_", " ").capitalize())


def is_event_type(key: object) -> bool:
    """Whether events can have this type."""
    return isinstance(key, str) and EVENT_TYPE.fullmatch(key) is not None
