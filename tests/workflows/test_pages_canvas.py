"""The canvas, the panel of a node, the list without JavaScript, and the life of a workflow, as they are answered."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.models import User
from tests.conftest import logged_in
from tests.segments.pages import people, static, text_of
from tests.workflows.flows import graph
from tests.workflows.kinds import registered
from workflows import activation
from workflows.cards import BY_USE, palette
from workflows.drafting import create, save_draft
from workflows.graph import parse
from workflows.models import Run, Workflow

pytestmark = pytest.mark.django_db

PASS: tuple[str, dict[str, Any]] = ("test_pass", {})
EVEN: tuple[str, dict[str, Any]] = ("test_even", {})
PAUSE: tuple[str, dict[str, Any]] = ("test_pause", {})
BUYS: tuple[str, dict[str, Any]] = ("test_buys", {"category": "desks"})

READ = {"canvas": "get", "steps": "get", "node": "get"}
WRITE = {
    "new": "get",
    "settings": "get",
    "activate": "get",
    "finish": "get",
    "pause": "post",
    "resume": "post",
    "keep": "post",
    "draft": "put",
}


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    with registered():
        yield


@pytest.fixture
def welcome(now: datetime) -> Workflow:
    stored = graph({"a": EVEN, "b": PAUSE}, "start > a", "a.yes > b")
    return create(name="Welcome", now=now, draft=stored)


def address(name: str, workflow: Workflow, node: str = "") -> str:
    if name == "new":
        return reverse("workflows:new")
    return reverse(f"workflows:{name}", args=[workflow.pk, *([node or "a"] if name == "node" else [])])


def put(client: Client, workflow: Workflow, stored: Any, number: Any = 1) -> Any:
    sent = json.dumps({"number": number, "graph": stored})
    return client.put(address("draft", workflow), sent, content_type="application/json")


def data_of(response: Any) -> dict[str, Any]:
    html = response.content.decode()
    begin = html.index(">", html.index('id="workflow-data"')) + 1
    data: dict[str, Any] = json.loads(html[begin : html.index("</script>", begin)])
    return data


def links() -> set[tuple[str, str, str]]:
    """What leads to what, as it is stored now."""
    stored = Workflow.objects.get().draft
    return {(edge["from"], edge["port"], edge["to"]) for edge in stored["edges"]}


@pytest.mark.parametrize(("name", "method"), (READ | WRITE).items())
def test_nobody_sees_anything_without_signing_in(client: Client, welcome: Workflow, name: str, method: str):
    there = address(name, welcome)
    response = getattr(client, method)(there)
    assert (response.status_code, response.url) == (302, f"/accounts/login/?next={there}")


@pytest.mark.parametrize(("name", "method"), READ.items())
@pytest.mark.parametrize("role", ["viewer", "marketer", "administrator"])
def test_everybody_with_a_role_looks(user_with_role: Any, welcome: Workflow, name: str, method: str, role: str):
    assert getattr(logged_in(user_with_role(role)), method)(address(name, welcome)).status_code == 200


@pytest.mark.parametrize(("name", "method"), [*WRITE.items(), ("node", "post")])
def test_viewers_change_nothing(viewer_client: Client, welcome: Workflow, name: str, method: str):
    assert getattr(viewer_client, method)(address(name, welcome)).status_code == 403


def test_viewers_see_neither_palette_nor_buttons(viewer_client: Client, welcome: Workflow):
    html = viewer_client.get(address("canvas", welcome)).content.decode()
    assert [word for word in ("palette", "remove-edge", "Save and activate", "Undo") if f"{word}</" in html] == []
    assert 'id="palette"' not in html
    assert data_of(viewer_client.get(address("canvas", welcome)))["mayEdit"] is False
    panel = viewer_client.get(address("node", welcome), headers={"HX-Request": "true"}).content.decode()
    assert '<fieldset class="panel-body stack" disabled>' in panel
    assert "Update" not in panel


def test_the_canvas_has_the_graph_its_cards_and_faults(marketer_client: Client, welcome: Workflow):
    data = data_of(marketer_client.get(address("canvas", welcome)))
    assert (data["number"], data["graph"], data["mayEdit"]) == (1, welcome.draft, True)
    assert data["cards"]["a"] == {
        "label": "Even",
        "text": "",
        "icon": "circle",
        "group": "condition",
        "ports": [{"key": "yes", "label": "Yes", "kind": "yes"}, {"key": "no", "label": "No", "kind": "no"}],
        "faults": [],
    }
    assert data["faults"] == []
    assert data["kinds"]["test_pause"]["group"] == "timing"


def test_the_palette_begins_with_what_people_use_most():
    actions = [kind.key for kind in dict(palette())["Actions"] if not kind.key.startswith("test_")]
    assert actions == list(BY_USE)


def test_what_people_typed_stays_text(marketer_client: Client, now: datetime):
    stored = graph({"a": ("</script><b>", {})}, "start > a")
    stored["nodes"][1]["note"] = "</script><b>bold</b>"
    workflow = create(name="<b>Bold</b>", description="<i>", now=now, draft=stored)
    for name in ("canvas", "steps", "node"):
        html = marketer_client.get(address(name, workflow)).content.decode()
        assert "<b>" not in html
        assert "&lt;b&gt;Bold&lt;/b&gt;" in html


@pytest.mark.parametrize("number", [1, 3])
def test_queries_do_not_grow_with_the_nodes(
    marketer_client: Client, now: datetime, number: int, django_assert_num_queries: Any
):
    segment = static("VIP", now=now)
    nodes: dict[str, Any] = {f"n{at}": ("is_in_segment", {"segment": segment.pk}) for at in range(number)}
    chain = [f"n{at}.yes > n{at + 1}" for at in range(number - 1)]
    workflow = create(name="Long", now=now, draft=graph(nodes, "start > n0", *chain))
    with django_assert_num_queries(7):
        marketer_client.get(address("canvas", workflow))
    with django_assert_num_queries(7):
        marketer_client.get(address("node", workflow, "n0"), headers={"HX-Request": "true"})
    with django_assert_num_queries(9):
        assert put(marketer_client, workflow, graph(nodes, "start > n0")).status_code == 200


class TestSaving:
    def test_a_draft_is_saved_and_described(self, marketer_client: Client, welcome: Workflow):
        stored = graph({"a": PASS, "b": PASS}, "start > a")
        response = put(marketer_client, welcome, stored)
        assert response.json()["number"] == 2
        assert response.json()["faults"] == [{"node": "b", "label": "Pass", "message": "Nothing leads to this node."}]
        assert response.json()["cards"]["b"]["faults"] == ["Nothing leads to this node."]
        assert Workflow.objects.get().draft["edges"] == [{"from": "start", "port": "next", "to": "a"}]

    def test_who_comes_second_is_told_who_was_first(
        self, marketer_client: Client, administrator: User, welcome: Workflow
    ):
        theirs = parse(graph({"c": PASS}, "start > c"))
        save_draft(welcome, theirs, number=1, now=timezone.now(), user=administrator)
        response = put(marketer_client, welcome, graph({"a": PASS}, "start > a"))
        assert response.status_code == 409
        assert response.json()["message"].startswith("administrator saved this workflow meanwhile (")
        assert Workflow.objects.get().draft == theirs.as_json()

    def test_mine_is_kept_as_a_workflow_of_its_own(self, marketer_client: Client, welcome: Workflow):
        sent = json.dumps({"number": 1, "graph": graph({"a": PASS}, "start > a")})
        response = marketer_client.post(address("keep", welcome), sent, content_type="application/json")
        kept = Workflow.objects.get(name="Welcome (my version)")
        assert (response.status_code, response.json()) == (201, {"address": f"/workflows/{kept.pk}/"})
        assert [node["id"] for node in kept.draft["nodes"]] == ["start", "a"]

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "[]",
            "{",
            "[" * 100_000,
            '{"number": "1", "graph": {}}',
            '{"number": 1, "graph": {"nodes": [{"id": "<"}]}}',
            '{"number": 1, "graph": {"nodes": [], "edges": [{"from": "a", "port": "next", "to": "b"}]}}',
            '{"number": 1, "graph": {"nodes": [{"id": "a", "type": "x", "settings": {"a": "\\u0000"}}]}}',
        ],
    )
    def test_what_is_no_draft_is_refused(self, marketer_client: Client, welcome: Workflow, body: str):
        for send, name in ((marketer_client.put, "draft"), (marketer_client.post, "keep")):
            response = send(address(name, welcome), body, content_type="application/json")
            assert response.status_code == 400
            assert response.json()["message"]
        assert Workflow.objects.get().draft_number == 1

    def test_deleted_workflows_are_gone(self, marketer_client: Client, welcome: Workflow):
        Workflow.objects.update(deleted_at=timezone.now())
        assert marketer_client.get(address("canvas", welcome)).status_code == 404
        assert put(marketer_client, welcome, welcome.draft).status_code == 404


class TestPanel:
    @pytest.fixture
    def asks(self, now: datetime) -> Workflow:
        segment = static("VIP", now=now)
        nodes = {"a": ("is_in_segment", {"segment": segment.pk}), "b": PASS, "c": PASS}
        return create(name="Asks", now=now, draft=graph(nodes, "start > a", "a.yes > b"))

    def post(self, client: Client, workflow: Workflow, node: str = "a", **typed: Any) -> Any:
        first = Workflow.objects.get(pk=workflow.pk)
        settings = next(one for one in first.draft["nodes"] if one["id"] == node)["settings"]
        stored = {name: value for name, value in settings.items() if value is not None}
        data = {"update": "1", "draft_number": first.draft_number} | stored | typed
        return client.post(address("node", workflow, node), data)

    def test_update_saves_settings_note_and_next_steps(self, marketer_client: Client, asks: Workflow, now: datetime):
        other = static("Guests", now=now)
        response = self.post(
            marketer_client, asks, segment=other.pk, **{"step-note": "Ask Mara", "step-to-no": "c", "step-to-yes": "b"}
        )
        assert (response.status_code, response.url) == (303, address("node", asks))
        saved = Workflow.objects.get()
        node = saved.draft["nodes"][1]
        assert (node["settings"]["segment"], node["note"], saved.draft_number) == (other.pk, "Ask Mara", 2)
        assert links() == {("start", "next", "a"), ("a", "yes", "b"), ("a", "no", "c")}

    def test_the_panel_brings_what_the_canvas_must_know(self, marketer_client: Client, asks: Workflow):
        data = {"segment": asks.draft["nodes"][1]["settings"]["segment"], "update": "1", "draft_number": 1}
        response = marketer_client.post(address("node", asks), data, headers={"HX-Request": "true"})
        html = response.content.decode()
        begin = html.index(">", html.index('id="panel-state"')) + 1
        state = json.loads(html[begin : html.index("</script>", begin)])
        assert (state["number"], set(state["cards"])) == (2, {"start", "a", "b", "c"})
        assert json.loads(response["HX-Trigger-After-Swap"]) == {"node-updated": {"number": 2}}

    def test_a_new_step_does_not_complain_of_what_nobody_has_filled_in_yet(
        self, marketer_client: Client, now: datetime
    ):
        workflow = create(name="New", now=now, draft=graph({"a": ("is_in_segment", {}), "b": PASS}, "start > b"))
        text = text_of(marketer_client.get(address("node", workflow)))
        assert ("Nothing leads to this node." in text, "Choose a segment." in text) == (True, False)
        assert "Choose a segment." in text_of(self.post(marketer_client, workflow))

    def test_faults_land_at_their_field_and_nothing_is_saved(self, marketer_client: Client, asks: Workflow):
        response = self.post(marketer_client, asks, segment="", **{"step-note": "Kept"})
        assert response.status_code == 422
        html = response.content.decode()
        assert 'aria-invalid="true"' in html
        assert "Kept" in html
        assert Workflow.objects.get().draft_number == 1

    def test_a_new_step_is_added_behind_it(self, marketer_client: Client, asks: Workflow):
        self.post(marketer_client, asks, **{"step-to-no": "new:test_pause", "step-to-yes": "b"})
        [added] = [node["id"] for node in Workflow.objects.get().draft["nodes"] if node["type"] == "test_pause"]
        assert links() == {("start", "next", "a"), ("a", "yes", "b"), ("a", "no", added)}

    def test_what_was_drawn_since_the_form_was_printed_stays(self, marketer_client: Client, asks: Workflow):
        drawn = parse(asks.draft | {"edges": [*asks.draft["edges"], {"from": "a", "port": "no", "to": "c"}]})
        save_draft(asks, drawn, number=1, now=timezone.now())
        untouched = {"step-to-yes": "b", "initial-step-to-yes": "b", "step-to-no": "", "initial-step-to-no": ""}
        assert self.post(marketer_client, asks, **untouched).status_code == 303
        assert ("a", "no", "c") in links()

    def test_start_leads_to_several_triggers(self, marketer_client: Client, now: datetime):
        workflow = create(name="Buys", now=now, draft=graph({"a": BUYS, "b": BUYS}, "start > a"))
        typed = {"limitation": "all", "which": "both", "reentry": "never", "step-to-next": ["a", "b"]}
        self.post(marketer_client, workflow, "start", **typed)
        assert links() == {("start", "next", "a"), ("start", "next", "b")}
        self.post(marketer_client, workflow, "start", **typed | {"step-add-next": "new:test_moves"})
        assert len(links()) == 3

    def test_a_conflict_keeps_what_was_typed(self, marketer_client: Client, administrator: User, asks: Workflow):
        save_draft(asks, parse(graph({"a": PAUSE}, "start > a")), number=1, now=timezone.now(), user=administrator)
        response = marketer_client.post(address("node", asks), {"update": "1", "draft_number": 1, "step-note": "Mine"})
        assert response.status_code == 409
        text = text_of(response)
        assert "administrator saved this workflow meanwhile" in text
        assert "Mine" in response.content.decode()
        stale = {"update": "1", "draft_number": 1, "step-note": "Mine"}
        beside = marketer_client.post(address("node", asks), stale, headers={"HX-Request": "true"})
        assert (beside.status_code, beside["Content-Type"]) == (409, "text/plain; charset=utf-8")
        again = {"update": "1", "draft_number": 2, "step-note": "Mine"}
        assert marketer_client.post(address("node", asks), again).status_code == 303
        assert Workflow.objects.get().draft["nodes"][1]["note"] == "Mine"

    def test_a_step_is_removed_and_the_gap_closed(self, marketer_client: Client, asks: Workflow):
        response = marketer_client.post(address("node", asks), {"remove_step": "1", "draft_number": 1})
        assert (response.status_code, response.url) == (303, address("steps", asks))
        assert links() == {("start", "next", "b")}
        stale = marketer_client.post(address("node", asks, "b"), {"remove_step": "1", "draft_number": 1}, follow=True)
        assert "Nothing was removed." in text_of(stale)
        refused = marketer_client.post(
            address("node", asks, "start"), {"remove_step": "1", "draft_number": 2}, follow=True
        )
        assert "Start cannot be removed." in text_of(refused)
        assert len(Workflow.objects.get().draft["nodes"]) == 3

    def test_nodes_of_unknown_kinds_can_only_be_removed(self, marketer_client: Client, now: datetime):
        workflow = create(name="Old", now=now, draft=graph({"a": ("send_fax", {})}, "start > a"))
        html = marketer_client.get(address("node", workflow)).content.decode()
        assert "Nobody knows this kind of node" in html
        assert ("Remove step" in html, "Update" in html) == (True, False)
        assert self.post(marketer_client, workflow).status_code == 404
        assert marketer_client.get(address("node", workflow, "gone")).status_code == 404


class TestList:
    def test_every_step_says_where_it_leads(self, marketer_client: Client, welcome: Workflow):
        text = text_of(marketer_client.get(address("steps", welcome)))
        assert "Even Settings and next step Even Yes Pause No The way ends here Pause" in text

    def test_the_page_of_a_step_has_its_selects(self, marketer_client: Client, welcome: Workflow):
        html = marketer_client.get(address("node", welcome)).content.decode()
        for name in ("step-to-yes", "step-to-no", "step-note", "draft_number"):
            assert f'name="{name}"' in html
        assert '<option value="new:test_pass">Pass</option>' in html


class TestDetails:
    def test_a_new_workflow_is_named_and_then_drawn(self, marketer_client: Client, marketer: User, now: datetime):
        tests = static("Colleagues", now=now, is_test=True)
        static("Real people", now=now)
        page = marketer_client.get("/workflows/new/").content.decode()
        assert ("Colleagues" in page, "Real people" in page) == (True, False)
        assert all(f'class="button" href="/workflows/{other}/"' in page for other in ("templates", "import"))
        typed = {"name": "Welcome", "description": "", "folder": "Spain", "test_segment": tests.pk}
        response = marketer_client.post("/workflows/new/", typed)
        made = Workflow.objects.get()
        assert (response.status_code, response.url) == (303, f"/workflows/{made.pk}/")
        assert (made.name, made.folder, made.test_segment, made.created_by) == ("Welcome", "Spain", tests, marketer)

    def test_a_name_is_had_once(self, marketer_client: Client, welcome: Workflow, now: datetime):
        response = marketer_client.post("/workflows/new/", {"name": "WELCOME"})
        assert response.status_code == 422
        assert "There is a workflow of this name." in text_of(response)
        renamed = marketer_client.post(address("settings", welcome), {"name": "Welcome", "description": "Hello"})
        assert renamed.status_code == 303
        assert Workflow.objects.get().description == "Hello"


class TestLife:
    def enter(self, workflow: Workflow, now: datetime) -> Run:
        activation.activate(workflow, now=now, user=None)
        [ana] = people("Ana", now=now)
        version = workflow.version
        assert version
        return Run.objects.create(
            workflow=workflow, version=version, contact=ana, key="k", node="b", arrived_at=now, started_at=now
        )

    def state(self) -> str:
        return Workflow.objects.get().state

    def test_a_faulty_draft_is_not_activated(self, marketer_client: Client, now: datetime):
        workflow = create(name="Empty", now=now)
        for response in (
            marketer_client.get(address("activate", workflow)),
            marketer_client.post(address("activate", workflow)),
        ):
            text = text_of(response)
            assert "Not ready yet" in text
            assert "Start leads nowhere: connect it with the first step." in text
        assert self.state() == "draft"

    def test_a_draft_becomes_the_version_in_force(self, marketer_client: Client, welcome: Workflow):
        assert "Activate “Welcome”?" in text_of(marketer_client.get(address("activate", welcome)))
        response = marketer_client.post(address("activate", welcome), follow=True)
        assert "“Welcome” is active: version 1." in text_of(response)
        assert self.state() == "active"

    @pytest.mark.parametrize(("answer", "number"), [("stay", 1), ("move", 2)])
    def test_contacts_inside_stay_or_are_moved(
        self, marketer_client: Client, welcome: Workflow, now: datetime, answer: str, number: int
    ):
        run = self.enter(welcome, now)
        assert "1 contact is inside." in text_of(marketer_client.get(address("activate", welcome)))
        assert marketer_client.post(address("activate", welcome)).status_code == 422
        marketer_client.post(address("activate", welcome), {"answer": answer})
        run.refresh_from_db()
        assert run.version.number == number

    def test_pause_resume_and_finish(self, marketer_client: Client, welcome: Workflow, now: datetime):
        run = self.enter(welcome, now)
        assert "“Welcome” is paused" in text_of(marketer_client.post(address("pause", welcome), follow=True))
        assert self.state() == "paused"
        again = marketer_client.post(address("pause", welcome), follow=True)
        assert "The workflow is not in a state in which this can be done." in text_of(again)
        marketer_client.post(address("resume", welcome))
        assert self.state() == "active"
        assert "1 contact is inside." in text_of(marketer_client.get(address("finish", welcome)))
        marketer_client.post(address("finish", welcome), {"answer": "go_on"})
        run.refresh_from_db()
        assert (self.state(), run.state) == ("finished", "waiting")

    def test_finishing_can_end_the_runs(self, marketer_client: Client, welcome: Workflow, now: datetime):
        run = self.enter(welcome, now)
        marketer_client.post(address("finish", welcome), {"answer": "end"})
        run.refresh_from_db()
        assert (self.state(), run.state) == ("finished", "exited")

    def test_the_canvas_says_that_the_draft_is_another_one(
        self, marketer_client: Client, welcome: Workflow, now: datetime
    ):
        activation.activate(welcome, now=now, user=None)
        assert "Draft changed" not in text_of(marketer_client.get(address("canvas", welcome)))
        put(marketer_client, welcome, graph({"a": PASS}, "start > a"))
        assert "Draft changed" in text_of(marketer_client.get(address("canvas", welcome)))
