"""Triggers by what contacts do with emails."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.workflows.flows import active, graph, people, ways
from tests.workflows.happenings import WORKFLOW, faults_of, happens, lets_pass
from workflows import engine
from workflows.graph import parse
from workflows.nodes import NODES
from workflows.nodes.base import NodeContext

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WELCOME = {"name": "Welcome", "kind": "transactional", "subject": "Hello", "body": "Welcome."}


def test_who_opens_and_clicks_the_email_of_this_workflow_goes_on() -> None:
    one, two = people(2, now=NOON - MINUTE)
    nodes = {
        "v": ("page_visit", {}),
        "n1": ("send_email", WELCOME),
        "o": ("email_opened", {"email": "node:n1"}),
        "c": ("email_clicked", {"email": "node:n1", "links": ["/desks"]}),
        "u": ("unsubscribed", {}),
    }
    flow = active("Mail", graph(nodes, "start > v", "v > n1", "n1 > o", "o > c", "c > u"), now=NOON)
    source = f"workflow:{flow.pk}:n1"
    other = f"workflow:{flow.pk + 1}:n1"
    at = NOON + MINUTE
    for contact in (one, two):
        happens(contact, "page_visit", at, path="/")
    engine.tick(now=at)
    at += MINUTE
    happens(one, "email_opened", at, email=source)
    happens(two, "email_opened", at, email=other)
    engine.tick(now=at)
    before = ["v.next", "n1.next"]
    assert ways(flow) == {one.pk: [[*before, "o.next", "at c"]], two.pk: [[*before, "at o"]]}
    for minutes, url in ((3, "https://shop.example/chairs"), (4, "https://shop.example/desks/oak?utm_source=mail")):
        at = NOON + minutes * MINUTE
        happens(one, "email_clicked", at, email=source, url=url)
        engine.tick(now=at)
    assert ways(flow)[one.pk] == [[*before, "o.next", "c.next", "at u"]]
    happens(one, "unsubscribed", NOON + 5 * MINUTE, email=other)
    engine.tick(now=NOON + 5 * MINUTE)
    assert ways(flow)[one.pk] == [[*before, "o.next", "c.next", "u.next", "finished"]]


def test_any_email_or_one_and_any_link_or_some() -> None:
    here, there = {"email": f"workflow:{WORKFLOW}:n1"}, {"email": "workflow:8:n1"}
    for kind in ("email_opened", "email_clicked", "unsubscribed"):
        assert lets_pass(kind, {}, {})
        assert lets_pass(kind, {"email": "workflow:8:n1"}, there)
        assert not lets_pass(kind, {"email": "workflow:8:n1"}, here)
    links = {"links": ["https://shop.example"]}
    assert lets_pass("email_clicked", links, {"url": "http://shop.example/desks"})
    assert not lets_pass("email_clicked", links, {"url": "https://other.example/"})
    assert not lets_pass("email_clicked", links, {})


def test_words_and_faults() -> None:
    stored = graph({"n1": ("send_email", WELCOME), "c": ("email_clicked", {})}, "start > n1", "n1 > c")
    context = NodeContext(parse(stored), workflow_id=1)
    clicked = NODES["email_clicked"]
    settings = {"email": "node:n1", "links": ["/desks", "/chairs"]}
    assert clicked.describe(settings, context) == "Welcome (this workflow) · /desks… or /chairs…"
    assert clicked.describe({}, context) == NODES["unsubscribed"].describe({}, context) == "Any email"
    assert clicked.faults(settings, context) == []
    assert NODES["email_opened"].describe({"email": "workflow:99:n1"}, context) == "an email that is no longer sent"
    assert NODES["email_opened"].faults({"email": "workflow:99:n1"}, context) == []
    assert [field for field, _text in NODES["email_opened"].faults({"email": "node:gone"}, context)] == ["email"]
    assert [field for field, _text in faults_of("email_clicked", {"links": ["desks"]})] == ["links"]
