"""Memberships, sizes, the ledger and the days tell the same story."""

from collections import defaultdict
from typing import Any

from django.db.models import Count, Sum

from contacts.models import Contact, ContactImport, Event, ListMembership
from segments.models import Membership, Segment, SegmentDay, Transition
from tests.segments.reading import SYSTEM_TYPES


def assert_records_agree() -> None:
    """The ledger, replayed, gives the memberships; sizes and days count them."""
    numbers = Membership.objects.values("segment_id").annotate(number=Count("contact_id"))
    counts = {row["segment_id"]: row["number"] for row in numbers}
    sizes = {segment.pk: segment.size for segment in Segment.objects.all()}
    assert {pk: size for pk, size in sizes.items() if size} == counts
    memberships = set(Membership.objects.values_list("segment_id", "contact_id"))
    assert replayed() == memberships
    days = {
        row["segment_id"]: row["entered"] - row["left"]
        for row in SegmentDay.objects.values("segment_id").annotate(entered=Sum("entered"), left=Sum("left"))
    }
    assert {pk: size for pk, size in days.items() if size} == counts


def replayed() -> set[tuple[int, int]]:
    """Who is where by the ledger. Nobody enters twice without leaving in between."""
    where: set[tuple[int, int]] = set()
    ledger = Transition.objects.order_by("pk").values_list("segment_id", "contact_id", "kind")
    for segment_id, contact_id, kind in ledger:
        pair = (segment_id, contact_id)
        assert (pair in where) == (kind == Transition.Kind.LEFT), f"{pair} {kind} twice"
        (where.discard if kind == Transition.Kind.LEFT else where.add)(pair)
    return where


def contacts_as_read() -> dict[int, dict[str, Any]]:
    """All contacts as the plain reading takes them."""
    lists: dict[int, dict[int, Any]] = defaultdict(dict)
    for contact_id, list_id, joined in ListMembership.objects.current().values_list(
        "contact_id", "list_id", "subscribed_at"
    ):
        lists[contact_id][list_id] = joined
    imports: dict[int, set[int]] = defaultdict(set)
    for import_id, contact_id in ContactImport.objects.values_list("import_run_id", "contact_id"):
        imports[contact_id].add(import_id)
    segments: dict[int, set[int]] = defaultdict(set)
    for segment_id, contact_id in Membership.objects.values_list("segment_id", "contact_id"):
        segments[contact_id].add(segment_id)
    events: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for event in Event.objects.order_by("pk"):
        events[event.contact_id].append(
            {"type": event.type, "at": event.occurred_at, "value": event.value, "properties": event.properties}
        )
    return {
        contact.pk: {
            "values": {key: getattr(contact, key) for key in SYSTEM_TYPES},
            "custom": contact.custom,
            "lists": lists[contact.pk],
            "imports": imports[contact.pk],
            "segments": segments[contact.pk],
            "events": events[contact.pk],
        }
        for contact in Contact.objects.all()
    }
