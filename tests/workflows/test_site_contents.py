"""Web contents: what may stand in them, whom they wait for, and what becomes of them."""

from datetime import timedelta
from typing import Any

import pytest

from contacts.deletion import anonymise, delete_contacts
from contacts.merging import merge
from contacts.models import Contact, Event
from contacts.personal_data import data_of
from workflows.models import WebContent, WebDesign
from workflows.site.contents import Recipient, Signal, design_of, note, queue, sanitised, waiting_for
from workflows.site.forms import WebContentForm

pytestmark = pytest.mark.django_db

SETTINGS = {"kind": "popup", "title": "Hello", "html": "<p>Welcome</p>", "button_text": "Go", "button_url": "/sale"}


@pytest.fixture
def ana() -> Contact:
    return Contact.objects.create(email="ana@example.org")


def send(contact: Contact, now: Any, key: str = "run:1:1", **settings: Any) -> WebContent:
    design = design_of(SETTINGS | settings, name="Greeting", source="workflow:1:n2", now=now)
    queue(design, [Recipient(key, contact.pk)], now=now)
    return WebContent.objects.get(key=key)


@pytest.mark.parametrize(
    ("html", "clean"),
    [
        ("<p>Hi <b>there</b></p>", "<p>Hi <b>there</b></p>"),
        ("<script>alert(1)</script><p onclick='x()'>Hi</p>", "<p>Hi</p>"),
        ("<a href='javascript:x()'>y</a>", '<a rel="noopener noreferrer">y</a>'),
        ("<a href='https://x.example'>y</a>", '<a href="https://x.example" rel="noopener noreferrer">y</a>'),
        ("<img src=x.png onerror=y() alt=z>", '<img src="x.png" alt="z">'),
        ("<form action=/x><input name=y>z</form><iframe src=/x></iframe><style>*{}</style>", "z"),
        ("<p style='position:fixed' class=x id=y>z</p>", "<p>z</p>"),
        ("<svg><script>x</script><p>y</p></svg>", "<p>y</p>"),
    ],
)
def test_what_may_stand_on_somebody_elses_page(html, clean):
    assert sanitised(html) == clean


def test_the_same_design_is_there_once(now):
    one, two = (design_of(SETTINGS, name="A", source="workflow:1:n1", now=now) for _ in range(2))
    other = design_of(SETTINGS | {"title": "Bye"}, name="A", source="workflow:1:n1", now=now)
    assert one == two != other
    assert WebDesign.objects.count() == 2


@pytest.mark.parametrize("number", [1, 3])
def test_queueing_is_one_statement_and_happens_once(now, number, django_assert_num_queries):
    contacts = Contact.objects.bulk_create([Contact(external_id=str(place)) for place in range(number)])
    design = design_of(SETTINGS, name="A", source="workflow:1:n1", now=now)
    recipients = [Recipient(f"run:{contact.pk}:1", contact.pk) for contact in contacts]
    with django_assert_num_queries(1):
        queue(design, recipients, now=now, days=2)
    queue(design, recipients, now=now + timedelta(days=1))
    queue(design, [], now=now)
    assert WebContent.objects.count() == number
    assert set(WebContent.objects.values_list("created_at", "expires_at")) == {(now, now + timedelta(days=2))}


def test_what_waits_for_a_contact(ana, now, django_assert_num_queries):
    content = send(ana, now)
    with django_assert_num_queries(1):
        [found] = waiting_for(ana.pk, now=now)
    assert found == {
        "id": content.pk,
        "name": "Greeting",
        "kind": "popup",
        "slot": "",
        "title": "Hello",
        "html": "<p>Welcome</p>",
        "button": {"text": "Go", "url": "/sale"},
        "close": "Close",
    }
    assert waiting_for(ana.pk, now=now + timedelta(days=30)) == []
    assert waiting_for(ana.pk + 1, now=now) == []


@pytest.mark.parametrize(
    ("kind", "signal", "waits"),
    [
        *(("popup", "content_shown", False), ("banner", "content_shown", True), ("inline", "content_shown", True)),
        *((kind, signal, False) for kind in ("popup", "banner") for signal in ("content_clicked", "content_closed")),
    ],
)
def test_what_a_page_says_of_contents(ana, now, kind, signal, waits):
    content = send(ana, now, kind=kind, slot="hero")
    later = now + timedelta(minutes=1)
    for moment in (later, later + timedelta(minutes=1)):
        note(ana.pk, [Signal(signal, content.pk, moment, f"k{moment}", "https://shop.example/x")], now=moment)
    assert bool(waiting_for(ana.pk, now=later)) == waits
    column = signal.replace("content_", "") + "_at"
    assert WebContent.objects.values_list(column, flat=True).get() == later
    event = Event.objects.order_by("pk")[0]
    assert (event.type, event.contact_id, event.occurred_at) == (signal, ana.pk, later)
    assert event.properties == {
        "content": "Greeting",
        "source": "workflow:1:n2",
        "web_content": content.pk,
        "url": "https://shop.example/x",
    }


def test_nobody_speaks_of_the_contents_of_others(ana, now):
    content = send(ana, now)
    bo = Contact.objects.create(email="bo@example.org")
    note(bo.pk, [Signal("content_closed", content.pk, now, "k")], now=now)
    assert not Event.objects.exists()
    assert waiting_for(ana.pk, now=now)


def test_contents_are_somebodys_data(ana, now):
    send(ana, now)
    [told] = data_of(ana)["web_contents"]
    assert (told["name"], told["created_at"], told["shown_at"]) == ("Greeting", now, None)
    visitor = Contact.objects.create(visitor_key="v")
    send(visitor, now, key="run:2:1")
    merge(visitor, ana, now=now)
    assert set(WebContent.objects.values_list("contact_id", flat=True)) == {ana.pk}
    WebContent.objects.filter(key="run:1:1").update(shown_at=now)
    anonymise(ana, now=now)
    assert WebContent.objects.get().key == "run:1:1"
    delete_contacts(Contact.objects.all(), now=now)
    assert not WebContent.objects.exists()


# The form

VALID = SETTINGS | {"name": "Greeting", "days": 7}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, {}),
        ({"kind": "inline", "slot": "hero"}, {}),
        ({"kind": "inline"}, {"slot"}),
        ({"kind": "inline", "slot": 'x"]'}, {"slot"}),
        ({"title": "", "html": ""}, {"html"}),
        ({"button_text": ""}, {"button_text"}),
        ({"button_url": ""}, {"button_url"}),
        ({"button_url": "javascript:x()"}, {"button_url"}),
        ({"button_url": "https://[x"}, {"button_url"}),
        ({"button_url": "sale"}, {"button_url"}),
        ({"button_url": "https://shop.example/sale"}, {}),
        ({"button_text": "", "button_url": ""}, {}),
        ({"name": "", "days": 0, "kind": "other"}, {"name", "days", "kind"}),
    ],
)
def test_the_form(changed, wrong):
    assert set(WebContentForm(VALID | changed).errors) == set(wrong)
