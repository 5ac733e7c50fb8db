"""Emails in doubt are incidents of the workflow that sent them, until somebody decides."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.claiming import HANDING_OVER_TAKES_AT_MOST, doubt_lost
from campaigns.models import Message
from campaigns.outbox import Recipient, queue
from contacts.deletion import delete_contacts
from contacts.models import Contact
from tests.workflows.acting import together
from tests.workflows.flows import active, graph, people
from workflows import engine, incidents, tasks
from workflows.doubts import tell_of_doubts
from workflows.models import Incident, Workflow

pytestmark = pytest.mark.django_db
NEWS = {"name": "News", "kind": "transactional", "subject": "News", "body": "Hello"}
MINUTE = timedelta(minutes=1)


def mailed(count: int, *, now: datetime) -> Workflow:
    """A workflow that has queued an email to so many people."""
    people(count, now=now)
    workflow = active(
        "News", graph({"n1": ("wait", PAUSE), "m": ("send_email", NEWS)}, "start > n1", "n1 > m"), now=now
    )
    engine.tick(now=now)
    engine.tick(now=now + MINUTE)
    return workflow


PAUSE = {"until": "span", "count": 1, "unit": "minutes"}


def lose_worker(*, now: datetime) -> None:
    """All that is queued is being handed over while its worker dies, and is found so later."""
    Message.objects.update(state="sending", claimed_at=now - HANDING_OVER_TAKES_AT_MOST - MINUTE)
    doubt_lost(now=now)


def test_each_email_in_doubt_is_one_incident_of_its_run_and_node(now: datetime) -> None:
    workflow = mailed(3, now=now)
    assert tell_of_doubts(now=now) == 0
    lose_worker(now=now)
    assert tell_of_doubts(now=now) == 3
    assert tell_of_doubts(now=now + MINUTE) == 0
    found = {(one.run_id, one.node, one.subject, one.at) for one in incidents.open_incidents(workflow.pk)}
    messages = Message.objects.values_list("pk", "key")
    assert found == {(int(key.split(":")[1]), "m", f"message:{pk}", now) for pk, key in messages}
    assert Incident.objects.filter(text__contains="“News”").count() == 3


def test_the_worker_tells(now: datetime) -> None:
    mailed(1, now=now)
    lose_worker(now=now)
    tasks.deliver()
    assert Incident.objects.count() == 1


def test_it_is_sent_again_or_left_and_then_no_longer_in_doubt(now: datetime, marketer_client: Client) -> None:
    workflow = mailed(2, now=now)
    lose_worker(now=now)
    tell_of_doubts(now=now)
    again, left = Incident.objects.order_by("pk")
    address = f"/workflows/{workflow.pk}/incidents/"
    marketer_client.post(address, {"incident": again.pk, "again": "1"})
    marketer_client.post(address, {"incident": left.pk, "leave": "1"})
    states = {
        f"message:{pk}": (state, reason) for pk, state, reason in Message.objects.values_list("pk", "state", "reason")
    }
    assert states == {again.subject: ("queued", ""), left.subject: ("failed", "left")}
    assert tell_of_doubts(now=now) == 0
    assert not incidents.open_incidents(workflow.pk).exists()
    lose_worker(now=now)
    assert tell_of_doubts(now=now) == 2


def test_one_that_turns_out_to_be_sent_is_settled(now: datetime) -> None:
    workflow = mailed(2, now=now)
    lose_worker(now=now)
    tell_of_doubts(now=now)
    sent = Message.objects.order_by("pk").first()
    assert sent
    Message.objects.filter(pk=sent.pk).update(state="sent", sent_at=now)
    tell_of_doubts(now=now + MINUTE)
    assert [one.subject for one in incidents.open_incidents(workflow.pk)] != [f"message:{sent.pk}"]
    assert Incident.objects.get(subject=f"message:{sent.pk}").closed_at == now + MINUTE
    assert incidents.open_incidents(workflow.pk).count() == 1


def test_other_incidents_and_emails_without_a_run_are_let_be(now: datetime) -> None:
    workflow = mailed(1, now=now)
    other = Incident.objects.create(run=workflow.runs.get(), node="m", subject="delivery:1", text="No", at=now)
    message = Message.objects.select_related("content").get()
    queue(
        message.content,
        [Recipient("campaign:1", message.contact_id), Recipient("run:0:1", message.contact_id)],
        now=now,
    )
    delete_contacts(Contact.objects.filter(pk=message.contact_id, email="nobody"), now=now)
    Message.objects.filter(pk=message.pk).delete()
    lose_worker(now=now)
    assert tell_of_doubts(now=now) == 0
    assert list(Incident.objects.filter(closed_at=None)) == [other]


def test_many_cost_no_more_statements(now: datetime) -> None:
    mailed(3, now=now)
    lose_worker(now=now)
    with CaptureQueriesContext(connection) as queries:
        assert tell_of_doubts(now=now) == 3
    assert len(queries) == 9


@pytest.mark.django_db(transaction=True)
def test_of_several_workers_one_tells(now: datetime) -> None:
    mailed(5, now=now)
    lose_worker(now=now)
    together([lambda: tell_of_doubts(now=now)] * 3)
    assert Incident.objects.count() == 5
