"""What holds of every trigger: its panel, its words, and that it lets everybody pass while a draft is tested."""

from __future__ import annotations

from datetime import datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contacts.models import ContactList
from segments.editing import create_segment
from tests.workflows.batches import batch, worked
from tests.workflows.flows import graph, people
from workflows.checking import faults
from workflows.drafting import create
from workflows.graph import parse
from workflows.models import Workflow
from workflows.nodes import NODES
from workflows.nodes.base import NodeContext, NodeGroup, Trigger

pytestmark = pytest.mark.django_db

TRIGGERS = [kind.key for kind in NODES if isinstance(kind, Trigger) and kind.group == NodeGroup.TRIGGER]


def settings_of(now: datetime) -> dict[str, dict[str, Any]]:
    """Settings that each trigger needs to be complete; those without any are left out."""
    segment = create_segment(name="Office", description="", kind="static", is_test=False, definition=None, now=now)
    return {
        "entered_segment": {"segment": segment.pk},
        "left_segment": {"segment": segment.pk},
        "list_subscribed": {"list": ContactList.objects.create(name="News", created_at=now).pk},
        "cart_abandoned": {"count": 1, "unit": "hours"},
        "contact_date": {"field": "date_of_birth", "direction": "on", "time": "09:00", "yearly": True},
        "custom_event": {"event": "booking", "filters": [{"property": "city", "operator": "is", "value": ["Lugo"]}]},
    }


def test_there_are_the_triggers_that_people_know() -> None:
    assert {str(NODES[key].label) for key in TRIGGERS} >= {
        "On page visit",
        "On searching",
        "On product visit",
        "On product addition",
        "On cart abandonment",
        "When buying",
        "On entering segment",
        "On leaving segment",
        "On opening email",
        "On clicking",
        "On unsubscribing",
        "On subscribing to list",
        "On a date of the contact",
        "On custom event",
        "On import",
        "On API call",
    }
    assert all(NODES[key].help for key in TRIGGERS)


def test_all_pass_at_once_in_a_test_and_wait_else(now: datetime) -> None:
    complete = settings_of(now)
    ids = [contact.pk for contact in people(2, now=now)]
    for key in TRIGGERS:
        tested = worked(batch(key, complete.get(key, {}), ids, now=now, is_test=True))
        assert (tested.ports, tested.waits) == ({"next": set(ids)}, {})
        assert set(worked(batch(key, complete.get(key, {}), ids, now=now)).waits) == set(ids)


class Inputs(HTMLParser):
    """The names of the inputs of a page, and what a browser would post for them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in ("input", "select", "textarea"):
            self.names.append(dict(attributes).get("name") or "")


def test_every_panel_shows_the_settings_and_keeps_them(marketer_client: Client, now: datetime) -> None:
    complete = settings_of(now)
    nodes = {f"n{place}": (key, complete.get(key, {})) for place, key in enumerate(TRIGGERS)}
    flow = create(name="All", now=now, draft=graph(nodes, *(f"start > {node_id}" for node_id in nodes)))
    assert faults(parse(flow.draft)) == []
    for node_id, (key, given) in nodes.items():
        address = reverse("workflows:node", args=[flow.pk, node_id])
        page = marketer_client.get(address, headers={"HX-Request": "true"})
        assert page.status_code == 200
        form = NODES[key].form.checked(given, NodeContext(parse(flow.draft), workflow_id=flow.pk))
        assert set(form.fields) <= set(Inputs(page.content.decode()).names)
        number = Workflow.objects.values_list("draft_number", flat=True).get(pk=flow.pk)
        posted = {bound.html_name: "" if bound.value() is None else bound.value() for bound in form}
        posted = {name: value for name, value in posted.items() if value is not False}
        saved = marketer_client.post(address, posted | {"draft_number": number, "update": "1", "note": ""})
        assert saved.status_code == 303, key
    kept = parse(Workflow.objects.get(pk=flow.pk).draft)
    for node_id, (key, given) in nodes.items():
        assert faults(kept) == []
        assert NODES[key].describe(kept.nodes[node_id].settings, NodeContext(kept, workflow_id=flow.pk)) == NODES[
            key
        ].describe(given, NodeContext(kept, workflow_id=flow.pk))
