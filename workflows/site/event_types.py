"""The types of events that web contents leave on contacts."""

from django.utils.translation import gettext_lazy as _

from contacts.event_types import EVENT_TYPES, EventProperty, EventType

CONTENT = (EventProperty("content", _("Web content")),)


def register() -> None:
    for known in (
        EventType("content_shown", _("Saw a web content"), "picture-in-picture-2", properties=CONTENT),
        EventType(
            "content_clicked",
            _("Clicked in a web content"),
            "mouse-pointer-click",
            properties=(*CONTENT, EventProperty("url", _("Link"))),
        ),
        EventType("content_closed", _("Closed a web content"), "circle-x", properties=CONTENT),
    ):
        EVENT_TYPES.add(known)
