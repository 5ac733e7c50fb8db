"""The limits of actions, through the engine: for each contact, within a span, in a pause, and in all."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact
from tests.workflows.acting import together
from tests.workflows.batches import batch
from tests.workflows.flows import active, graph, people
from workflows import engine
from workflows.engine.frozen import frozen
from workflows.engine.starting import Start, begin
from workflows.models import Run, Step, Version, Workflow
from workflows.nodes import NODES
from workflows.nodes.base import NodeContext

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def scoring(limits: dict[str, Any], *, now: datetime) -> Workflow:
    """A workflow that adds a point, with limits; contacts are sent in by `come`, as often as wanted."""
    settings = {"points": 1, "limits": limits}
    assert not NODES["add_points"].faults(settings, NodeContext())
    stored = graph(
        {"n1": ("add_points", settings)}, "start > n1", start={"which": "new", "reentry": "always", "limitation": "all"}
    )
    return active("Scoring", stored, now=now - timedelta(seconds=1))


def come(workflow: Workflow, contacts: list[Contact], *, now: datetime, key: str = "") -> None:
    """Each contact goes through the workflow once."""
    enter(workflow, contacts, now=now, key=key)
    engine.work_due(now=now)


def enter(workflow: Workflow, contacts: list[Contact], *, now: datetime, key: str = "") -> None:
    assert workflow.version_id
    version = frozen([workflow.version_id])[workflow.version_id]
    key = key or now.isoformat()
    with transaction.atomic():
        begin([Start(version, "n1", one.pk, f"{key}:{place}") for place, one in enumerate(contacts)], now=now)


def points(*contacts: Contact) -> list[int]:
    return [Contact.objects.get(pk=one.pk).points for one in contacts]


def said(contact: Contact) -> list[str]:
    return list(
        Step.objects.filter(run__contact=contact, node="n1").order_by("run_id").values_list("detail", flat=True)
    )


def test_once_for_each_contact(now: datetime) -> None:
    workflow = scoring({"contact": "once"}, now=now)
    one, two = people(2, now=now)
    come(workflow, [one, one, two], now=now)
    come(workflow, [one], now=now + 400 * DAY)
    assert points(one, two) == [1, 1]
    held = "Passed over: it was done once for this contact, as often as it may be."
    assert said(one) == ["1 point added", held, held]
    assert set(Run.objects.values_list("state", flat=True)) == {"finished"}


def test_several_times_within_a_span(now: datetime) -> None:
    workflow = scoring({"contact": "times", "times": 2, "span": 7, "unit": "days"}, now=now)
    one, two = people(2, now=now)
    for days in (0, 1, 2, 6):
        come(workflow, [one], now=now + days * DAY)
    assert points(one) == [2]
    come(workflow, [one, two], now=now + 7 * DAY)  # exactly seven days after the first
    assert points(one, two) == [3, 1]
    come(workflow, [one], now=now + 7 * DAY + timedelta(minutes=1))
    assert points(one) == [3]
    assert said(one)[-1] == "Passed over: it was done 2 times for this contact, as often as it may be."


def test_a_pause_after_it_was_done(now: datetime) -> None:
    workflow = scoring({"pause": 2, "pause_unit": "hours"}, now=now)
    (one,) = people(1, now=now)
    for minutes in (0, 119, 120, 180, 240):
        come(workflow, [one], now=now + timedelta(minutes=minutes))
    assert points(one) == [3]
    assert said(one)[1] == "Passed over: it is in the pause after the last time."


def test_so_often_in_all_and_over_versions(now: datetime) -> None:
    workflow = scoring({"total": 3}, now=now)
    contacts = people(5, now=now)
    come(workflow, contacts[:2], now=now)
    old = workflow.version
    assert old
    workflow.version = Version.objects.create(
        workflow=workflow, number=old.number + 1, graph=old.graph, saved_at=now - timedelta(seconds=1)
    )
    workflow.save()
    come(workflow, contacts[2:], now=now + DAY)
    assert points(*contacts) == [1, 1, 1, 0, 0]
    assert said(contacts[4]) == ["Passed over: it was done 3 times, as often as it may be in all."]


def test_what_a_limit_held_back_does_not_count(now: datetime) -> None:
    workflow = scoring({"total": 2, "contact": "once"}, now=now)
    one, two, three = people(3, now=now)
    come(workflow, [one, one, one, two, three], now=now)
    assert points(one, two, three) == [1, 1, 0]


def test_a_test_counts_for_itself(now: datetime) -> None:
    workflow = scoring({"contact": "once", "total": 1}, now=now)
    (one,) = people(1, now=now)
    assert workflow.version
    rehearsal = Version.objects.create(
        workflow=workflow, number=99, graph=workflow.version.graph, is_test=True, saved_at=now
    )
    for key in ("a", "b"):
        Run.objects.create(
            workflow=workflow, version=rehearsal, contact=one, key=key, is_test=True, node="n1",
            arrived_at=now, due_at=now, started_at=now,
        )  # fmt: skip
    engine.work_due(now=now)
    assert points(one) == [1]
    come(workflow, [one], now=now)
    assert points(one) == [2]


def test_limits_are_checked_and_kept_together(now: datetime) -> None:
    kind = NODES["add_points"]
    faults = kind.faults({"points": 1, "limits": {"contact": "times"}}, NodeContext())
    assert {field for field, _text in faults} == {"limits_times", "limits_span"}
    assert {field for field, _ in kind.faults({"points": 1, "limits": {"total": 0}}, NodeContext())} == {"limits_total"}
    posted = {"points": "1", "limits_contact": "once", "limits_times": "3", "limits_unit": "days", "limits_pause": ""}
    form = kind.form(posted, settings={}, context=NodeContext())
    assert form.is_valid(), form.errors
    assert form.stored() == {"points": 1, "limits": {"contact": "once"}}
    without = kind.form({"points": "1"}, settings={}, context=NodeContext())
    assert without.is_valid()
    assert without.stored() == {"points": 1}


def test_no_more_statements_for_a_large_batch(now: datetime) -> None:
    workflow = scoring({"contact": "once", "total": 1_000, "pause": 1}, now=now)
    contacts = people(201, now=now)
    numbers = []
    for ids in ([contacts[0].pk], [one.pk for one in contacts[1:]]):
        of = batch("add_points", {"points": 1, "limits": {"contact": "once", "total": 300}}, ids, now=now,
                   workflow=workflow.pk)  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            list(NODES["add_points"].work(of))
        numbers.append(len(queries))
    assert numbers[0] == numbers[1]


@pytest.mark.django_db(transaction=True)
def test_a_total_holds_with_several_workers(now: datetime) -> None:
    """Each worker has a batch of its own, and all begin at once."""
    workflow = scoring({"total": 7}, now=now)
    contacts = people(20, now=now)
    enter(workflow, contacts, now=now)
    assert workflow.version_id
    version_id = workflow.version_id
    runs = list(Run.objects.order_by("pk").values_list("pk", flat=True))
    parts = [runs[start::4] for start in range(4)]
    together([lambda part=part: engine.working.work_batch(version_id, "n1", now=now, only=part) for part in parts])
    assert sum(points(*contacts)) == 7
    assert Run.objects.filter(state="finished").count() == 20
