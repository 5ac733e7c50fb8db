"""Old events that are removed: which segments are named before, and that all of them are right afterwards."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts import retention, rolling_off
from contacts.events import NewEvent, record
from contacts.models import Change, Contact, ContactList, Event
from contacts.retention import ALWAYS_KEPT, affected_by, remove_events
from segments.compiler import validate
from segments.conditions import CONDITIONS
from segments.context import Context
from segments.models import Cause, Membership, Segment, SegmentDay, Transition
from segments.refresh import apply_changes, apply_time, audit
from segments.retention import compact_ledger, count_ledger, segments_reading_before
from segments.windows import WINDOWS, begins_before, inside
from tests.segments.comparing import matched, members, new_segment, refreshed, undone
from tests.segments.definitions import windows
from tests.segments.records import assert_records_agree

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
BEFORE = NOW - 365 * DAY
EVER = {"kind": "ever"}
LAST_30_DAYS = {"kind": "last", "count": 30, "unit": "days"}
LAST_2_YEARS = {"kind": "last", "count": 2, "unit": "years"}


def activity(kind: str = "purchase", window: dict[str, Any] = EVER, **more: Any) -> dict[str, Any]:
    rule = {"type": "event", "event": kind, "metric": "count", "operator": "at_least", "value": 1, "window": window}
    return rule | more


def sequence(window: dict[str, Any]) -> dict[str, Any]:
    steps = [{"event": "cart_add", "did": True}, {"event": "purchase", "did": False}]
    return {"type": "sequence", "steps": steps, "within": {"count": 2, "unit": "days"}, "window": window}


def segment(name: str, *rules: dict[str, Any], match: str = "any") -> Segment:
    definition = validate({"version": 1, "match": match, "rules": list(rules)}, kind=Segment.Kind.DYNAMIC_PLUS)
    return new_segment(definition, name)


def reading(*types: str, moment: datetime = BEFORE) -> dict[str, list[str]]:
    found = segments_reading_before(moment, types=types or ("purchase", "cart_add"), now=NOW)
    return {one.name: one.reasons for one in found}


@pytest.fixture
def quick(monkeypatch) -> None:
    monkeypatch.setattr(rolling_off, "CHUNK", 2)
    monkeypatch.setattr(rolling_off, "PAUSE", 0)


# Who reads


@pytest.mark.parametrize(
    ("window", "reads"),
    [
        (EVER, True),
        (LAST_30_DAYS, False),
        (LAST_2_YEARS, True),
        ({"kind": "last", "count": 365, "unit": "days"}, False),
        ({"kind": "last", "count": 366, "unit": "days"}, True),
        ({"kind": "last", "count": 12, "unit": "months"}, True),  # months can step back by a day or two
        ({"kind": "last", "count": 11, "unit": "months"}, False),
        ({"kind": "before_last", "count": 1, "unit": "days"}, True),
        ({"kind": "between_ago", "from_count": 1, "to_count": 2, "unit": "months"}, False),
        ({"kind": "between_ago", "from_count": 1, "to_count": 2, "unit": "years"}, True),
        ({"kind": "between", "from": "2025-03-10", "to": "2025-06-01"}, True),
        ({"kind": "between", "from": "2025-03-11", "to": "2025-06-01"}, False),
        ({"kind": "since", "date": "2025-03-11"}, False),
        ({"kind": "since", "date": "2025-03-10"}, True),
        ({"kind": "until", "date": "2026-01-01"}, True),
        ({"kind": "this", "unit": "year"}, False),
        ({"kind": "previous", "unit": "year"}, True),
        ({"kind": "previous", "unit": "quarter"}, False),
    ],
)
def test_windows_and_what_lies_before(window, reads):
    assert begins_before(window, BEFORE, NOW) is reads
    for rule in (activity(window=window), sequence(window)):
        assert CONDITIONS[rule["type"]].reads_events_before(rule, BEFORE, NOW) is reads


def test_every_kind_of_window_is_tried():
    [marker] = [mark for mark in test_windows_and_what_lies_before.pytestmark if mark.name == "parametrize"]
    assert {window["kind"] for window, _reads in marker.args[1]} == {window.key for window in WINDOWS}


@pytest.mark.django_db
def test_segments_are_named_with_their_rules(django_assert_num_queries):
    news = ContactList.objects.create(name="News")
    bought = segment("Bought", activity(), activity(window=LAST_30_DAYS))
    segment("Recent", activity(window=LAST_30_DAYS), {"type": "field", "field": "points", "operator": "is_set"})
    segment("Left a cart", sequence(LAST_2_YEARS))
    segment("Read it", activity("email_opened"))
    segment("Joined", {"type": "list", "list": news.pk, "operator": "joined", "window": EVER})
    twice = segment("Not bought", {"type": "segment", "segment": bought.pk, "operator": "not_member"}, match="none")
    segment("Third", {"type": "segment", "segment": twice.pk, "operator": "member"}, activity("cart_add"))
    Segment.objects.create(name="Chosen", kind=Segment.Kind.STATIC)
    Segment.objects.filter(pk=segment("Gone", activity()).pk).update(deleted_at=NOW)
    # The segments; their names for the rules on segments.
    with django_assert_num_queries(2):
        found = reading()
    assert found == {
        "Bought": ["“Purchased” happened at least once"],
        "Left a cart": ["“Put into the cart” in the last 2 years, then not “Purchased”, within 2 days"],
        "Not bought": ["they are not in the segment Bought"],
        "Third": ["“Put into the cart” happened at least once", "they are in the segment Not bought"],
    }
    assert set(reading("cart_add")) == {"Left a cart", "Third"}
    assert reading("page_visit") == {}
    assert set(reading(moment=NOW)) == {"Bought", "Recent", "Left a cart", "Not bought", "Third"}


@pytest.mark.django_db
def test_contacts_learn_of_them_by_the_registry():
    segment("Bought", activity())
    [(kind, [one])] = affected_by(BEFORE, types=["purchase"], now=NOW)
    assert (str(kind.label), one.name) == ("Segments", "Bought")
    assert affected_by(BEFORE, types=["page_visit"], now=NOW) == []


# Staying right


def happened(contact: Contact, kind: str, *days_ago: float) -> list[NewEvent]:
    return [NewEvent(kind, NOW - days * DAY, contact_id=contact.pk) for days in days_ago]


@pytest.fixture
def world(transactional_db, quick) -> dict[str, Segment]:
    """Ada bought long ago and lately, Bea long ago, Cem put into the cart long ago; segments that are right."""
    ada, bea, cem, _dan = (Contact.objects.create(external_id=name) for name in ("Ada", "Bea", "Cem", "Dan"))
    events = [*happened(ada, "purchase", 800, 500, 400, 10), *happened(bea, "purchase", 700, 366)]
    record([*events, *happened(cem, "cart_add", 900)], now=NOW)
    bought = segment("Bought", activity())
    segments = {
        "bought": bought,
        "never": segment("Never", activity(operator="equals", value=0)),
        "often": segment("Often", activity(operator="at_least", value=2)),
        "lately": segment("Lately", activity(window=LAST_30_DAYS)),
        "cart": segment("Left a cart", sequence(EVER)),
        "others": segment("Others", {"type": "segment", "segment": bought.pk, "operator": "not_member"}),
    }
    for one in segments.values():
        refreshed(one, now=NOW)
    apply_changes(now=NOW)
    return segments


def names(one: Segment) -> set[str]:
    return set(Contact.objects.filter(pk__in=members(one)).values_list("external_id", flat=True))


def test_segments_are_right_when_the_events_are_gone(world):
    assert {key: names(one) for key, one in world.items()} == {
        "bought": {"Ada", "Bea"},
        "never": {"Cem", "Dan"},
        "often": {"Ada", "Bea"},
        "lately": {"Ada"},
        "cart": {"Cem"},
        "others": {"Cem", "Dan"},
    }
    newest = Transition.objects.order_by("-pk")[0].pk
    assert remove_events(BEFORE, now=NOW) == 6
    assert not Change.objects.exists()
    assert {key: names(one) for key, one in world.items()} == {
        "bought": {"Ada"},
        "never": {"Bea", "Cem", "Dan"},
        "often": set(),
        "lately": {"Ada"},
        "cart": set(),
        "others": {"Bea", "Cem", "Dan"},
    }
    moved = Transition.objects.filter(pk__gt=newest).values_list(
        "segment__name", "contact__external_id", "kind", "cause", "detail"
    )
    assert set(moved) == {
        ("Bought", "Bea", "left", Cause.EVENT, "event:purchase"),
        ("Never", "Bea", "entered", Cause.EVENT, "event:purchase"),
        ("Often", "Ada", "left", Cause.EVENT, "event:purchase"),
        ("Often", "Bea", "left", Cause.EVENT, "event:purchase"),
        ("Left a cart", "Cem", "left", Cause.EVENT, "event:cart_add"),
        ("Others", "Bea", "entered", Cause.SEGMENT, f"segment:{world['bought'].pk}"),
    }
    for one in world.values():
        assert members(one) == matched(one.conditions, now=NOW)
    assert sum(run.differences for run in audit(now=NOW)) == 0
    assert_records_agree()


def test_they_are_right_after_every_chunk(world):
    def check(done: int, total: int, message: str) -> None:
        assert not Change.objects.exists()
        for one in world.values():
            assert members(one) == matched(one.conditions, now=NOW)

    remove_events(BEFORE, now=NOW, report=check)


def test_only_the_segments_that_were_named_change(world):
    named = {one.name for one in segments_reading_before(BEFORE, types=["purchase", "cart_add"], now=NOW)}
    assert named == {"Bought", "Never", "Often", "Left a cart", "Others"}
    newest = Transition.objects.order_by("-pk")[0].pk
    remove_events(BEFORE, now=NOW)
    moved = Transition.objects.filter(pk__gt=newest)
    assert set(moved.values_list("segment__name", flat=True)) <= named


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
@pytest.mark.django_db
def test_a_rule_that_is_not_named_matches_the_same_without_the_events(data):
    """Of every window that is said to hold nothing from before a moment, now and as time goes by."""
    with undone():
        window = data.draw(windows(NOW))
        removed_before = NOW - ALWAYS_KEPT - data.draw(st.integers(0, 1_000)) * DAY
        later = NOW + data.draw(st.integers(0, 800)) * DAY
        if begins_before(window, removed_before, NOW):
            return
        ada = Contact.objects.create(external_id="Ada")
        ages = data.draw(st.lists(st.integers(1, 4_000), max_size=6))
        record([NewEvent("purchase", removed_before - hours * DAY / 24, contact_id=ada.pk) for hours in ages], now=NOW)
        for moment in (NOW, later):
            assert not Event.objects.filter(inside(F("occurred_at"), window, Context(now=moment))).exists()


def test_time_goes_on_from_there(world):
    remove_events(BEFORE, now=NOW)
    later = NOW + 25 * DAY
    apply_time(now=later)
    assert names(world["lately"]) == set()
    for one in world.values():
        assert members(one) == matched(one.conditions, now=later)


# The ledger


def test_the_ledger_is_compacted(world):
    Transition.objects.filter(segment=world["bought"]).update(at=BEFORE - DAY)
    Transition.objects.filter(segment=world["never"]).update(at=BEFORE)
    Transition.objects.filter(segment=world["others"]).update(at=BEFORE - timedelta(microseconds=1))
    Segment.objects.filter(pk=world["others"].pk).update(deleted_at=BEFORE)
    memberships = set(Membership.objects.values_list("segment_id", "contact_id", "entered_at", "cause"))
    days = set(SegmentDay.objects.values_list("segment_id", "day", "entered", "left"))
    others = Transition.objects.filter(at__gte=BEFORE).count()
    assert count_ledger(BEFORE) == 4
    told: list[tuple[int, int, str]] = []
    assert compact_ledger(BEFORE, now=NOW, report=lambda *one: told.append(one)) == 4
    assert list(dict.fromkeys(told)) == [
        (2, 4, "2 entries of the ledger removed"),
        (4, 4, "4 entries of the ledger removed"),
    ]
    assert (Transition.objects.count(), count_ledger(BEFORE)) == (others, 0)
    assert set(Membership.objects.values_list("segment_id", "contact_id", "entered_at", "cause")) == memberships
    assert set(SegmentDay.objects.values_list("segment_id", "day", "entered", "left")) == days
    assert compact_ledger(BEFORE, now=NOW) == 0


def test_the_latest_entries_always_stay(world):
    with pytest.raises(ValueError, match="are kept"):
        compact_ledger(NOW - ALWAYS_KEPT + DAY, now=NOW)


def test_it_is_counted_with_few_queries(world, django_assert_num_queries):
    with django_assert_num_queries(2):
        count_ledger(BEFORE)


def test_a_job_compacts_it_too(world):
    from crm import jobs

    Transition.objects.filter(segment=world["bought"]).update(at=BEFORE - DAY)
    params = {"before": BEFORE.isoformat(), "ledgers": ["segments"]}
    job = jobs.start(retention.JOB, title="Remove", params=params, now=NOW)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.message) == ("done", 8, "8 records removed")
    assert count_ledger(BEFORE) == 0
