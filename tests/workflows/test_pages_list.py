"""Workflows: the list, and what its rows offer."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import Contact, Watched
from tests.segments.pages import text_of, titles
from tests.workflows.flows import active, graph, people
from workflows import engine
from workflows.models import Run, Workflow

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
WAITING = graph({"w": ("wait", {"until": "span", "count": 1, "unit": "days"})}, "start > w")


def waits_for_opening() -> dict[str, object]:
    settings = {"until": "event", "event": "email_opened", "count": 1, "unit": "days"}
    return graph({"w": ("wait", settings)}, "start > w")


def named(name: str, **values: object) -> Workflow:
    return Workflow.objects.create(name=name, **values)


def queries(client: Client) -> int:
    with CaptureQueriesContext(
        connection,
    ) as counted:
        assert client.get("/workflows/").status_code == 200
    return len(counted)


def test_a_row_says_what_there_is_to_know(marketer_client: Client):
    now = timezone.now()
    people(3, now=now - timedelta(days=40))
    workflow = active("Welcome", WAITING, now=now - timedelta(days=35))
    engine.tick(now=now - timedelta(days=35))
    engine.tick(now=now - timedelta(days=33))
    people(2, now=now)
    Run.objects.bulk_create(
        Run(
            workflow=workflow,
            version=workflow.version,
            contact=contact,
            key=f"k{number}",
            is_test=number > 1,
            node="w",
            arrived_at=now,
            started_at=now,
        )
        for number, contact in enumerate(Contact.objects.order_by("pk"))
    )
    text = text_of(marketer_client.get("/workflows/"))
    assert "Welcome Active 2 3 2 –" in text
    assert "1 workflow" in text


def test_an_empty_list_says_how_to_begin(marketer_client: Client, viewer_client: Client):
    assert "No workflows yet" in text_of(marketer_client.get("/workflows/"))
    assert 'href="/workflows/new/"' in marketer_client.get("/workflows/").content.decode()
    assert 'href="/workflows/new/"' not in viewer_client.get("/workflows/").content.decode()


def test_names_states_and_folders_are_found(marketer_client: Client):
    named("Österreich", folder="Welcome")
    named("cart", state="paused")
    named("Birthday", state="paused", folder="Welcome")
    named("Gone", deleted_at=timezone.now())
    found = {
        query: titles(marketer_client.get(f"/workflows/?{query}"))
        for query in (
            "",
            "q=ÖSTER",
            "state=paused",
            "state=odd",
            "folder=Welcome",
            "folder=Welcome&state=paused",
            "q=x",
        )
    }
    assert found == {
        "": ["Birthday", "cart", "Österreich"],
        "q=ÖSTER": ["Österreich"],
        "state=paused": ["Birthday", "cart"],
        "state=odd": ["Birthday", "cart", "Österreich"],
        "folder=Welcome": ["Birthday", "Österreich"],
        "folder=Welcome&state=paused": ["Birthday"],
        "q=x": [],
    }


def test_the_number_of_queries_does_not_grow(marketer_client: Client):
    named("One")
    at_one = queries(marketer_client)
    named("Two")
    named("Three")
    assert (at_one, queries(marketer_client)) == (8, 8)


def test_names_are_escaped(marketer_client: Client):
    named("<b>Bold</b>", folder="<i>", description="<script>")
    html = marketer_client.get("/workflows/").content.decode()
    assert "&lt;b&gt;Bold&lt;/b&gt;" in html
    assert "<b>Bold" not in html
    assert "<i>" not in html


def test_who_may_do_what(viewer_client: Client, marketer_client: Client, client: Client):
    workflow = named("W")
    assert client.get("/workflows/").status_code == 302
    assert viewer_client.get("/workflows/").status_code == 200
    assert viewer_client.get(f"/workflows/{workflow.pk}/export/").status_code == 200
    for address in (f"{workflow.pk}/delete/", "import/"):
        assert viewer_client.get(f"/workflows/{address}").status_code == 403
        assert marketer_client.get(f"/workflows/{address}").status_code == 200
    assert viewer_client.post(f"/workflows/{workflow.pk}/duplicate/").status_code == 403
    assert marketer_client.get(f"/workflows/{workflow.pk}/duplicate/").status_code == 405


def test_a_deleted_workflow_lets_everybody_go_and_listens_to_nothing(marketer_client: Client):
    people(2, now=NOON)
    workflow = active("Welcome", waits_for_opening(), now=NOON)
    engine.tick(now=NOON)
    assert Watched.objects.filter(key="event:email_opened").exists()
    assert "2 contacts are in it" in text_of(marketer_client.get(f"/workflows/{workflow.pk}/delete/"))
    assert marketer_client.post(f"/workflows/{workflow.pk}/delete/").status_code == 303
    assert not Watched.objects.exists()
    assert set(Run.objects.values_list("state", "reason")) == {("exited", "The workflow was deleted")}
    people(1, now=NOON)
    engine.tick(now=NOON + timedelta(days=2))
    assert Run.objects.count() == 2
    assert titles(marketer_client.get("/workflows/")) == []
    assert marketer_client.get(f"/workflows/{workflow.pk}/delete/").status_code == 404


def test_a_copy_is_a_draft_with_the_same_graph(marketer_client: Client):
    workflow = active("Welcome", WAITING, now=NOON)
    marketer_client.post(f"/workflows/{workflow.pk}/duplicate/")
    marketer_client.post(f"/workflows/{workflow.pk}/duplicate/")
    copies = Workflow.objects.exclude(pk=workflow.pk).order_by("pk")
    assert [(one.name, one.state, one.draft == workflow.draft) for one in copies] == [
        ("Welcome (copy)", "draft", True),
        ("Welcome (copy) 2", "draft", True),
    ]
