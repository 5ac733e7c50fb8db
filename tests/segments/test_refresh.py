"""Full refresh, refresh by change, what waits for what, and segments that cannot be refreshed."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection

from contacts.deletion import delete_contacts
from contacts.lists import delete_list, subscribe
from contacts.models import Change, Contact, ContactField, ContactList
from segments import membership, statements
from segments.editing import create_segment, delete_segment, restore_segment, save_segment
from segments.faults import DefinitionError
from segments.models import Cause, Membership, RefreshRun, Segment, SegmentDay, Transition
from segments.refresh import apply_changes, apply_time, audit, refresh_due, refresh_segment
from tests.segments.comparing import members, new_segment
from tests.segments.records import assert_records_agree

pytestmark = pytest.mark.django_db

LATER = timedelta(minutes=6)  # when what failed is tried again


def of(*rules: dict[str, Any], match: str = "all") -> dict[str, Any]:
    return {"version": 1, "match": match, "rules": list(rules)}


def city(name: str, operator: str = "is") -> dict[str, Any]:
    return {"type": "field", "field": "city", "operator": operator, "value": name}


def in_segment(segment: Segment, operator: str = "member") -> dict[str, Any]:
    return {"type": "segment", "segment": segment.pk, "operator": operator}


def filled(definition: dict[str, Any], *, now: datetime) -> Segment:
    segment = new_segment(definition)
    refresh_segment(segment, now=now)
    return segment


def edited(segment: Segment, definition: dict[str, Any], *, now: datetime) -> None:
    save_segment(segment, name=segment.name, description="", is_test=False, definition=definition, now=now)


def many(count: int, **values: Any) -> None:
    Contact.objects.bulk_create(Contact(**values) for _number in range(count))


def moves(segment: Segment) -> list[tuple[str, str, str]]:
    return list(Transition.objects.filter(segment=segment).order_by("pk").values_list("kind", "cause", "detail"))


# Full


def test_a_full_refresh_writes_only_what_differs(now: datetime):
    stays, goes, comes = (Contact.objects.create(city=name) for name in ("Lugo", "Lugo", "Madrid"))
    segment = filled(of(city("Lugo")), now=now)
    before = Membership.objects.get(segment=segment, contact=stays)
    Contact.objects.filter(pk=goes.pk).update(city="Madrid")
    Contact.objects.filter(pk=comes.pk).update(city="Lugo")
    Change.objects.all().delete()
    run = refresh_segment(segment, now=now + LATER)
    assert (run.kind, run.cause, run.entered, run.left, run.started_at) == ("full", "refresh", 1, 1, now + LATER)
    assert members(segment) == {stays.pk, comes.pk}
    assert Membership.objects.get(segment=segment, contact=stays).entered_at == before.entered_at
    segment.refresh_from_db()
    assert (segment.size, segment.refreshed_at, segment.state) == (2, now + LATER, Segment.State.READY)
    assert_records_agree()


def test_a_static_segment_has_nothing_to_refresh_from(now: datetime):
    with pytest.raises(ValueError, match="static"):
        refresh_segment(Segment.objects.create(name="Friends", kind=Segment.Kind.STATIC), now=now)


def test_a_definition_that_changed_meanwhile_wins(now: datetime):
    """The report of progress comes between the evaluation's parts: there the definition is edited."""
    many(3, city="Lugo")
    many(2, city="Madrid")
    apply_changes(now=now)
    segment = new_segment(of(city("Lugo")))

    def edit(done: int, total: int, message: str) -> None:
        if done == 3:
            edited(segment, of(city("Madrid")), now=now)

    assert refresh_segment(segment, now=now, report=edit) is None
    assert members(segment) == set()
    segment.refresh_from_db()
    assert segment.stale
    refresh_due(now=now)
    assert members(segment) == set(Contact.objects.filter(city="Madrid").values_list("pk", flat=True))
    segment.refresh_from_db()
    assert segment.state == Segment.State.READY
    assert_records_agree()


def test_a_second_refresh_of_the_same_segment_takes_over(now: datetime):
    many(3, city="Lugo")
    segment = new_segment(of(city("Lugo")))
    taken_over = []

    def again(done: int, total: int, message: str) -> None:
        if done == 3 and not taken_over:
            taken_over.append(True)
            assert refresh_segment(segment, now=now) is not None

    assert refresh_segment(segment, now=now, report=again) is None
    assert RefreshRun.objects.filter(kind=RefreshRun.Kind.FULL).count() == 1
    assert_records_agree()
    segment.refresh_from_db()
    assert (segment.size, segment.state) == (3, Segment.State.READY)


def test_a_refresh_that_fails_does_not_disturb_one_that_took_over(now: datetime):
    segment = new_segment(of(city("Lugo")))
    newer = uuid4()

    def take_over(done: int, total: int, message: str) -> None:
        Segment.objects.filter(pk=segment.pk).update(refresh_token=newer)
        raise OperationalError("the connection was lost")

    with pytest.raises(OperationalError):
        refresh_segment(segment, now=now, report=take_over)
    segment.refresh_from_db()
    assert (segment.refresh_token, segment.error, segment.stale) == (newer, "", False)


def test_changes_wait_while_a_segment_is_refreshed(now: datetime):
    many(2, city="Lugo")
    segment = filled(of(city("Lugo")), now=now)
    other = filled(of(city("Madrid")), now=now)
    first = Contact.objects.earliest("pk")

    def edit(done: int, total: int, message: str) -> None:
        if done == 3:
            Contact.objects.filter(pk=first.pk).update(city="Madrid")
            assert apply_changes(now=now) == 1
            assert members(other) == {first.pk}, "the others do not wait"
            assert Change.objects.get().key == f"evaluate:{segment.pk}"
            assert apply_changes(now=now) == 0

    refresh_segment(segment, now=now, report=edit)
    assert members(segment) == set(Contact.objects.filter(city="Lugo").values_list("pk", flat=True))
    assert not Change.objects.exists()
    assert_records_agree()


def test_a_contact_that_is_deleted_during_a_refresh_does_not_come_back(now: datetime):
    many(3, city="Lugo")
    segment = new_segment(of(city("Lugo")))

    def delete(done: int, total: int, message: str) -> None:
        if done == 3:
            delete_contacts(Contact.objects.filter(pk=Contact.objects.earliest("pk").pk), now=now)

    refresh_segment(segment, now=now, report=delete)
    assert members(segment) == set(Contact.objects.values_list("pk", flat=True))
    assert_records_agree()


# Clocks


def test_a_refresh_with_an_older_clock_does_not_undo_what_a_page_did(now: datetime):
    """Many segments are refreshed one after the other by one clock; meanwhile visitors come."""
    recent = {"type": "field", "field": "last_seen_at", "operator": "in_last", "value": {"count": 1, "unit": "days"}}
    segment = filled(of(recent), now=now)
    visit = now + timedelta(minutes=2)
    visitor = Contact.objects.create(last_seen_at=visit)
    apply_changes(now=visit)
    assert members(segment) == {visitor.pk}
    refresh_segment(segment, now=now + timedelta(minutes=1))
    assert members(segment) == {visitor.pk}
    assert [run.differences for run in audit(now=now + timedelta(minutes=1))] == [0]
    assert len(moves(segment)) == 1


def test_a_clock_that_was_wrong_once_is_not_believed(now: datetime):
    recent = {"type": "field", "field": "last_seen_at", "operator": "in_last", "value": {"count": 1, "unit": "days"}}
    contact = Contact.objects.create(last_seen_at=now)
    segment = filled(of(recent), now=now)
    apply_time(now=now + timedelta(days=365))
    assert members(segment) == set()
    for minute in (1, 2):
        apply_time(now=now + timedelta(minutes=minute))
        refresh_due(now=now + timedelta(minutes=minute))
    assert members(segment) == {contact.pk}
    assert_records_agree()


# By change


def test_the_ledger_names_what_changed(now: datetime):
    worlds_field = ContactField.objects.create(key="tier", label="Tier", type="text")
    news = ContactList.objects.create(name="News")
    contact = Contact.objects.create(city="Madrid")
    rule = {"type": "field", "field": f"custom.{worlds_field.key}", "operator": "is", "value": "gold"}
    on_list = {"type": "list", "list": news.pk, "operator": "member"}
    by_city, by_tier, by_list = (filled(of(one), now=now) for one in (city("Lugo"), rule, on_list))
    by_segment = filled(of(in_segment(by_city)), now=now)
    Contact.objects.update(city="Lugo", custom={"tier": "gold"})
    subscribe(news, Contact.objects.all(), now=now)
    apply_changes(now=now)
    assert moves(by_city) == [("entered", Cause.EDIT, "field:city")]
    assert moves(by_tier) == [("entered", Cause.EDIT, "field:custom.tier")]
    assert moves(by_list) == [("entered", Cause.LIST, f"list:{news.pk}")]
    assert moves(by_segment) == [("entered", Cause.SEGMENT, f"segment:{by_city.pk}")]
    assert members(by_segment) == {contact.pk}


def test_only_the_segments_that_a_change_concerns_are_looked_at(now: datetime):
    many(2, city="Lugo")
    filled(of(city("Lugo")), now=now)
    filled(of({"type": "field", "field": "country", "operator": "is", "value": "ES"}), now=now)
    Contact.objects.filter(pk=Contact.objects.earliest("pk").pk).update(city="Madrid", region="Madrid")
    assert apply_changes(now=now) == 2
    run = RefreshRun.objects.filter(kind=RefreshRun.Kind.CHANGES).latest("pk")
    assert (run.segments, run.examined, run.entered, run.left) == (1, 1, 0, 1)


def test_there_and_back_again_leaves_no_trace(now: datetime):
    many(1, city="Lugo")
    segment = filled(of(city("Lugo")), now=now)
    Contact.objects.update(city="Madrid")
    Contact.objects.update(city="Lugo")
    apply_changes(now=now)
    assert moves(segment) == [("entered", Cause.REFRESH, "")]


@pytest.mark.parametrize("count", [1_999, 2_000, 2_001, 5_000])
def test_a_long_log_is_taken_in_batches_or_marks_for_a_full_refresh(count: int, now: datetime):
    segment = filled(of(city("Lugo")), now=now)
    others = filled(of({"type": "field", "field": "country", "operator": "is", "value": "ES"}), now=now)
    many(count, city="Madrid")
    apply_changes(now=now)
    refresh_due(now=now)
    Contact.objects.update(city="Lugo")
    assert apply_changes(now=now) == count
    others.refresh_from_db()
    assert not others.stale, "its fields did not change"
    assert not Change.objects.exists()
    refresh_due(now=now)
    assert len(members(segment)) == count
    assert_records_agree()
    assert [run.differences for run in audit(now=now)] == [0, 0]


def test_segments_that_read_each_other_move_together(now: datetime):
    """A chain of ten: whoever enters the first is in all that follow, in one run."""
    chain = [filled(of(city("Lugo")), now=now)]
    for _number in range(9):
        chain.append(filled(of(in_segment(chain[-1])), now=now))
    outside = filled(of(in_segment(chain[-1]), match="none"), now=now)
    many(3, city="Lugo")
    apply_changes(now=now)
    assert [len(members(segment)) for segment in chain] == [3] * 10
    assert members(outside) == set()
    assert len(moves(outside)) == 0, "nobody enters and leaves again on the way"
    Contact.objects.update(city="Madrid")
    apply_changes(now=now)
    assert [len(members(segment)) for segment in chain] == [0] * 10
    assert len(members(outside)) == 3
    assert_records_agree()


def test_segments_that_read_each_other_are_refreshed_together(now: datetime):
    """So many move that each segment in the chain needs a full refresh."""
    # With numbers of their own: on PostgreSQL those of earlier tests are not given again, and how many are many
    # depends on how far they go.
    Contact.objects.bulk_create(Contact(pk=number, city="Madrid") for number in range(1, 1_101))
    first = filled(of(city("Lugo")), now=now)
    second = filled(of(in_segment(first)), now=now)
    third = filled(of(in_segment(second, "not_member")), now=now)
    edited(first, of(city("Madrid")), now=now)
    refresh_segment(first, now=now)
    assert [len(members(segment)) for segment in (first, second, third)] == [1_100, 1_100, 0]
    edited(first, of(city("Lugo")), now=now)
    assert refresh_due(now=now) == 3
    assert [len(members(segment)) for segment in (first, second, third)] == [0, 0, 1_100]
    assert not Segment.objects.filter(stale=True).exists()
    assert_records_agree()


def test_what_happens_in_a_static_segment_reaches_its_readers(now: datetime):
    static = Segment.objects.create(name="Friends", kind=Segment.Kind.STATIC)
    reader = filled(of(in_segment(static)), now=now)
    many(2)
    one = Contact.objects.filter(pk=Contact.objects.earliest("pk").pk)
    assert membership.add(static, one, now=now, cause=Cause.HAND, detail="ana") == 1
    assert membership.add(static, one, now=now, cause=Cause.HAND) == 0
    assert membership.add(static, Contact.objects.none(), now=now, cause=Cause.HAND) == 0
    assert members(static) == members(reader) == {one.get().pk}
    assert membership.remove(static, Contact.objects.all(), now=now, cause=Cause.HAND) == 1
    assert membership.remove(static, Contact.objects.filter(pk__in=[]), now=now, cause=Cause.HAND) == 0
    assert members(static) == members(reader) == set()
    assert moves(static) == [("entered", Cause.HAND, "ana"), ("left", Cause.HAND, "")]
    assert_records_agree()
    for move in (membership.add, membership.remove):
        with pytest.raises(ValueError, match="static"):
            move(reader, Contact.objects.all(), now=now, cause=Cause.HAND)


def test_a_deleted_contact_leaves_everything(now: datetime):
    static = Segment.objects.create(name="Friends", kind=Segment.Kind.STATIC)
    many(2, city="Lugo")
    membership.add(static, Contact.objects.all(), now=now, cause=Cause.HAND)
    segment = filled(of(city("Lugo")), now=now)
    reader = filled(of(in_segment(static)), now=now)
    delete_contacts(Contact.objects.filter(pk=Contact.objects.earliest("pk").pk), now=now)
    apply_changes(now=now)
    left = set(Contact.objects.values_list("pk", flat=True))
    assert members(segment) == members(static) == members(reader) == left
    assert [run.differences for run in audit(now=now)] == [0, 0, 0]
    assert_records_agree()
    assert SegmentDay.objects.get(segment=segment).left == 1


# Segments that cannot be refreshed


def test_a_deleted_list_breaks_only_the_segments_with_a_rule_on_it(now: datetime):
    news = ContactList.objects.create(name="News")
    contact = Contact.objects.create(city="Lugo")
    broken = filled(of({"type": "list", "list": news.pk, "operator": "not_member"}), now=now)
    sound = filled(of(city("Lugo")), now=now)
    assert members(broken) == {contact.pk}
    delete_list(news, now=now)
    newcomer = Contact.objects.create(city="Lugo")
    apply_changes(now=now)
    assert members(sound) == {contact.pk, newcomer.pk}
    assert members(broken) == {contact.pk}, "not everybody, though nobody is on the list"
    broken.refresh_from_db()
    assert (broken.state, broken.error) == (Segment.State.ERROR, "A rule names a list that was deleted.")
    with pytest.raises(DefinitionError):
        refresh_segment(broken, now=now)
    refresh_due(now=now + LATER)
    assert members(broken) == {contact.pk}
    edited(broken, of(city("Lugo")), now=now)
    refresh_due(now=now)
    broken.refresh_from_db()
    assert (broken.state, broken.size) == (Segment.State.READY, 2)
    assert_records_agree()


def test_a_deleted_segment_breaks_its_readers_until_it_is_restored(now: datetime):
    contact = Contact.objects.create(city="Lugo")
    base = filled(of(city("Lugo")), now=now)
    reader = filled(of(in_segment(base, "not_member")), now=now)
    delete_segment(base, now=now)
    Contact.objects.update(city="Madrid")
    apply_changes(now=now)
    reader.refresh_from_db()
    assert (reader.state, members(reader)) == (Segment.State.ERROR, set())
    restore_segment(base, now=now)
    refresh_due(now=now)
    reader.refresh_from_db()
    assert (reader.state, members(reader)) == (Segment.State.READY, {contact.pk})
    assert members(base) == set()
    assert_records_agree()


@pytest.mark.parametrize(
    "damaged",
    [
        {},
        {"match": "all"},
        {"match": "all", "rules": []},
        {"match": "all", "rules": [5]},
        {"match": "most", "rules": [city("Lugo")]},
        of({"type": "weather"}),
        of({"type": "field", "field": "height", "operator": "is", "value": "x"}),
        of({"type": "field", "field": "city", "operator": "resembles", "value": "x"}),
        of({"type": "field", "field": "city", "operator": "is"}),
        of({"type": "field", "field": "points", "operator": "equals", "value": "many"}),
        of({"type": "field", "field": "date_of_birth", "operator": "on", "value": "soon"}),
        of({"type": "field", "field": "date_of_birth", "operator": "in_last", "value": {"count": 1}}),
        of({"type": "field", "field": "date_of_birth", "operator": "in_last", "value": {"count": 1, "unit": "moons"}}),
        of({"type": "list", "operator": "member"}),
    ],
)
def test_a_damaged_definition_stops_nobody_else(damaged: dict[str, Any], now: datetime):
    """Nobody can save one, but a restored backup or a hand in the database can."""
    broken, sound = filled(of(city("Lugo")), now=now), filled(of(city("Lugo")), now=now)
    Segment.objects.filter(pk=broken.pk).update(definition=damaged, version=2)
    contact = Contact.objects.create(city="Lugo")
    apply_changes(now=now)
    apply_time(now=now + LATER)
    refresh_due(now=now + LATER)
    assert members(sound) == {contact.pk}
    broken.refresh_from_db()
    assert (broken.state, members(broken)) == (Segment.State.ERROR, set())
    assert {run.segment_id: run.differences for run in audit(now=now + LATER)}[sound.pk] == 0


def test_an_error_of_the_database_stops_nobody_else(now: datetime):
    """A statement that fails when it is run: here its text was damaged in memory."""
    broken, sound = filled(of(city("Lugo")), now=now), filled(of(city("Lugo")), now=now)
    for (_database, segment_id, _version), kept in statements._kept.items():
        if segment_id == broken.pk:
            object.__setattr__(kept.few, "sql", "no such column")
    contact = Contact.objects.create(city="Lugo")
    apply_changes(now=now)
    assert (members(broken), members(sound)) == (set(), {contact.pk})
    broken.refresh_from_db()
    assert broken.state == Segment.State.ERROR
    statements._kept.clear()
    assert refresh_due(now=now) == 0, "not at once"
    assert refresh_due(now=now + LATER) == 1
    broken.refresh_from_db()
    assert (broken.state, members(broken)) == (Segment.State.READY, {contact.pk})
    assert_records_agree()


def test_cycles_are_refused_with_the_way(now: datetime):
    first, second, third = (filled(of(city("Lugo")), now=now) for _number in range(3))

    def read(segment: Segment, other: Segment) -> None:
        edited(segment, of(in_segment(other)), now=now)

    read(second, first)
    read(third, second)
    with pytest.raises(DefinitionError, match=f"{first.name} → {third.name} → {second.name} → {first.name}"):
        read(first, third)
    with pytest.raises(DefinitionError, match=f"{first.name} → {first.name}"):
        read(first, first)
    read(third, first)


# The audit


def test_the_audit_repairs_what_was_changed_behind_its_back(now: datetime):
    one, two, three = (Contact.objects.create(city=name) for name in ("Lugo", "Lugo", "Madrid"))
    segment = filled(of(city("Lugo")), now=now)
    reader = filled(of(in_segment(segment)), now=now)
    Membership.objects.filter(segment=segment, contact=one).delete()
    Membership.objects.create(segment=segment, contact=three, entered_at=now, cause=Cause.HAND)
    differences = {run.segment_id: run.differences for run in audit(now=now)}
    assert differences == {segment.pk: 2, reader.pk: 0}
    assert members(segment) == members(reader) == {one.pk, two.pk}
    assert [run.differences for run in audit(now=now)] == [0, 0]
    assert Transition.objects.filter(segment=segment, cause=Cause.AUDIT).count() == 2


def test_the_audit_repairs_sizes_and_forgets_missing_contacts(now: datetime):
    many(3, city="Lugo")
    static = Segment.objects.create(name="Friends", kind=Segment.Kind.STATIC)
    membership.add(static, Contact.objects.all(), now=now, cause=Cause.HAND)
    segment = filled(of(city("Lugo")), now=now)
    Segment.objects.filter(pk=segment.pk).update(size=7)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM contacts_contact WHERE id = (SELECT MIN(id) FROM contacts_contact)")
    Change.objects.all().delete()
    audit(now=now)
    assert set(Segment.objects.values_list("size", flat=True)) == {2}
    assert members(segment) == members(static) == set(Contact.objects.values_list("pk", flat=True))
    assert [run.differences for run in audit(now=now)] == [0, 0]
    assert_records_agree()


def test_the_audit_leaves_what_waits_for_changes(now: datetime):
    segment = new_segment(of(city("Lugo")))
    refresh_segment(segment, now=now)
    assert create_segment(name="Later", kind="dynamic", definition=of(city("Lugo")), now=now).stale
    assert [run.differences for run in audit(now=now)] == [0, 0]
