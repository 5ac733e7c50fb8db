"""``/workflows`` of the API."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from contacts.models import Contact
from crm.models import ApiKey
from tests.api_client import Api
from tests.workflows.flows import active, graph, people, ways
from workflows import engine
from workflows.models import Run, Workflow

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def called(**start: object) -> Workflow:
    stored = graph({"t": ("api_call", {}), "p": ("add_points", {"points": 1})}, "start > t", "t > p", start=start)
    return active("Called", stored, now=NOON)


def test_a_contact_starts_once_for_each_key():
    api, contact = Api.with_scopes(), people(1, now=NOON)[0]
    workflow = called(limitation="all", which="both", reentry="always")
    address = f"/workflows/{workflow.pk}/start"
    answers = [
        api.post(address, {"email": contact.email.upper(), "key": key, "data": {"order": 7}})[1]
        for key in ("a", "a", "b")
    ]
    assert answers == [{"started": True}, {"started": False}, {"started": True}]
    assert list(Run.objects.values_list("contact_id", "node", "values")) == [(contact.pk, "t", {"order": 7})] * 2


def test_a_contact_that_waits_for_a_call_goes_on():
    api, contact = Api.with_scopes(), people(1, now=NOON)[0]
    stored = graph({"t": ("api_call", {}), "p": ("add_points", {"points": 1})}, "start > p", "p > t")
    workflow = active("Waits", stored, now=NOON)
    engine.tick(now=NOON)
    assert ways(workflow) == {contact.pk: [["start.next", "p.next", "at t"]]}
    assert api.post(f"/workflows/{workflow.pk}/start", {"contact_id": contact.pk, "key": "a"})[0] == 200
    engine.tick(now=timezone.now())
    assert ways(workflow) == {contact.pk: [["start.next", "p.next", "t.next", "finished"]]}


def test_what_cannot_start_is_refused():
    api, contact = Api.with_scopes(), people(1, now=NOON)[0]
    workflow, other = called(), active("Other", graph({"p": ("add_points", {"points": 1})}, "start > p"), now=NOON)
    assert api.post(f"/workflows/{other.pk}/start", {"contact_id": contact.pk, "key": "a"})[0] == 409
    address = f"/workflows/{workflow.pk}/start"
    for body in ({"key": "a"}, {"contact_id": contact.pk}, {"contact_id": contact.pk + 9, "key": "a"}):
        assert api.post(address, body)[0] == 400
    assert api.post(f"/workflows/{workflow.pk + 99}/start", {"contact_id": contact.pk, "key": "a"})[0] == 404
    assert not Run.objects.exists()


def test_workflows_are_listed():
    api, workflow = Api.with_scopes(), called()
    Workflow.objects.create(name="Gone", deleted_at=NOON)
    listed = api.get("/workflows")[1]
    assert [one["name"] for one in listed["results"]] == ["Called"]
    assert api.get(f"/workflows/{workflow.pk}")[1]["state"] == "active"
    assert ApiKey.Scope.WORKFLOWS_START in ApiKey.Scope.values
    assert Contact.objects.count() == 0
