"""Segments and lists that workflows use."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from contacts.models import ContactList
from contacts.uses import uses_of_list
from segments.editing import InUse, create_segment, delete_segment
from segments.models import Segment
from segments.uses import uses_of
from tests.segments.pages import text_of
from tests.workflows.flows import active, graph, people
from workflows import activation, engine
from workflows.models import Workflow

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def static(name: str = "Guests") -> Segment:
    return create_segment(name=name, kind="static", now=NOON)


def uses(segment: Segment) -> list[str]:
    return [use.name for _source, places in uses_of([segment])[segment.pk] for use in places]


def asking(segment: Segment) -> dict[str, object]:
    wait = ("wait", {"until": "span", "count": 1, "unit": "days"})
    return graph({"q": ("is_in_segment", {"segment": segment.pk}), "w": wait}, "start > q", "q.no > w")


def test_uses_name_workflows_and_their_nodes():
    segment, other = static(), static("Other")
    draft = graph(
        {"a": ("add_to_segment", {"segment": segment.pk})}, start={"limitation": "segment", "segment": segment.pk}
    )
    Workflow.objects.create(name="A draft", draft=draft)
    active("At work", asking(segment), now=NOON)
    rule = {"type": "segment", "segment": segment.pk, "operator": "member"}
    definition = {"version": 1, "match": "all", "rules": [rule]}
    Workflow.objects.create(name="Conditions", draft=graph({"m": ("matches_conditions", {"definition": definition})}))
    Workflow.objects.create(name="Gone", draft=draft, deleted_at=NOON)
    assert uses(segment) == [
        "A draft: Start, Add to segment",
        "At work: Is in segment",
        "Conditions: Matches conditions",
    ]
    assert uses(other) == []


def test_a_list_is_used_by_conditions():
    contact_list, other = (ContactList.objects.create(name=name) for name in ("News", "Other"))
    rule = {"type": "list", "list": contact_list.pk, "operator": "member"}
    definition = {"version": 1, "match": "all", "rules": [rule]}
    Workflow.objects.create(name="W", draft=graph({"m": ("matches_conditions", {"definition": definition})}))
    found = uses_of_list(contact_list.pk)
    assert [(source.key, [use.name for use in places]) for source, places in found] == [
        ("workflows", ["W: Matches conditions"])
    ]
    assert uses_of_list(other.pk) == []


def test_a_segment_that_is_at_work_cannot_be_deleted():
    people(1, now=NOON)
    segment = static()
    workflow = active("W", asking(segment), now=NOON)
    with pytest.raises(InUse, match="W: Is in segment"):
        delete_segment(segment, now=NOON)
    engine.tick(now=NOON)
    Workflow.objects.filter(pk=workflow.pk).update(draft=graph({}))
    activation.finish(workflow, now=NOON, user=None)
    with pytest.raises(InUse):  # one contact is still inside
        delete_segment(segment, now=NOON)
    assert uses(segment) == ["W: Is in segment"]
    engine.tick(now=NOON + timedelta(days=2))
    delete_segment(segment, now=NOON)
    assert not Segment.objects.live().exists()


def test_the_page_and_the_api_refuse_it(marketer_client: Client):
    segment = static()
    active("W <b>", asking(segment), now=NOON)
    address = f"/segments/{segment.pk}/delete/"
    shown = marketer_client.get(address)
    assert "This segment cannot be deleted now" in text_of(shown)
    assert "W &lt;b&gt;: Is in segment" in shown.content.decode()
    assert "Delete segment" not in text_of(shown)
    assert marketer_client.post(address, {"confirmed": "on"}).status_code == 422
    assert Segment.objects.live().exists()
