"""Triggers by dates of contacts, with the clock put forward day by day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from contacts.models import Contact, ContactField
from tests.workflows.flows import active, graph, people, ways
from tests.workflows.happenings import described, faults_of, happens, stored
from workflows import activation, engine
from workflows.models import Workflow
from workflows.nodes import NODES
from workflows.nodes.base import Trigger

pytestmark = pytest.mark.django_db

START = datetime(2026, 2, 20, 12, 0, tzinfo=UTC)
BIRTHDAY = {"field": "date_of_birth", "direction": "on", "count": None, "yearly": True, "time": "09:00:00"}


def born(month: int, day: int) -> Contact:
    (contact,) = people(1, now=START - timedelta(days=1), date_of_birth=date(1980, month, day))
    return contact


def birthdays(settings: dict[str, Any] | None = None, *, now: datetime = START) -> Workflow:
    stored_graph = graph({"d": ("contact_date", BIRTHDAY | (settings or {}))}, "start > d", start={"reentry": "always"})
    return active("Birthday", stored_graph, now=now)


def begun(flow: Workflow) -> dict[int, int]:
    return {contact: len(runs) for contact, runs in ways(flow).items()}


def test_each_is_let_in_on_the_day_at_the_hour_and_once() -> None:
    today, tomorrow, later = born(2, 20), born(2, 21), born(3, 21)
    flow = birthdays()
    engine.tick(now=START)
    engine.tick(now=datetime(2026, 2, 21, 8, 59, tzinfo=UTC))
    assert ways(flow) == {}
    for minutes in (0, 1, 60):
        engine.tick(now=datetime(2026, 2, 21, 9, 0, tzinfo=UTC) + timedelta(minutes=minutes))
    assert ways(flow) == {tomorrow.pk: [["d.next", "finished"]]}
    engine.tick(now=datetime(2026, 2, 22, 9, 0, tzinfo=UTC))
    assert begun(flow) == {tomorrow.pk: 1}
    assert {today.pk, later.pk}.isdisjoint(ways(flow))


def test_the_29th_of_february_and_the_hour_of_the_account(settings: Any) -> None:
    settings.TIME_ZONE = "America/New_York"
    leap, last = born(2, 29), born(2, 28)
    flow = birthdays()
    for _second in range(9):
        engine.tick(now=datetime(2026, 2, 28, 13, 59, tzinfo=UTC))
    assert begun(flow) == {}
    engine.tick(now=datetime(2026, 2, 28, 14, 0, tzinfo=UTC))
    assert begun(flow) == {leap.pk: 1, last.pk: 1}
    Workflow.objects.filter(pk=flow.pk).update(name="Before", state="finished")
    leap_year = birthdays(now=datetime(2028, 2, 27, 15, 0, tzinfo=UTC))
    for day in (28, 29):
        engine.tick(now=datetime(2028, 2, day, 14, 0, tzinfo=UTC))
        assert begun(leap_year) == ({last.pk: 1} if day == 28 else {last.pk: 1, leap.pk: 1})


@pytest.mark.parametrize(("direction", "day"), [("before", 24), ("after", 18)])
def test_days_before_and_after_over_the_end_of_a_month(direction: str, day: int) -> None:
    """Three days before 1 March is 26 February; three days after 21 February, 24 February."""
    before, after = born(3, 1), born(2, 21)
    flow = birthdays({"direction": direction, "count": 3})
    expected = {"before": (before, 26), "after": (after, 24)}[direction]
    for number in range(21, 29):
        engine.tick(now=datetime(2026, 2, number, 9, 0, tzinfo=UTC))
        assert begun(flow) == ({expected[0].pk: 1} if number >= expected[1] else {})


def test_days_missed_within_a_week_are_made_up_for() -> None:
    contacts = {day: born(3, day) for day in range(1, 13)}
    flow = birthdays()
    for day in range(21, 29):
        engine.tick(now=datetime(2026, 2, day, 9, 0, tzinfo=UTC))
    for _second in range(12):
        engine.tick(now=datetime(2026, 3, 11, 15, 0, tzinfo=UTC))
    assert begun(flow) == {contacts[day].pk: 1 for day in range(5, 12)}
    engine.tick(now=datetime(2026, 3, 12, 9, 0, tzinfo=UTC))
    assert begun(flow) == {contacts[day].pk: 1 for day in range(5, 13)}


def test_days_in_a_pause_let_nobody_in() -> None:
    missed, next_one = born(2, 23), born(2, 25)
    flow = birthdays()
    activation.pause(flow, now=START, user=None)
    activation.resume(flow, now=datetime(2026, 2, 24, 12, 0, tzinfo=UTC), user=None)
    for day in (24, 25):
        engine.tick(now=datetime(2026, 2, day, 13, 0, tzinfo=UTC))
    assert begun(flow) == {next_one.pk: 1}
    assert missed.pk not in ways(flow)


def test_a_moment_of_a_custom_field_once() -> None:
    ContactField.objects.create(key="renewal", label="Renewal", type="datetime", created_at=START)
    one, two = people(2, now=START)
    Contact.objects.filter(pk=one.pk).update(custom={"renewal": "2026-02-24T23:30:00.000000Z"})
    Contact.objects.filter(pk=two.pk).update(custom={"renewal": "2025-02-24T23:30:00.000000Z"})
    flow = birthdays({"field": "custom.renewal", "yearly": False, "direction": "before", "count": 2})
    for day in range(20, 29):
        engine.tick(now=datetime(2026, 2, day, 13, 0, tzinfo=UTC))
        assert begun(flow) == ({one.pk: 1} if day >= 22 else {})


def test_further_down_contacts_wait_for_their_next_date() -> None:
    one, two, three = born(2, 23), born(2, 20), born(6, 1)
    Contact.objects.filter(pk=three.pk).update(date_of_birth=None)
    flow = active(
        "Down", graph({"v": ("page_visit", {}), "d": ("contact_date", BIRTHDAY)}, "start > v", "v > d"), now=START
    )
    for contact in (one, two, three):
        happens(contact, "page_visit", START, path="/")
    engine.tick(now=START)
    for day in range(21, 27):
        engine.tick(now=datetime(2026, 2, day, 9, 0, tzinfo=UTC))
        if day == 22:
            assert set(map(str, ways(flow).values())) == {"[['v.next', 'at d']]"}
    passed = [["v.next", "d.next", "finished"]]
    waiting = [["v.next", "at d"]]
    assert ways(flow) == {one.pk: passed, two.pk: waiting, three.pk: waiting}
    Contact.objects.filter(pk=three.pk).update(date_of_birth=date(1990, 2, 28))
    engine.tick(now=datetime(2026, 2, 27, 9, 0, tzinfo=UTC))
    engine.tick(now=datetime(2026, 3, 5, 9, 0, tzinfo=UTC))  # after some days without a worker
    assert ways(flow) == {one.pk: passed, two.pk: waiting, three.pk: passed}


def test_every_morning_has_its_hour_when_clocks_change(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Madrid"
    trigger = NODES["contact_date"]
    assert isinstance(trigger, Trigger)
    after = datetime(2026, 3, 27, 12, 0, tzinfo=UTC)
    opens = []
    for _day in range(3):
        after = trigger.opens_at(BIRTHDAY | {"time": "02:30"}, after=after) or after
        opens.append((after.day, after.hour, after.minute))
    assert opens == [(28, 1, 30), (29, 1, 30), (30, 0, 30)]


def test_words_and_faults() -> None:
    settings = stored("contact_date", {"field": "date_of_birth", "direction": "on", "yearly": "on", "time": "09:00"})
    assert settings == BIRTHDAY
    assert described("contact_date", settings) == "Date of birth (every year), 09:00"
    once = settings | {"direction": "before", "count": 3, "yearly": False}
    assert described("contact_date", once) == "3 days before Date of birth, 09:00"
    assert described("contact_date", {}) == ""
    assert {field for field, _text in faults_of("contact_date", {})} == {"field", "direction", "time"}
    assert faults_of("contact_date", once | {"count": None}) == [("count", "Say how many days before or after.")]
    assert faults_of("contact_date", once | {"count": 366, "yearly": True}) == [
        ("count", "At most a year before or after an anniversary.")
    ]
    assert faults_of("contact_date", once | {"count": 366}) == []
    for gone in ("custom.gone", "email"):
        assert [field for field, _text in faults_of("contact_date", settings | {"field": gone})] == ["field"]
