"""Workflows as files."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from contacts.models import ContactList
from segments.editing import create_segment
from segments.models import Segment
from tests.workflows.flows import graph
from workflows.checking import faults
from workflows.exchange import LARGEST_FILE, CannotImport, as_text, import_workflow
from workflows.graph import parse
from workflows.models import Workflow

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def static(name: str) -> Segment:
    return create_segment(name=name, kind="static", now=NOON)


def in_list(pk: int) -> dict[str, Any]:
    rules = [{"type": "list", "list": pk, "operator": "member"}]
    return {"branches": [{"key": "b1", "name": "A", "share": 1, "definition": {"rules": rules}}]}


def a_workflow(segment: Segment, contact_list: ContactList) -> Workflow:
    stored = graph(
        {"q": ("is_in_segment", {"segment": segment.pk}), "s": ("split", in_list(contact_list.pk))},
        "start > q",
        "q.yes > s",
        start={"limitation": "segment", "segment": segment.pk},
    )
    return Workflow.objects.create(name="Welcome", description="Says hello", draft=stored)


def test_what_was_exported_comes_back_with_the_ids_of_this_installation():
    segment, contact_list = static("Guests"), ContactList.objects.create(name="News")
    text = as_text(a_workflow(segment, contact_list))
    segment.delete()
    contact_list.delete()
    static("Others")
    segment, contact_list = static("GUESTS"), ContactList.objects.create(name="News")
    imported = import_workflow(text.encode(), now=NOON, user=None)
    nodes = parse(imported.workflow.draft).nodes
    assert imported.missing == []
    assert (imported.workflow.name, imported.workflow.description) == ("Welcome 2", "Says hello")
    assert nodes["start"].settings["segment"] == nodes["q"].settings["segment"] == segment.pk
    assert nodes["s"].settings == in_list(contact_list.pk)


def test_what_there_is_not_here_is_a_fault_and_never_something_else():
    segment, contact_list = static("Guests"), ContactList.objects.create(name="News")
    text = as_text(a_workflow(segment, contact_list))
    segment.name = "Renamed"
    segment.save()
    imported = import_workflow(text.encode(), now=NOON, user=None)
    drawn = parse(imported.workflow.draft)
    assert imported.missing == ["segment “Guests”"]
    assert drawn.nodes["q"].note == "Not found here: segment “Guests”"
    assert {("q", "segment"), ("start", "segment")} <= {(one.node, one.field) for one in faults(drawn)}


def test_a_segment_of_another_type_is_not_the_same():
    segment = static("Guests")
    text = as_text(a_workflow(segment, ContactList.objects.create(name="News")))
    changed = json.loads(text)
    changed["segments"][str(segment.pk)]["kind"] = "dynamic"
    imported = import_workflow(json.dumps(changed).encode(), now=NOON, user=None)
    assert imported.missing == ["segment “Guests”"]


def file_of(**values: Any) -> bytes:
    start = {"nodes": [{"id": "start", "type": "start", "settings": {}}], "edges": []}
    whole = {"format": "muster workflow", "version": 1, "name": "N", "graph": start}
    return json.dumps(whole | values).encode()


def nodes(**node: Any) -> dict[str, Any]:
    return {"nodes": [{"id": "a", "type": "start", "settings": {}} | node], "edges": []}


def nested(depth: int) -> Any:
    value: Any = 1
    for _level in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b" " * (LARGEST_FILE + 1),
        file_of(format="other"),
        file_of(version=2),
        file_of(graph=None),
        file_of(graph={"nodes": [{"id": "a"}]}),
        file_of(graph=nodes(id="../x")),
        file_of(graph=nodes(settings={"a": nested(60)})),
        file_of(graph=nodes(settings={"a": "\x00"})),
        file_of().replace(b'"N"', b"NaN"),
        file_of(graph={"nodes": [{"id": f"n{number}", "type": "end"} for number in range(201)]}),
    ],
    ids=range(15),
)
def test_hostile_files_are_refused(content: bytes):
    with pytest.raises(CannotImport):
        import_workflow(content, now=NOON, user=None)
    assert not Workflow.objects.exists()


def test_odd_values_beside_the_graph_do_no_harm():
    content = file_of(name=["x"], description=5, segments=[1], lists={"1": 2}, workflows=None)
    assert import_workflow(content, now=NOON, user=None).workflow.name == "Imported workflow"


def test_the_page_imports_and_says_what_is_wrong(marketer_client: Client):
    broken = marketer_client.post("/workflows/import/", {"file": SimpleUploadedFile("w.json", b"x")})
    assert (broken.status_code, "The file is not JSON." in broken.content.decode()) == (422, True)
    sent = {"file": SimpleUploadedFile("w.json", file_of()), "name": "Mine", "folder": "F"}
    response = marketer_client.post("/workflows/import/", sent)
    workflow = Workflow.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/workflows/{workflow.pk}/")
    assert (workflow.name, workflow.folder) == ("Mine", "F")
    exported = marketer_client.get(f"/workflows/{workflow.pk}/export/")
    assert exported["Content-Disposition"] == 'attachment; filename="mine.json"'
    assert exported.json()["graph"]["nodes"][0]["id"] == "start"
