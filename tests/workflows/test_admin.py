"""The administrators' pages of workflows: what they list at what cost, what they hide, and deciding about incidents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from contacts.models import Contact
from crm.models import User
from tests.conftest import logged_in
from tests.segments.pages import text_of
from tests.workflows.flows import graph
from workflows.models import Appointment, Cursor, Delivery, Incident, Run, Step, Version, Workflow
from workflows.site.models import WebContent, WebDesign

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MOMENTS = {"started_at": NOON, "arrived_at": NOON}


@pytest.fixture
def staff(administrator: User) -> Client:
    """An administrator whom the administrators' site lets in."""
    administrator.is_staff = True
    administrator.save()
    return logged_in(administrator)


def make(number: int, user: User | None = None) -> Run:
    """A row of everything, each of a workflow and a contact of its own."""
    workflow = Workflow.objects.create(name=f"Workflow {number}", updated_by=user)
    version = Version.objects.create(workflow=workflow, number=1, graph=workflow.draft, saved_at=NOON, saved_by=user)
    contact = Contact.objects.create(email=f"p{number}@example.org", created_at=NOON)
    run = Run.objects.create(workflow=workflow, version=version, contact=contact, key="k", node="n1", **MOMENTS)
    Step.objects.create(run=run, visit=1, node="n1", arrived_at=NOON, left_at=NOON, port="next")
    Delivery.objects.create(run=run, node="n1", kind="webhook", key=f"d{number}", due_at=NOON, created_at=NOON)
    Incident.objects.create(run=run, node="n1", text="It broke", at=NOON, closed_by=user)
    Appointment.objects.create(version=version, node="n1", due_at=NOON)
    Cursor.objects.create(consumer=f"consumer {number}")
    design = WebDesign.objects.create(digest=str(number), name=f"Popup {number}", created_at=NOON)
    WebContent.objects.create(design=design, contact=contact, key=f"w{number}", created_at=NOON, expires_at=NOON)
    return run


def page(client: Client, name: str, **query: Any) -> Any:
    response = client.get(reverse(f"admin:workflows_{name}_changelist"), query)
    assert response.status_code == 200
    return response


def listed(client: Client, name: str, **query: Any) -> list[Any]:
    return [row.pk for row in page(client, name, **query).context["cl"].result_list]


MODELS = [model for model in admin.site._registry if model._meta.app_label == "workflows"]


@pytest.mark.parametrize("rows", [1, 3])
def test_a_list_costs_the_same_for_any_number_of_rows(superuser_client, superuser, django_assert_num_queries, rows):
    for number in range(rows):
        make(number, superuser)
    for model in MODELS:
        with django_assert_num_queries(4):  # the session and its user, the count up to a bound, and the rows
            response = page(superuser_client, model._meta.model_name)
        assert response.context["cl"].result_count == rows, model


@pytest.mark.parametrize("action", ["add", "change", "delete"])
def test_nobody_writes_here(superuser_client, action):
    make(1)
    for model in MODELS:
        args = [] if action == "add" else [model._default_manager.get().pk]
        url = reverse(f"admin:workflows_{model._meta.model_name}_{action}", args=args)
        assert superuser_client.post(url, {"post": "yes"}).status_code == 403, model
        assert model._default_manager.exists()


def test_a_workflow_leads_to_its_canvas_unless_it_is_deleted(staff):
    workflow = make(1).workflow
    canvas = f'href="{reverse("workflows:canvas", args=[workflow.pk])}"'
    change = reverse("admin:workflows_workflow_change", args=[workflow.pk])
    assert canvas in page(staff, "workflow").text
    assert canvas in staff.get(change).text
    assert "State Draft" in text_of(staff.get(change))
    assert listed(staff, "workflow", deleted="no") == [workflow.pk]
    Workflow.objects.update(deleted_at=NOON)
    assert canvas not in page(staff, "workflow").text
    assert canvas not in staff.get(change).text
    assert listed(staff, "workflow", deleted="no") == []
    assert listed(staff, "workflow", deleted="yes") == [workflow.pk]


def test_secrets_of_nodes_are_not_shown(staff):
    stored = graph({"hook": ("webhook", {"url": "https://example.org/<b>", "secret": "sealed"})}, "start > hook")
    run = make(1)
    Workflow.objects.update(draft=stored)
    Version.objects.update(graph=stored)
    for name, pk in (("workflow", run.workflow_id), ("version", run.version_id)):
        text = staff.get(reverse(f"admin:workflows_{name}_change", args=[pk])).text
        assert "https://example.org/&lt;b&gt;" in text
        assert "sealed" not in text


def test_records_are_found_by_their_run_and_contact(staff):
    first, second = make(1), make(2)
    step = Step.objects.create(run=second, visit=2, node="n2", arrived_at=NOON, left_at=NOON)
    steps = list(Step.objects.filter(run=second).order_by("visit").values_list("pk", flat=True))
    assert listed(staff, "step", run=second.pk) == steps == [step.pk - 1, step.pk]
    assert listed(staff, "step") == [step.pk, step.pk - 1, step.pk - 2]
    assert listed(staff, "step", run__contact__id__exact=first.contact_id) == [step.pk - 2]
    assert listed(staff, "step", run="x") == listed(staff, "delivery", run="9" * 30) == []
    assert listed(staff, "run", contact__id__exact=first.contact_id) == [first.pk]
    assert listed(staff, "run", workflow__id__exact=second.workflow_id) == [second.pk]
    assert listed(staff, "run", state__exact="failed") == []
    assert listed(staff, "delivery", q="d2") == [second.deliveries.get().pk]
    assert listed(staff, "webcontent", q="w1") == [first.contact.web_contents.get().pk]
    response = staff.get(reverse("admin:workflows_run_change", args=[second.pk]))
    assert "State In the workflow" in text_of(response)
    detail = response.text
    assert f'href="{reverse("admin:workflows_step_changelist")}?run={second.pk}"' in detail
    assert f'href="{reverse("workflows:path", args=[second.workflow_id, second.pk])}"' in detail


def decide(client: Client, action: str, *incidents: Incident) -> list[str]:
    selected = {"action": action, "_selected_action": [str(incident.pk) for incident in incidents]}
    response = client.post(reverse("admin:workflows_incident_changelist"), selected, follow=True)
    return [str(message) for message in response.context["messages"]]


def test_incidents_are_tried_again_or_left(staff, administrator):
    runs = [make(1), make(2), make(3)]
    Run.objects.update(state="failed", ended_at=NOON, due_at=None)
    first, second, third = Incident.objects.order_by("pk")
    assert decide(staff, "try_again", first, second) == ["2 incidents are tried again."]
    assert decide(staff, "leave", third) == ["1 incident was closed."]
    assert decide(staff, "leave", first, third) == ["Nothing was left to decide."]
    assert list(Run.objects.order_by("pk").values_list("pk", "state")) == [
        (runs[0].pk, "waiting"),
        (runs[1].pk, "waiting"),
        (runs[2].pk, "failed"),
    ]
    assert {incident.closed_by for incident in Incident.objects.all()} == {administrator}
    assert listed(staff, "incident", decided="no") == []
    assert listed(staff, "incident", decided="yes") == [third.pk, second.pk, first.pk]


def test_who_may_decide(viewer, marketer):
    make(1)
    for user in (viewer, marketer):
        user.is_staff = True
        user.save()
    url = reverse("admin:workflows_incident_changelist")
    assert logged_in(viewer).get(url).status_code == 403
    assert decide(logged_in(marketer), "leave", Incident.objects.get()) == ["1 incident was closed."]
