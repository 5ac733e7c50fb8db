"""Actions that reach somebody: lists, emails, web contents, and other workflows."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from campaigns.models import Message
from contacts.models import Contact, ContactList, ListMembership
from crm.encryption import decrypt, encrypt
from crm.models import User
from segments.models import Segment
from tests.workflows import flows
from tests.workflows.acting import acted, acted_of, contacts, details, fault_fields, same_number_of_statements, words
from tests.workflows.batches import batch
from workflows import activation, engine
from workflows.exchange import as_text
from workflows.graph import parse
from workflows.models import Incident, Run, Workflow
from workflows.nodes import NODES
from workflows.nodes.base import CannotWork, NodeContext
from workflows.site.contents import waiting_for
from workflows.site.models import WebContent

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow() -> Workflow:
    return Workflow.objects.create(name="Welcome")


# Lists


def subscribers(chosen: ContactList) -> set[int]:
    return set(ListMembership.objects.current().filter(list=chosen).values_list("contact_id", flat=True))


def test_lists_are_subscribed_to_and_left(now: datetime, workflow: Workflow) -> None:
    chosen = ContactList.objects.create(name="News")
    one, two, other = contacts({}, {}, {})
    settings = {"list": chosen.pk}
    assert acted("subscribe_to_list", settings, [one, two], now=now, workflow=workflow) == {one, two}
    assert subscribers(chosen) == {one, two}
    assert acted("unsubscribe_from_list", settings, [two, other], now=now, workflow=workflow) == {two, other}
    assert subscribers(chosen) == {one}
    assert words("subscribe_to_list", settings) == "News"


def test_who_left_a_list_is_put_on_it_again_only_if_it_is_said(now: datetime, workflow: Workflow) -> None:
    chosen = ContactList.objects.create(name="News")
    new, left = contacts({}, {})
    settings = {"list": chosen.pk}
    acted("subscribe_to_list", settings, [left], now=now, workflow=workflow)
    acted("unsubscribe_from_list", settings, [left], now=now, workflow=workflow)
    assert acted("subscribe_to_list", settings, [new, left], now=now, workflow=workflow) == {new}
    assert subscribers(chosen) == {new}
    of = batch("subscribe_to_list", settings, [left], now=now, workflow=workflow.pk)
    assert details(of) == {left: "Passed over: the contact has unsubscribed from “News”."}
    again = settings | {"resubscribe": True}
    assert acted("subscribe_to_list", again, [left], now=now, workflow=workflow) == {left}
    assert subscribers(chosen) == {new, left}


def test_a_list_that_is_gone(now: datetime, workflow: Workflow) -> None:
    chosen = ContactList.objects.create(name="News")
    of = batch("subscribe_to_list", {"list": chosen.pk}, contacts({}), now=now, workflow=workflow.pk)
    settings = {"list": chosen.pk}
    chosen.delete()
    assert fault_fields("subscribe_to_list", settings) == fault_fields("unsubscribe_from_list", {}) == {"list"}
    with pytest.raises(CannotWork):
        list(NODES["subscribe_to_list"].work(of))


@pytest.mark.parametrize("kind", ["subscribe_to_list", "unsubscribe_from_list"])
def test_many_subscribers_take_no_more_statements(kind: str, now: datetime, workflow: Workflow) -> None:
    chosen = ContactList.objects.create(name="News")
    same_number_of_statements(kind, {"list": chosen.pk}, now=now, workflow=workflow)


# Emails and web contents

EMAIL = {
    "name": "Hello",
    "kind": "newsletter",
    "subject": "Hi {{ contact.first_name }}",
    "body": "You get {{ event.value }}.",
}


def test_an_email_is_queued_for_those_who_may_get_it(now: datetime, workflow: Workflow) -> None:
    subscriber, stranger, nobody = contacts(
        {"email": "a@example.org", "newsletter": "subscribed"}, {"email": "b@example.org"}, {}
    )
    of = batch("send_email", EMAIL, [subscriber, stranger, nobody], now=now, workflow=workflow.pk)
    of.visits[0].values["code"] = "X1"  # type: ignore[index]
    assert acted_of(of) == {subscriber}
    message = Message.objects.get(state="queued")
    assert (message.contact_id, message.key, message.values) == (subscriber, of.visits[0].key, {"code": "X1"})
    content = message.content
    assert (content.name, content.workflow, content.source) == ("Hello", "Welcome", f"workflow:{workflow.pk}:n1")
    assert details(of) == {
        subscriber: "Email “Hello”",
        stranger: "Not sent: The contact does not subscribe to the newsletter.",
        nobody: "Not sent: The contact has no email address.",
    }
    assert Message.objects.count() == 3  # doing it again queued nobody twice


def test_a_test_sends_its_emails_as_tests(now: datetime, workflow: Workflow) -> None:
    (one,) = contacts({"email": "a@example.org"})
    of = batch("send_email", EMAIL, [one], now=now, workflow=workflow.pk, is_test=True)
    assert acted_of(of) == {one}
    assert Message.objects.get().is_test


def test_faults_of_an_email_are_at_their_fields() -> None:
    assert fault_fields("send_email", EMAIL) == set()
    assert fault_fields("send_email", EMAIL | {"subject": "{{ contact.nam }}"}) == {"subject"}
    assert fault_fields("send_email", EMAIL | {"body": "{% if %}", "subject": ""}) == {"subject", "body"}
    assert fault_fields("send_email", EMAIL | {"limits": {"total": 0}}) == {"limits_total"}
    assert words("send_email", EMAIL) == "Hello"
    assert NODES["send_email"].reaches_people


POPUP = {"name": "Sale", "kind": "popup", "title": "Sale", "html": "<p>Now<script>x</script></p>", "days": 3}


def test_a_web_content_waits_for_each_contact(now: datetime, workflow: Workflow) -> None:
    one, two = contacts({}, {})
    assert acted("send_web_content", POPUP, [one, two], now=now, workflow=workflow) == {one, two}
    assert [content["html"] for content in waiting_for(one, now=now)] == ["<p>Now</p>"]
    assert waiting_for(one, now=now + timedelta(days=3)) == []
    assert WebContent.objects.count() == 2
    acted("send_web_content", POPUP, [one, two], now=now, workflow=workflow)
    assert WebContent.objects.count() == 2
    assert fault_fields("send_web_content", POPUP | {"button_text": "Go"}) == {"button_url"}
    assert words("send_web_content", POPUP) == "Sale"


@pytest.mark.parametrize(("kind", "settings"), [("send_email", EMAIL), ("send_web_content", POPUP)])
def test_many_messages_take_no_more_statements(
    kind: str, settings: dict[str, Any], now: datetime, workflow: Workflow
) -> None:
    made = Contact.objects.bulk_create(
        Contact(email=f"{number}@example.org", newsletter="subscribed") for number in range(201)
    )
    same_number_of_statements(kind, settings, now=now, workflow=workflow, made=made)


# Another workflow


def entered(workflow: Workflow) -> list[tuple[int, str, int]]:
    return list(Run.objects.filter(workflow=workflow).order_by("pk").values_list("contact_id", "node", "hops"))


def test_contacts_enter_another_workflow_as_its_start_allows(now: datetime, workflow: Workflow) -> None:
    graph_of_other = flows.graph({"n1": ("end", {})}, "start > n1", start={"limitation": "with_email", "which": "both"})
    other = flows.active("Other", graph_of_other, now=now)
    known, stranger = contacts({"email": "a@example.org"}, {})
    of = batch("start_workflow", {"workflow": other.pk}, [known, stranger], now=now, workflow=workflow.pk)
    of.version.workflow = workflow
    assert acted_of(of) == {known}
    assert entered(other) == [(known, "start", 1)]
    assert details(of) == {  # who may enter once does not enter again
        known: "Passed over: “Other” does not let the contact in.",
        stranger: "Passed over: “Other” does not let the contact in.",
    }
    assert entered(other) == [(known, "start", 1)]
    assert words("start_workflow", {"workflow": other.pk}) == "Other"


def test_the_trigger_of_the_other_workflow_is_passed(now: datetime, workflow: Workflow) -> None:
    nodes = {
        "t1": ("entered_segment", {"segment": Segment.objects.create(name="Desks", kind="static").pk}),
        "n1": ("add_points", {"points": 1}),
    }
    other = flows.active("Other", flows.graph(nodes, "start > t1", "t1 > n1"), now=now)
    (one,) = contacts({})
    of = batch("start_workflow", {"workflow": other.pk}, [one], now=now, workflow=workflow.pk)
    of.version.workflow = workflow
    assert acted_of(of) == {one}
    engine.work_due(now=now)
    assert Contact.objects.get(pk=one).points == 1


def test_a_workflow_that_is_not_active_is_not_entered(now: datetime, workflow: Workflow) -> None:
    other = flows.active("Other", flows.graph({"n1": ("end", {})}, "start > n1"), now=now)
    (one,) = contacts({})
    of = batch("start_workflow", {"workflow": other.pk}, [one], now=now, workflow=workflow.pk, is_test=True)
    assert details(of) == {one: "Passed over: a test starts no other workflow."}
    Workflow.objects.filter(pk=other.pk).update(state="paused")
    of = batch("start_workflow", {"workflow": other.pk}, [one], now=now, workflow=workflow.pk)
    assert details(of) == {one: "Passed over: it is not active."}
    assert entered(other) == []
    Workflow.objects.filter(pk=other.pk).update(deleted_at=now)
    assert fault_fields("start_workflow", {"workflow": other.pk}) == {"workflow"}
    assert fault_fields("start_workflow", {}) == {"workflow"}


@pytest.mark.parametrize(("edges", "faulty"), [(["start > again"], True), (["start > pause", "pause > again"], False)])
def test_a_workflow_starts_itself_only_after_a_wait(edges: list[str], faulty: bool, workflow: Workflow) -> None:
    nodes = {"again": ("start_workflow", {"workflow": workflow.pk}), "pause": ("wait", {})}
    context = NodeContext(parse(flows.graph(nodes, *edges)), workflow_id=workflow.pk)
    assert fault_fields("start_workflow", {"workflow": workflow.pk}, context) == ({"workflow"} if faulty else set())


def test_workflows_that_start_each_other_are_stopped(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """A circle over two workflows is cut, like one within a workflow."""
    monkeypatch.setattr("workflows.engine.working.MOST_HOPS", 12)
    start = {"reentry": "always", "which": "both"}
    first = Workflow.objects.create(name="First")
    second = Workflow.objects.create(name="Second")
    for one, other in ((first, second), (second, first)):
        one.draft = flows.graph({"n1": ("start_workflow", {"workflow": other.pk})}, "start > n1", start=start)
        one.save()
        activation.activate(one, now=now, user=None)
    contacts({})
    engine.tick(now=now)
    engine.tick(now=now)
    assert not Run.objects.filter(state="waiting").exists()
    assert set(Run.objects.values_list("state", flat=True)) == {"finished", "failed"}
    assert Incident.objects.filter(text__contains="circle").exists()


def test_many_starts_take_no_more_statements(now: datetime, workflow: Workflow) -> None:
    other = flows.active("Other", flows.graph({"n1": ("end", {})}, "start > n1"), now=now)
    same_number_of_statements("start_workflow", {"workflow": other.pk}, now=now, workflow=workflow)


# Other programs

SECRET = "a secret of sixteen"


def test_settings_of_a_webhook_are_checked(settings: Any) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = False
    settings.WEBHOOK_SECRET = ""

    def faults(**changed: Any) -> set[str]:
        given = {"url": "https://shop.example.com/x", "secret": encrypt(SECRET)} | changed
        return {field for field, _text in NODES["webhook"].faults(given, NodeContext())}

    assert faults() == set()
    for url in ("", "ftp://example.com", "https://u:p@example.com", "http://127.0.0.1/", "http://[::1]/",
                "http://localhost:80", "http://10.0.0.1"):  # fmt: skip
        assert faults(url=url) == {"url"}, url
    assert faults(secret="") == {"secret"}
    assert faults(secret="not what was encrypted") == {"secret"}
    assert faults(fields_sent=["custom.gone"]) == {"fields_sent"}
    settings.WEBHOOK_SECRET = SECRET
    assert faults(secret="") == set()
    assert NODES["webhook"].describe({"url": "https://shop.example.com/x"}, NodeContext()) == "shop.example.com"


def test_a_secret_is_kept_where_nobody_reads_it() -> None:
    form = NODES["webhook"].form
    posted = {"url": "https://shop.example.com/x", "secret": SECRET}
    first = form(posted, settings={}, context=NodeContext())
    assert first.is_valid(), first.errors
    stored = first.stored()
    assert SECRET not in json.dumps(stored)
    assert decrypt(stored["secret"]) == SECRET
    again = form(posted | {"secret": ""}, settings=stored, context=NodeContext())
    assert again.is_valid()
    assert again.stored() == stored
    shown = form.checked(stored, NodeContext()).as_p()
    assert SECRET not in shown
    assert stored["secret"] not in shown
    short = form(posted | {"secret": "short"}, settings=stored, context=NodeContext())
    assert set(short.errors) == {"secret"}


def test_files_hold_neither_secrets_nor_colleagues(marketer: User) -> None:
    nodes = {
        "n1": ("webhook", {"url": "https://shop.example.com/x", "secret": encrypt(SECRET)}),
        "n2": ("notify_staff", {"users": [marketer.pk], "subject": "Look"}),
    }
    workflow = Workflow.objects.create(name="Tells", draft=flows.graph(nodes, "start > n1", "n1 > n2"))
    kept = {node["id"]: node["settings"] for node in json.loads(as_text(workflow))["graph"]["nodes"]}
    assert kept == {"start": {}, "n1": {"url": "https://shop.example.com/x"}, "n2": {"subject": "Look"}}
