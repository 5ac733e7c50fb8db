"""Workflow templates: each makes a workflow that can be activated as it is."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import Client

from segments.models import Segment
from tests.segments.pages import text_of
from workflows import activation
from workflows.checking import faults
from workflows.gallery import TEMPLATES, use
from workflows.gallery_templates.sales import Millennials
from workflows.graph import parse
from workflows.models import Workflow
from workflows.nodes import NODES

pytestmark = pytest.mark.django_db

DOCUMENTED = Path(__file__).resolve().parent.parent.parent / "docs" / "workflow-templates.md"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
KEYS = [
    "office_furniture",
    "lead_scoring",
    "birthday",
    "win_back",
    "abandoned_cart",
    "millennials",
    "welcome",
    "double_opt_in",
]


def test_these_templates_are_offered():
    assert TEMPLATES.keys() == KEYS


def test_each_template_is_documented_with_the_kinds_of_its_steps():
    parts = re.split(r"^## ", DOCUMENTED.read_text(), flags=re.MULTILINE)[1:]
    described = {part.partition("\n")[0]: part for part in parts}
    assert described.keys() == {str(template.name) for template in TEMPLATES}
    for template in TEMPLATES:
        kinds = {str(NODES[place.kind].label) for place in template.nodes().values()}
        bold = set(re.findall(r"\*\*(.*?)\*\*", described[str(template.name)]))
        assert kinds <= bold, template.key


@pytest.mark.parametrize("key", KEYS)
def test_a_template_makes_a_workflow_that_can_be_activated_at_once(key: str):
    workflow = use(TEMPLATES[key], now=NOON, user=None)
    graph = parse(workflow.draft)
    assert [(one.node, one.field, one.message) for one in faults(graph, workflow_id=workflow.pk)] == []
    assert graph.reachable() == set(graph.nodes)
    activation.activate(workflow, now=NOON, user=None)
    assert workflow.state == "active"


def test_segments_are_made_once():
    use(Millennials(), now=NOON, user=None)
    use(Millennials(), now=NOON, user=None)
    segment = Segment.objects.get()
    assert (segment.name, segment.kind) == ("Millennials", "dynamic")
    assert list(Workflow.objects.values_list("name", flat=True)) == [
        "Web content for millennials",
        "Web content for millennials 2",
    ]


def test_a_segment_with_other_conditions_is_left_alone():
    other = Segment.objects.create(name="Millennials", kind="static", created_at=NOON)
    workflow = use(Millennials(), now=NOON, user=None)
    made = Segment.objects.exclude(pk=other.pk).get()
    assert made.name == "Millennials 2"
    assert parse(workflow.draft).nodes["q"].settings == {"segment": made.pk}


def test_the_pages_show_what_will_be_made(marketer_client: Client, viewer_client: Client):
    shown = text_of(marketer_client.get("/workflows/templates/"))
    assert all(str(template.name) in shown for template in TEMPLATES)
    assert "Millennials Dynamic will be made" in text_of(marketer_client.get("/workflows/templates/millennials/"))
    assert marketer_client.get("/workflows/templates/none/").status_code == 404
    assert viewer_client.get("/workflows/templates/").status_code == 403
    assert viewer_client.post("/workflows/templates/millennials/").status_code == 403
    response = marketer_client.post("/workflows/templates/millennials/")
    assert (response.status_code, response["Location"]) == (303, f"/workflows/{Workflow.objects.get().pk}/")
    assert "(is there already)" in text_of(marketer_client.get("/workflows/templates/millennials/"))
