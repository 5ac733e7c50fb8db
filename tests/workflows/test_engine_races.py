"""What another worker does between the look at a run and the write to it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts.events import NewEvent, record
from tests.workflows.flows import active, graph, people, ways
from tests.workflows.test_contacts_going import meanwhile, working
from workflows import engine
from workflows.engine import taking_in
from workflows.models import Run

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def buys(contact: Any, at: datetime, kind: str = "purchase") -> None:
    record([NewEvent(kind, at, contact_id=contact.pk)], now=at)


def test_a_run_that_has_gone_on_meanwhile_is_not_woken_where_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = people(1, now=NOON - MINUTE)
    nodes = {
        "w": ("wait", {"until": "event", "event": "purchase", "count": 1, "unit": "minutes"}),
        "t": ("custom_event", {"event": "visit_of_shop"}),
        "p": ("add_points", {"points": 5}),
    }
    flow = active("Any", graph(nodes, "start > w", "w.not_in_time > t", "w.happened > t", "t > p"), now=NOON)
    engine.tick(now=NOON)
    buys(one, NOON + MINUTE)
    found = taking_in._waiting_for

    def and_then_another_worker_works(happenings: Any) -> Any:
        rows = found(happenings)
        if rows:
            monkeypatch.setattr(taking_in, "_waiting_for", found)
            engine.work_due(now=NOON + 2 * MINUTE)
        return rows

    monkeypatch.setattr(taking_in, "_waiting_for", and_then_another_worker_works)
    engine.tick(now=NOON + 2 * MINUTE)
    engine.tick(now=NOON + 3 * MINUTE)
    assert ways(flow) == {one.pk: [["start.next", "w.not_in_time", "at t"]]}
    assert Run.objects.get().awaits == "event:visit_of_shop"


def test_a_run_that_has_ended_meanwhile_stays_as_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = people(1, now=NOON - MINUTE)
    nodes = {"w": ("wait", {"until": "span", "count": 1, "unit": "minutes"})}
    flow = active("Any", graph(nodes, "start > w", start={"goal": "event", "goal_event": "purchase"}), now=NOON)
    engine.tick(now=NOON)
    buys(one, NOON + 2 * MINUTE)
    ending = taking_in.end

    def after_another_worker(*args: Any, **options: Any) -> None:
        Run.objects.update(state="finished", ended_at=NOON + MINUTE, due_at=None)
        ending(*args, **options)

    monkeypatch.setattr(taking_in, "end", after_another_worker)
    engine.take_in(now=NOON + 2 * MINUTE)
    assert ways(flow)[one.pk][0][-1] == "finished"
    assert Run.objects.get().ended_at == NOON + MINUTE


@pytest.mark.django_db(transaction=True)
def test_what_happens_while_a_run_is_on_its_way_there_wakes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = people(1, now=NOON - MINUTE)
    nodes = {"p": ("add_points", {"points": 5}), "t": ("custom_event", {"event": "visit_of_shop"})}
    flow = active("Any", graph(nodes, "start > p", "p > t"), now=NOON)

    def visits() -> None:
        at = NOON + timedelta(seconds=1)
        record([NewEvent("visit_of_shop", at, contact_id=one.pk)], now=at)
        engine.take_in(now=at)

    with working(monkeypatch) as there:
        meanwhile(there, visits, now=NOON)
    engine.tick(now=NOON + MINUTE)
    assert ways(flow) == {one.pk: [["start.next", "p.next", "t.next", "finished"]]}
