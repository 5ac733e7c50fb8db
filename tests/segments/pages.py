"""What the tests of the segment pages share: contacts, segments, and reading a response."""

import re
from datetime import datetime
from html import unescape
from typing import Any

from django.http import HttpResponse

from contacts import changes
from contacts.models import Contact
from segments.editing import create_segment, fill
from segments.membership import add
from segments.models import Cause, Membership, Segment


def people(*names: str, now: datetime, **values: Any) -> list[Contact]:
    """Contacts with these first names, and email addresses made of them."""
    with changes.recorded(now=now):
        return Contact.objects.bulk_create(
            Contact(first_name=name, email=f"{name.lower()}@example.com", created_at=now, **values) for name in names
        )


def static(name: str, *members: Contact, now: datetime, **values: Any) -> Segment:
    segment = create_segment(name=name, kind=Segment.Kind.STATIC, now=now, **values)
    if members:
        add(
            segment,
            Contact.objects.filter(pk__in=[one.pk for one in members]),
            now=now,
            cause=Cause.HAND,
            detail="Mara",
        )
    segment.refresh_from_db()
    return segment


def dynamic(name: str, *rules: dict[str, Any], now: datetime, **values: Any) -> Segment:
    """A dynamic segment that is filled; everybody with an email address if no rule is given."""
    chosen = list(rules) or [{"type": "field", "field": "email", "operator": "is_set"}]
    definition = {"version": 1, "match": "all", "rules": chosen}
    segment = create_segment(name=name, kind=Segment.Kind.DYNAMIC, definition=definition, now=now, **values)
    fill(segment, now=now)
    segment.refresh_from_db()
    return segment


def in_segment(segment: Segment, *, now: datetime, name: str = "") -> Segment:
    """A segment with a rule on another one, as dynamic plus will have them."""
    rule = {"type": "segment", "segment": segment.pk, "operator": "member"}
    definition = {"version": 1, "match": "all", "rules": [rule]}
    return create_segment(
        name=name or f"Of {segment.name}", kind=Segment.Kind.DYNAMIC_PLUS, definition=definition, now=now
    )


def members(segment: Segment) -> set[str]:
    """The first names of the members."""
    ids = Membership.objects.filter(segment=segment).values("contact_id")
    return set(Contact.objects.filter(pk__in=ids).values_list("first_name", flat=True))


def text_of(response: HttpResponse) -> str:
    """What people read on a page, with single spaces."""
    body = re.sub(r"(?s)<(script|style|template)\b.*?</\1>", " ", response.content.decode())
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def titles(response: HttpResponse) -> list[str]:
    """The names in a list, in their order."""
    return [
        unescape(name) for name in re.findall(r'<a class="title" href="[^"]*">([^<]*)</a>', response.content.decode())
    ]
