"""Editing the conditions of a segment: who enters by that starts workflows only if whoever edits them says so."""

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from contacts.models import Contact
from segments.editing import create_segment, fill, save_segment
from segments.models import Segment
from segments.refresh import apply_changes, refresh_due
from tests.api_client import Api
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


WHOEVER_EDITS_DECIDES = pytest.mark.parametrize(("announce", "runs"), [(False, 0), (True, 1)])


def edited(segment: Segment, *, announce: bool) -> None:
    save_segment(
        segment, name="Here", description="", is_test=False, definition=where("ES"), now=NOON, announce=announce
    )


def runs_of(workflow: Workflow) -> int:
    apply_changes(now=NOON)
    engine.tick(now=NOON)
    return Run.objects.filter(workflow=workflow).count()


@WHOEVER_EDITS_DECIDES
def test_whoever_edits_decides(announce: bool, runs: int):
    segment, workflow = listened_to()
    edited(segment, announce=announce)
    fill(segment, now=NOON)
    segment.refresh_from_db()
    assert segment.size == 1
    assert runs_of(workflow) == runs


@WHOEVER_EDITS_DECIDES
def test_it_is_remembered_for_whoever_refreshes_first(announce: bool, runs: int):
    """The page that saved may have ended before it filled the segment, or a refresh may have failed."""
    segment, workflow = listened_to()
    edited(segment, announce=announce)
    with patch("segments.refresh.full.difference", side_effect=DatabaseError("no space left")):
        assert refresh_due(now=NOON) == 0
    assert refresh_due(now=NOON + timedelta(minutes=6)) == 1
    assert runs_of(workflow) == runs
    person = Contact.objects.create(country="ES")
    assert runs_of(workflow) == runs + 1, "what happens later is no edit"
    assert Run.objects.filter(workflow=workflow, contact=person).count() == 1


@WHOEVER_EDITS_DECIDES
@pytest.mark.parametrize("is_small", [True, False])
def test_it_holds_for_segments_that_read_the_edited_one(announce: bool, runs: int, is_small: bool):
    segment, _workflow = listened_to()
    rule = {"type": "segment", "operator": "member", "segment": segment.pk}
    reader = create_segment(
        name="Reader", kind="dynamic_plus", definition={"version": 1, "match": "all", "rules": [rule]}, now=NOON
    )
    fill(reader, now=NOON)
    stored = graph(
        {"t": ("entered_segment", {"segment": reader.pk}), "p": ("add_points", {"points": 1})}, "start > t", "t > p"
    )
    workflow = active("Read", stored, now=NOON)
    edited(segment, announce=announce)
    with patch("segments.refresh.full.is_small", return_value=is_small):
        fill(segment, now=NOON)
    reader.refresh_from_db()
    assert reader.size == 1
    assert runs_of(workflow) == runs
    Contact.objects.create(country="ES")
    assert runs_of(workflow) == runs + 1


@pytest.mark.parametrize(("answer", "runs"), [({}, 0), ({"announce": False}, 0), ({"announce": True}, 1)])
def test_programs_decide_too(answer: dict[str, bool], runs: int):
    segment, workflow = listened_to(now=timezone.now())
    api = Api.with_scopes("segments:read", "segments:write")
    assert api.patch(f"/segments/{segment.pk}", {"definition": where("ES"), **answer})[0] == 200
    engine.tick(now=timezone.now())
    assert Run.objects.filter(workflow=workflow).count() == runs


def test_the_editor_asks_where_a_workflow_starts(marketer_client: Client):
    segment, workflow = listened_to()
    asked = text_of(marketer_client.get(f"/segments/{segment.pk}/edit/"))
    assert "Entering or leaving this segment, or one that reads it, starts: Greet" in asked
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
