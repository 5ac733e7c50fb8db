"""After any history of edits and passing time, memberships are what a full evaluation says, and every record agrees."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from contacts import events
from contacts.deletion import delete_contacts
from contacts.lists import delete_list, subscribe, unsubscribe
from contacts.models import Contact, ContactList, Event, ListMembership
from segments import membership
from segments.clock import moved
from segments.editing import create_segment, delete_segment, restore_segment, save_segment
from segments.faults import DefinitionError
from segments.models import Cause, Segment
from segments.refresh import apply_changes, apply_time, audit, refresh_due, refresh_segment
from tests.segments import definitions, event_definitions, event_worlds, worlds
from tests.segments.comparing import DEEP, account_time_zone, members, read
from tests.segments.records import assert_records_agree, contacts_as_read

pytestmark = pytest.mark.django_db

# Few fields, so that edits and definitions often meet: of each kind that time changes, and some that it does not.
KEYS = [
    *("date_of_birth", "last_seen_at", "last_purchase_at", "custom.joined_on", "custom.renews_at"),
    *("country", "purchases_count", "purchases_total", "custom.tier", "city"),
]
DRAWN = [key for key in KEYS if not key.startswith("purchases")]
WRITABLE = [key for key in KEYS if not key.startswith("purchases") and key != "last_purchase_at"]
STEPS = st.builds(
    lambda count, unit, off: timedelta(**{unit: count}) + timedelta(microseconds=off),
    st.sampled_from([1, 1, 2, 3, 12, 30, 59]),
    st.sampled_from(["seconds", "minutes", "hours", "hours", "days", "weeks"]),
    st.sampled_from([0, 0, 1]),
)
LEAPS = st.sampled_from([timedelta(days=365), timedelta(days=1461), timedelta(days=91)])


class History(RuleBasedStateMachine):
    """One account, some contacts, lists and segments, a clock, and whatever may happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.undone = transaction.atomic()
        self.undone.__enter__()
        worlds.declare_fields()
        self.lists = worlds.make_lists()
        self.static = worlds.make_static_segments()

    @initialize(zone=st.sampled_from(worlds.ZONES), now=st.sampled_from(worlds.NOWS), data=st.data())
    def begin(self, zone: str, now: datetime, data: st.DataObject) -> None:
        self.zone_set = account_time_zone(zone)
        self.zone_set.__enter__()
        self.zone, self.now = zone, now
        self.contacts_come(data)
        Contact.objects.update(created_at=now, updated_at=now)
        for _number in range(data.draw(st.integers(1, 3))):
            self.new_segment(data)

    def teardown(self) -> None:
        try:
            if hasattr(self, "now"):
                self.everything_is_right()
        finally:
            if hasattr(self, "zone_set"):
                self.zone_set.__exit__(None, None, None)
            transaction.set_rollback(True)
            self.undone.__exit__(None, None, None)

    # What happens

    def definition(self, data: st.DataObject, among: list[int]) -> dict[str, Any]:
        rules = [
            definitions.field_rules(self.now, self.zone, KEYS),
            event_definitions.event_rules(self.now),
            event_definitions.event_rules(self.now),
            event_definitions.sequence_rules(self.now),
        ]
        if self.lists:
            rules.append(definitions.list_rules(self.lists, self.now))
        if among:
            rules.append(definitions.segment_rules(among))
        return data.draw(definitions.dynamic_plus(st.one_of(rules)))

    def live(self) -> list[Segment]:
        return list(Segment.objects.live().defined().order_by("pk"))

    def some(self, data: st.DataObject) -> list[int]:
        ids = list(Contact.objects.order_by("pk").values_list("pk", flat=True))
        return data.draw(st.lists(st.sampled_from(ids), min_size=1, max_size=3, unique=True)) if ids else []

    def change(self, data: st.DataObject, contact: Contact, key: str) -> str:
        """Give a contact another value of a field; returns the column."""
        if key in contact_columns():
            setattr(contact, key, data.draw(worlds.system_value(key, self.now, self.zone)))
            return key
        key = key.removeprefix("custom.")
        contact.custom[key] = data.draw(worlds.custom_value(worlds.CUSTOM_TYPES[key], self.now, self.zone))
        return "custom"

    @rule(step=STEPS)
    def time_passes(self, step: timedelta) -> None:
        self.now += step

    @rule(step=LEAPS)
    def much_time_passes(self, step: timedelta) -> None:
        self.now += step

    @rule(data=st.data(), off=st.sampled_from([-1, 0, 0, 1]))
    def an_edge_reaches_an_event(self, data: st.DataObject, off: int) -> None:
        """The clock goes on to where an event is as old as a window or a span of a definition is long."""
        lengths = sorted({length for segment in self.live() for length in lengths_in(segment.definition)})
        times = list(Event.objects.order_by("occurred_at").values_list("occurred_at", flat=True).distinct())
        reached = [moved(at, count, unit) for at in times for count, unit in lengths]
        ahead = sorted({moment for moment in reached if moment > self.now})[:5]
        if ahead:
            self.now = max(self.now, data.draw(st.sampled_from(ahead)) + timedelta(microseconds=off))

    @precondition(lambda self: any(now > self.now for now in worlds.NOWS))
    @rule(data=st.data())
    def a_day_with_another_clock_comes(self, data: st.DataObject) -> None:
        self.now = data.draw(st.sampled_from([now for now in worlds.NOWS if now > self.now]))

    @rule(data=st.data())
    def contacts_come(self, data: st.DataObject) -> None:
        events = event_worlds.events(worlds.moments(self.now, self.zone))
        worlds.write(data.draw(worlds.contacts(DRAWN, self.now, self.zone, lists=self.lists, events=events)))

    @rule(data=st.data())
    def a_contact_is_saved(self, data: st.DataObject) -> None:
        for contact in Contact.objects.filter(pk__in=self.some(data)[:1]):
            for key in data.draw(st.lists(st.sampled_from(WRITABLE), min_size=1, max_size=3, unique=True)):
                self.change(data, contact, key)
            contact.save()

    @rule(data=st.data(), key=st.sampled_from([key for key in WRITABLE if not key.startswith("custom.")]))
    def contacts_are_updated(self, data: st.DataObject, key: str) -> None:
        value = data.draw(worlds.system_value(key, self.now, self.zone))
        Contact.objects.filter(pk__in=self.some(data)).update(**{key: value})

    @rule(data=st.data(), key=st.sampled_from(WRITABLE))
    def contacts_are_updated_in_bulk(self, data: st.DataObject, key: str) -> None:
        contacts = list(Contact.objects.filter(pk__in=self.some(data)))
        for contact in contacts:
            column = self.change(data, contact, key)
        if contacts:
            Contact.objects.bulk_update(contacts, [column])

    @rule(data=st.data())
    def contacts_are_deleted(self, data: st.DataObject) -> None:
        delete_contacts(Contact.objects.filter(pk__in=self.some(data)), now=self.now)

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        """Long ago, just now, at the time of another event, or a little ahead by the clock of who says so."""
        ahead = st.sampled_from([timedelta(), timedelta(seconds=1), events.FUTURE_TOLERANCE])
        known = list(Event.objects.order_by("pk").values_list("occurred_at", flat=True).distinct()[:5])
        times = st.one_of(
            STEPS.map(lambda ago: self.now - ago),
            ahead.map(lambda step: self.now + step),
            worlds.moments(self.now, self.zone),
            st.sampled_from([*known, self.now]),
        ).filter(lambda at: at <= self.now + events.FUTURE_TOLERANCE)
        new = [
            events.NewEvent(
                data.draw(st.sampled_from(event_worlds.EVENT_TYPES)),
                data.draw(times),
                contact_id=pk,
                value=data.draw(st.sampled_from(event_worlds.AMOUNTS)),
                properties=data.draw(event_worlds.properties()),
            )
            for pk in self.some(data)
        ]
        assert {one.outcome for one in events.record(new, now=self.now)} <= {events.Outcome.RECORDED}

    @precondition(lambda self: self.lists)
    @rule(data=st.data(), joins=st.booleans())
    def contacts_join_or_leave_a_list(self, data: st.DataObject, joins: bool) -> None:
        chosen = ContactList.objects.get(pk=data.draw(st.sampled_from(self.lists)))
        (subscribe if joins else unsubscribe)(chosen, Contact.objects.filter(pk__in=self.some(data)), now=self.now)

    @rule(data=st.data())
    def a_subscription_changes_behind_the_pages(self, data: st.DataObject) -> None:
        for subscription in ListMembership.objects.filter(contact__in=self.some(data))[:1]:
            subscription.subscribed_at = data.draw(worlds.moments(self.now, self.zone))
            subscription.unsubscribed_at = None
            subscription.save()

    @rule(data=st.data(), comes=st.booleans())
    def contacts_are_put_into_or_taken_out_of_a_static_segment(self, data: st.DataObject, comes: bool) -> None:
        segment = Segment.objects.get(pk=data.draw(st.sampled_from(self.static)))
        move = membership.add if comes else membership.remove
        move(segment, Contact.objects.filter(pk__in=self.some(data)), now=self.now, cause=Cause.HAND)

    @rule(data=st.data())
    def new_segment(self, data: st.DataObject) -> None:
        among = [*self.static, *(segment.pk for segment in self.live())]
        create_segment(
            name=f"Segment {Segment.objects.count()}",
            kind=Segment.Kind.DYNAMIC_PLUS,
            definition=self.definition(data, among),
            now=self.now,
        )

    @precondition(lambda self: self.live())
    @rule(data=st.data())
    def a_definition_is_edited(self, data: st.DataObject) -> None:
        segment = data.draw(st.sampled_from(self.live()))
        among = [*self.static, *(other.pk for other in self.live())]
        definition = self.definition(data, among)
        kept = {"name": segment.name, "description": "", "is_test": False}
        with suppress(DefinitionError):  # it would depend on itself
            save_segment(segment, **kept, definition=definition, now=self.now)

    @precondition(lambda self: len(self.live()) > 1)
    @rule(data=st.data())
    def a_segment_is_deleted(self, data: st.DataObject) -> None:
        delete_segment(data.draw(st.sampled_from(self.live())), now=self.now)

    @precondition(lambda self: Segment.objects.deleted().exists())
    @rule()
    def segments_are_restored(self) -> None:
        for segment in Segment.objects.deleted():
            with suppress(DefinitionError):  # it names something that was deleted
                restore_segment(segment, now=self.now)

    @precondition(lambda self: self.lists)
    @rule()
    def a_list_is_deleted(self) -> None:
        delete_list(ContactList.objects.get(pk=self.lists.pop()), now=self.now)

    # What keeps memberships right

    @rule()
    def changes_are_applied(self) -> None:
        apply_changes(now=self.now)

    @rule()
    def time_is_applied(self) -> None:
        apply_time(now=self.now)

    @rule()
    def waiting_segments_are_refreshed(self) -> None:
        refresh_due(now=self.now)

    @precondition(lambda self: self.live())
    @rule(data=st.data())
    def a_segment_is_refreshed(self, data: st.DataObject) -> None:
        with suppress(DefinitionError):  # it names something that was deleted
            refresh_segment(data.draw(st.sampled_from(self.live())), now=self.now)

    # What must hold

    @invariant()
    def every_record_agrees(self) -> None:
        assert_records_agree()

    def everything_is_right(self) -> None:
        self.now += timedelta(minutes=6)  # what failed is tried again
        apply_changes(now=self.now)
        apply_time(now=self.now)
        refresh_due(now=self.now)
        assert_records_agree()
        contacts = contacts_as_read()
        for segment in self.live():
            segment.refresh_from_db()
            if segment.error:
                assert "was deleted" in segment.error
                continue
            expected = read(segment.conditions, contacts, now=self.now, zone=self.zone)
            assert members(segment) == expected, segment.definition
            assert segment.state == Segment.State.READY
        assert [run.segment_id for run in audit(now=self.now) if run.differences] == []


def lengths_in(part: Any) -> Iterator[tuple[int, str]]:
    """The numbers of units of time that a definition names."""
    if isinstance(part, dict) and "unit" in part:
        yield from ((part[name], part["unit"]) for name in ("count", "from_count", "to_count") if part.get(name))
    elif isinstance(part, dict | list):
        for inner in part.values() if isinstance(part, dict) else part:
            yield from lengths_in(inner)


def contact_columns() -> set[str]:
    return {field.name for field in Contact._meta.get_fields()}


def test_any_history():
    run_state_machine_as_test(History, settings=settings(max_examples=25 * DEEP, stateful_step_count=25, deadline=None))
