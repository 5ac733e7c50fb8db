"""The forms of conditions, splits and waits: rows added and removed, inputs that follow, what is stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.core.exceptions import BadRequest
from django.http import QueryDict
from django.template.loader import render_to_string
from django.test import Client

from tests.workflows.flows import graph
from workflows.graph import parse
from workflows.models import Workflow
from workflows.nodes import NODES
from workflows.nodes.base import NodeContext

pytestmark = pytest.mark.django_db

COUNTRY = {"type": "field", "field": "country", "operator": "is", "value": "ES"}


def post(kind: str, data: dict[str, Any], settings: dict[str, Any] | None = None) -> Any:
    """The form over what the panel posted."""
    posted = QueryDict(mutable=True)
    for name, value in data.items():
        posted.setlist(name, value if isinstance(value, list) else [value])
    return NODES[kind].form(posted, settings=settings or {}, context=NodeContext())


def printed(kind: str, form: Any) -> str:
    return render_to_string(NODES[kind].template, {"form": form, "may_edit": True, "kind": NODES[kind]})


def condition(subject: str, *, printed_for: str | None = None, **values: str) -> dict[str, Any]:
    """A group with one condition, as the panel posts it."""
    printed_for = subject if printed_for is None else printed_for
    data = {"node": ["g::group", f"c:g:{printed_for}"], "g-match": "all", "c-subject": subject}
    return data | {f"c-{name}": value for name, value in values.items()}


def test_has_field_stores_one_condition() -> None:
    form = post("has_field", condition("country", operator="is", value="ES", field="country"))
    assert form.is_valid()
    assert form.stored() == {"definition": {"version": 1, "match": "all", "rules": [COUNTRY]}}


def test_a_changed_field_brings_its_operators_and_no_faults() -> None:
    form = post("has_field", condition("points", printed_for="country", operator="is", value="ES") | {"change": "1"})
    assert form.is_being_edited
    assert not form.is_valid()
    assert not form.row.is_faulty
    page = printed("has_field", form)
    assert 'value="at_least"' in page
    assert 'value="ES"' not in page


def test_what_is_missing_is_said_at_the_condition_and_on_the_card() -> None:
    form = post("has_field", condition("country", operator="is", value="", field="country"))
    assert not form.is_valid()
    assert form.non_field_errors() == ["Choose one."]
    assert form.row.is_faulty
    assert NODES["has_field"].faults({}, NodeContext()) == [("", "Choose what the condition is about, or remove it.")]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("has_field", condition("segment")),
        ("has_field", {"node": ["g::group"], "g-match": "all"}),
        ("has_field", condition("country") | {"g-match": "none"}),
        ("has_purchased", condition("event.page_visit")),
        ("matches_conditions", {"node": ["c::country"]}),
    ],
)
def test_a_form_that_the_panel_cannot_have_printed(kind: str, data: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        post(kind, data)


def test_has_purchased_begins_with_a_purchase_ever() -> None:
    node = NODES["has_purchased"]
    assert node.faults({}, NodeContext()) == []
    assert node.describe({}, NodeContext()) == "“Purchased” happened at least once"
    page = printed("has_purchased", node.form(settings={}, context=NodeContext()))
    assert 'type="hidden" name="' in page
    assert "Duplicate" not in page
    assert 'name="remove"' not in page


@pytest.mark.parametrize(
    "definition",
    [
        "all",
        {"match": "all", "rules": []},
        {"match": "all", "rules": [{"type": "nothing"}]},
        {"match": "all", "rules": [{"type": "event"}]},
        {"match": "all", "rules": [COUNTRY]},
        {"match": "none", "rules": [{"type": "event", "event": "purchase"}]},
    ],
)
def test_a_definition_that_cannot_be_used_is_a_fault(definition: Any) -> None:
    node, settings = NODES["has_purchased"], {"definition": definition}
    assert node.faults(settings, NodeContext()) == [
        ("", "What was asked here cannot be read any more. Choose it anew.")
    ]
    assert isinstance(node.describe(settings, NodeContext()), str)
    assert node.segments(settings) == set()


def test_the_tree_grows_and_shrinks() -> None:
    data = condition("country", operator="is", value="ES", field="country")
    form = post("matches_conditions", data | {"add": "g"})
    assert form.is_being_edited
    assert len(list(form.tree.root.rows())) == 2
    assert not any(row.is_faulty for row in form.tree.root.rows())
    assert len(list(post("matches_conditions", data | {"nest": "g"}).tree.root.groups())) == 2
    assert list(post("matches_conditions", data | {"remove": "c"}).tree.root.rows()) == []
    assert 'id="tree"' in printed("matches_conditions", form)


def test_nested_conditions_are_stored_described_and_name_their_segments() -> None:
    node = NODES["matches_conditions"]
    inner = {"match": "none", "rules": [{"type": "segment", "segment": 5, "operator": "member"}]}
    settings = {"definition": {"version": 1, "match": "any", "rules": [COUNTRY, inner]}}
    assert node.segments(settings) == {5}
    assert node.describe(settings, NodeContext()) == (
        "Contacts for whom Country is Spain or (none of this holds: they are in the segment (deleted))."
    )
    assert node.faults(settings, NodeContext()) == [("", "Condition 2.1: This segment no longer exists.")]


def test_branches_keep_their_keys() -> None:
    data = {"branch": ["b1", "b2"], "b1-name": "Calm", "b1-share": "1", "b2-name": "", "b2-share": "3"}
    assert post("split", data).is_valid()
    more = post("split", data | {"more": "1"})
    assert [branch.key for branch in more.branches] == ["b1", "b2", "b3"]
    assert more.is_being_edited
    data |= {"branch": ["b1", "b2", "b3"], "b3-share": "4", "b3-name": ""}
    less = post("split", data | {"less": "b2"})
    assert [branch.key for branch in less.branches] == ["b1", "b3"]
    form = post("split", data)
    assert form.is_valid()
    assert form.stored() == {
        "branches": [
            {"key": "b1", "name": "Calm", "share": 1},
            {"key": "b2", "name": "", "share": 3},
            {"key": "b3", "name": "", "share": 4},
        ]
    }


def test_two_branches_at_least_and_ten_at_most() -> None:
    two = {"branch": ["b1", "b2"], "b1-share": "1", "b2-share": "1", "less": "b1"}
    assert [branch.key for branch in post("split", two).branches] == ["b2", "b3"]
    ten = [f"b{number}" for number in range(1, 11)]
    full = post("split", {"branch": ten, "more": "1"})
    assert [branch.key for branch in full.branches] == ten
    assert not full.can_grow
    assert 'name="more"' not in printed("split", full)


def test_a_new_split_is_even() -> None:
    assert NODES["split"].faults({}, NodeContext()) == []
    assert NODES["split"].describe({}, NodeContext()) == "A 50 % · B 50 %"


def test_values_of_another_field_are_dropped() -> None:
    data = {"field": "points", "printed_for": "country", "branch": "b1", "b1-operator": "is", "b1-value": "ES"}
    form = post("split_by_value", data | {"change": "1"})
    assert form.is_being_edited
    page = printed("split_by_value", form)
    assert 'value="at_least"' in page
    assert 'value="ES"' not in page


def test_a_new_branch_asks_for_its_value_at_once() -> None:
    page = printed("split_by_value", post("split_by_value", {"field": "country", "change": "1"}))
    assert '<select name="b1-value"' in page
    data = {"field": "country", "printed_for": "country", "branch": "b1", "b1-operator": "is", "b1-value": "ES"}
    page = printed("split_by_value", post("split_by_value", data | {"more": "1"}))
    assert '<option value="ES" selected>' in page
    assert '<select name="b2-value"' in page


def test_split_by_value_stores_rules_and_what_they_say() -> None:
    data = {"field": "country", "printed_for": "country", "branch": "b1", "b1-operator": "is_any_of", "b1-name": ""}
    form = post("split_by_value", data | {"b1-value": ["ES", "DE"]})
    assert form.is_valid(), form.errors
    rule = {"type": "field", "field": "country", "operator": "is_any_of", "value": ["ES", "DE"]}
    said = "Country is any of Spain or Germany"
    assert form.stored() == {"field": "country", "branches": [{"key": "b1", "name": "", "said": said, "rule": rule}]}
    assert post("split_by_value", {"field": ""}).errors == {"field": ["Choose a field."]}


def test_a_wait_shows_what_follows_from_its_choice() -> None:
    form = post("wait", {"until": "weekday", "count": "3", "unit": "hours", "change": "1"})
    assert list(form.fields) == ["until", "weekdays", "time", "zone"]
    assert form.is_being_edited
    assert not form.errors
    page = printed("wait", form)
    assert '<option value="weekday" selected>' in page
    form = post("wait", {"until": "weekday", "weekdays": ["0", "4"], "time": "09:30", "zone": "contact"})
    assert form.is_valid()
    assert form.stored() == {"until": "weekday", "weekdays": [0, 4], "time": "09:30:00", "zone": "contact"}


def test_start_shows_what_its_choices_need() -> None:
    usual = ["limitation", "which", "reentry", "goal", "hours_from", "hours_to", "blocked_days", "hours_zone"]
    assert list(post("start", {"limitation": "all", "goal": "", "change": "1"}).fields) == usual
    chosen = {"limitation": "segment", "which": "new", "reentry": "after", "reentry_unit": "weeks", "goal": "event"}
    form = post("start", chosen | {"goal_event": "purchase", "change": "1"})
    assert [name for name in form.fields if name not in usual] == [
        "segment",
        "exit_when_left",
        "reentry_count",
        "reentry_unit",
        "goal_event",
    ]
    page = printed("start", form)
    assert '<option value="weeks" selected>' in page
    assert '<option value="purchase" selected>' in page
    assert '<details class="limits">' in page
    # Without JavaScript, they come with Update, and what they need is said at them.
    assert post("start", chosen).errors == {
        "segment": ["Choose the segment that contacts belong to."],
        "reentry_count": ["Say after how long."],
        "goal_event": ["Choose the event of the goal."],
    }
    form = post(
        "start", {"limitation": "all", "which": "new", "reentry": "never", "hours_from": "09:00", "segment": "7"}
    )
    assert form.is_valid()
    assert "segment" not in form.stored()
    assert '<details class="limits" open>' in printed("start", form)


def test_emails_of_workflows_are_offered(now: datetime) -> None:
    send = {"type": "send_email", "x": 0, "y": 0, "settings": {"subject": "Hello <there>"}}
    other = Workflow.objects.create(name="Welcome", draft={"nodes": [{"id": "n4", **send}], "edges": []})
    own = parse({"nodes": [{"id": "n9", **send}], "edges": []})
    context = NodeContext(own, workflow_id=other.pk + 1)
    form = NODES["has_opened_email"].form(settings={}, context=context)
    assert form.fields["email"].choices == [  # type: ignore[attr-defined]
        ("", "Any email"),
        ("node:n9", "Hello <there> (this workflow)"),
        (f"workflow:{other.pk}:n4", "Welcome: Hello <there>"),
    ]
    assert "Hello &lt;there&gt;" in str(form["email"])
    gone = {"email": "workflow:999999:n1", "times": 2, "window": {"kind": "last", "count": 7, "unit": "days"}}
    assert NODES["has_opened_email"].faults(gone, context) == []
    assert NODES["has_opened_email"].describe(gone, context) == (
        "an email that is no longer sent, at least 2 times, in the last 7 days"
    )
    assert NODES["has_opened_email"].faults({"email": "node:n1"}, context) == [
        ("email", "What was chosen here is gone. Choose another one.")
    ]


def test_the_window_of_an_email_condition() -> None:
    data = {"email": "", "times": "1", "window-kind": "last"}
    open_form = post("has_opened_email", data | {"change": "1"})
    assert open_form.is_being_edited
    assert 'name="window-count"' in printed("has_opened_email", open_form)
    assert post("has_opened_email", data).non_field_errors() == ["When: Enter a value."]
    form = post("has_opened_email", data | {"window-count": "7", "window-unit": "days"})
    assert form.is_valid()
    assert form.stored() == {"email": None, "times": 1, "window": {"kind": "last", "count": 7, "unit": "days"}}


def test_the_panel_keeps_the_node_while_its_conditions_change(marketer_client: Client, now: datetime) -> None:
    draft = graph({"n1": ("matches_conditions", {})}, "start > n1")
    workflow = Workflow.objects.create(name="Trial", draft=draft)
    address = f"/workflows/{workflow.pk}/nodes/n1/"
    data = condition("country", operator="is", value="ES", field="country") | {"draft_number": workflow.draft_number}
    response = marketer_client.post(address, data | {"remove": "c", "change": "1"}, headers={"HX-Request": "true"})
    assert response.status_code == 200
    workflow.refresh_from_db()
    assert workflow.draft == draft
    response = marketer_client.post(address, data | {"update": "1"}, headers={"HX-Request": "true"})
    assert response.status_code == 200
    workflow.refresh_from_db()
    assert workflow.draft["nodes"][1]["settings"] == {"definition": {"version": 1, "match": "all", "rules": [COUNTRY]}}
