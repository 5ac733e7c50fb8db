"""Editing the conditions of a segment: who enters by that starts workflows only if whoever edits them says so."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from segments.editing import create_segment, fill, save_segment
from segments.models import Segment
from tests.segments.pages import text_of
from tests.workflows.flows import active, graph, people
from workflows import engine
from workflows.models import Run, Workflow

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def where(country: str) -> dict[str, Any]:
    rule = {"type": "field", "field": "country", "operator": "is", "value": country}
    return {"version": 1, "match": "all", "rules": [rule]}


def listened_to(*, now: datetime = NOON) -> tuple[Segment, Workflow]:
    people(2, now=now, country="IT")
    people(1, now=now, country="ES")
    segment = create_segment(name="Here", kind="dynamic", definition=where("IT"), now=now)
    fill(segment, now=now)
    stored = graph(
        {"t": ("entered_segment", {"segment": segment.pk}), "p": ("add_points", {"points": 1})}, "start > t", "t > p"
    )
    return segment, active("Greet", stored, now=now)


@pytest.mark.parametrize(("announce", "runs"), [(False, 0), (True, 1)])
def test_whoever_edits_decides(announce: bool, runs: int):
    segment, workflow = listened_to()
    save_segment(segment, name="Here", description="", is_test=False, definition=where("ES"), now=NOON)
    fill(segment, now=NOON, announce=announce)
    segment.refresh_from_db()
    assert segment.size == 1
    engine.tick(now=NOON)
    assert Run.objects.filter(workflow=workflow).count() == runs


def test_the_editor_asks_where_a_workflow_starts(marketer_client: Client):
    segment, workflow = listened_to()
    asked = text_of(marketer_client.get(f"/segments/{segment.pk}/edit/"))
    assert "Entering or leaving this segment starts: Greet" in asked
    Workflow.objects.filter(pk=workflow.pk).update(state="paused")
    assert "Entering or leaving" not in text_of(marketer_client.get(f"/segments/{segment.pk}/edit/"))


@pytest.mark.parametrize(("ticked", "runs"), [({}, 0), ({"announce": "on"}, 1)])
def test_the_editor_saves_the_answer(marketer_client: Client, ticked: dict[str, str], runs: int):
    segment, workflow = listened_to(now=timezone.now())
    posted = {
        "save": "1",
        "name": "Here",
        "description": "",
        "node": ["r::group", "a:r:rule"],
        "r-match": "all",
        "a-subject": "country",
        "a-operator": "is",
        "a-value": "ES",
    }
    html = marketer_client.get(f"/segments/{segment.pk}/edit/").content.decode()
    token = html.split('name="saved" value="')[1].split('"')[0]
    response = marketer_client.post(f"/segments/{segment.pk}/edit/", posted | ticked | {"saved": token})
    assert response.status_code == 303, text_of(response)[-800:]
    engine.tick(now=timezone.now())
    assert Run.objects.filter(workflow=workflow).count() == runs
