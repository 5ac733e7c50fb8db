"""What happened to a contact: several sources in one order, page by page."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.http import Http404

from contacts.events import NewEvent, record
from contacts.models import Contact, Event
from contacts.timeline import in_words, timeline
from crm.models import User
from segments.models import Segment, Transition

pytestmark = pytest.mark.django_db


@pytest.fixture
def contact() -> Contact:
    return Contact.objects.create(email="ada@example.com")


@pytest.fixture
def history(contact: Contact, now: datetime) -> list[str]:
    """Events and transitions, some of them at the same moment, and another contact's; the titles, newest first."""
    segment = Segment.objects.create(name="Friends", kind="static")
    other = Contact.objects.create(email="bob@example.com")

    def event(kind: str, hours: int, of: Contact = contact) -> None:
        record([NewEvent(kind, now - timedelta(hours=hours), contact_id=of.pk)], now=now)

    def move(kind: str, hours: int, of: Contact = contact) -> None:
        at = now - timedelta(hours=hours)
        Transition.objects.create(segment=segment, contact=of, kind=kind, at=at, cause="hand", detail="Mara")

    event("page_visit", 3)
    event("purchase", 1)
    event("cart_add", 1)
    event("store_visit", 9)
    event("purchase", 2, of=other)
    move("entered", 3)
    move("left", 1)
    move("entered", 0)
    move("entered", 2, of=other)
    entered, left = "Entered segment “Friends”", "Left segment “Friends”"
    return [entered, left, "Put into the cart", "Purchased", entered, "Visited a page", "Store visit"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 20])
def test_every_entry_once_newest_first(contact: Contact, history: list[str], administrator: User, size: int) -> None:
    titles: list[str] = []
    after = None
    while True:
        shown = timeline(contact, administrator, size=size, after=after)
        titles += [entry.title for entry in shown.entries]
        after = shown.next
        if after is None:
            break
        assert len(shown.entries) == size
    assert titles == history


def test_what_entries_say(contact: Contact, administrator: User, now: datetime) -> None:
    properties = {"category": "shoes", "in_stock": True, "items": [{"sku": "é"}], "note": "x" * 200}
    record([NewEvent("purchase", now, contact_id=contact.pk, value=Decimal("12.5"), properties=properties)], now=now)
    [entry] = timeline(contact, administrator, size=5).entries
    assert (entry.icon, entry.title, entry.at, entry.url) == ("shopping-bag", "Purchased", now, "")
    assert dict(entry.details) == {
        "value": "12.50",
        "category": "shoes",
        "in stock": "Yes",
        "items": '[{"sku": "é"}]',
        "note": "x" * 119 + "…",
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [(False, "No"), (21.0, "21"), (1129.9, "1,129.90"), (0.125, "0.125"), (632910392, "632910392"), (None, "null")],
)
def test_values_of_properties(value: object, text: str) -> None:
    assert in_words(value) == text


def test_transitions_lead_to_their_segment(contact: Contact, administrator: User, now: datetime) -> None:
    segment = Segment.objects.create(name="Friends", kind="static")
    Transition.objects.create(segment=segment, contact=contact, kind="entered", at=now, cause="hand", detail="Mara")
    [entry] = timeline(contact, administrator, size=5).entries
    assert (entry.details, entry.url) == ([("", "By hand: Mara")], f"/segments/{segment.pk}/")
    Segment.objects.update(deleted_at=now)
    [entry] = timeline(contact, administrator, size=5).entries
    assert entry.url == ""


def test_sources_somebody_may_not_see_are_left_out(contact: Contact, history: list[str], administrator: User) -> None:
    administrator.groups.clear()
    user = User.objects.get(pk=administrator.pk)
    assert timeline(contact, user, size=50).entries == []


@pytest.mark.parametrize("cursor", ["", "x", "WzFd"])
def test_foreign_cursors_are_refused(contact: Contact, administrator: User, cursor: str) -> None:
    with pytest.raises(Http404):
        timeline(contact, administrator, size=5, after=cursor)


def test_queries_do_not_grow(
    contact: Contact, administrator: User, now: datetime, django_assert_num_queries: Any
) -> None:
    segment = Segment.objects.create(name="Friends", kind="static")
    administrator.get_all_permissions()
    for number in (1, 3):
        Event.objects.create(contact=contact, type="purchase", occurred_at=now, received_at=now)
        for _ in range(number):
            Transition.objects.create(
                segment=segment, contact=contact, kind="entered", at=now, cause="edit", detail="field:country"
            )
        # Events, transitions, and the fields that are named by causes.
        with django_assert_num_queries(3):
            timeline(contact, administrator, size=20)
