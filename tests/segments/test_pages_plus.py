"""The editor of dynamic plus on its pages: pressed button by button, what it refuses, and what it asks the database."""

from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from contacts.events import NewEvent, record
from contacts.models import Contact, ContactList
from segments.editing import create_segment
from segments.models import Segment
from tests.segments.pages import in_segment, members, people, static, text_of
from tests.segments.printed import Data, editor, group_id, posted, row_ids
from tests.segments.trees import EVER, definition, event, field_rule, group, sequence, where

pytestmark = pytest.mark.django_db
NEW = "/segments/new/dynamic_plus/"
HTMX = {"HX-Request": "true"}


def plus(*rules: dict[str, Any], now: datetime, name: str = "Plus") -> Segment:
    return create_segment(name=name, kind="dynamic_plus", definition=definition(*rules), now=now)


def pressed(client: Client, data: Data, name: str, value: str, address: str = NEW, **headers: str) -> Any:
    return client.post(address, data | {name: [value]}, headers=headers)


def test_the_type_is_offered_and_leads_to_its_editor(marketer_client: Client):
    page = marketer_client.get("/segments/new/")
    assert 'value="dynamic_plus"' in page.content.decode()
    response = marketer_client.get("/segments/new/", {"type": "dynamic_plus"})
    assert (response.status_code, response.url) == (302, NEW)
    assert "New dynamic plus segment" in text_of(marketer_client.get(NEW))


def test_a_segment_of_groups_one_button_press_after_the_other(marketer_client: Client, now: datetime):
    ana, luca, emma, _zoe = people("Ana", "Luca", "Emma", "Zoe", now=now)
    record([NewEvent("purchase", now, one.pk) for one in (ana, luca, luca)], now=now)
    record([NewEvent("cart_add", now, emma.pk)], now=now)
    data = editor(marketer_client.get(NEW)) | {"name": ["Busy"]}
    root = group_id(data)
    [first] = row_ids(data)
    data[f"{root}-match"] = ["any"]
    data[f"{first}-subject"] = ["event.purchase"]
    data = editor(pressed(marketer_client, data, "change", "1")) | {f"{first}-value": ["2"]}
    data = editor(pressed(marketer_client, data, "nest", root))
    second = row_ids(data)[1]
    data[f"{second}-subject"] = ["event.cart_add"]
    data = editor(pressed(marketer_client, data, "change", "1"))
    page = pressed(marketer_client, data, "duplicate", first)
    data = editor(page)
    assert len(row_ids(data)) == 3
    copy = row_ids(data)[1]
    data = editor(pressed(marketer_client, data, "move", f"down:{copy}"))
    assert row_ids(data) == [first, second, copy]
    data = editor(pressed(marketer_client, data, "move", f"into:{copy}"))
    data = editor(pressed(marketer_client, data, "remove", copy))
    response = pressed(marketer_client, data, "save", "1")
    assert response.status_code == 303
    segment = Segment.objects.get()
    assert members(segment) == {"Luca", "Emma"}
    assert segment.definition == {
        "version": 1,
        "match": "any",
        "rules": [event(value=2), group("all", event("cart_add"))],
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [("add", "gone"), ("nest", "gone"), ("duplicate", "gone"), ("move", "up:gone"), ("move", "up"), ("move", "")],
)
def test_buttons_that_were_not_printed_are_refused(marketer_client: Client, name: str, value: str):
    data = editor(marketer_client.get(NEW))
    assert pressed(marketer_client, data, name, value).status_code == 400


def test_groups_of_a_dynamic_segment_are_refused(marketer_client: Client):
    address = "/segments/new/dynamic/"
    data = editor(marketer_client.get(address))
    assert pressed(marketer_client, data, "nest", group_id(data), address).status_code == 400


def test_a_circle_of_segments_is_told_at_its_condition(marketer_client: Client, now: datetime):
    first = plus(field_rule("points", "equals", 1), now=now, name="First")
    second = in_segment(first, now=now, name="Second")
    address = f"/segments/{first.pk}/edit/"
    data = editor(marketer_client.get(address))
    [row] = row_ids(data)
    data[f"{row}-subject"] = ["segment"]
    data = editor(pressed(marketer_client, data, "change", "1", address)) | {f"{row}-segment": [str(second.pk)]}
    response = pressed(marketer_client, data, "save", "1", address)
    html = response.content.decode()
    assert response.status_code == 422
    message = html[html.index(f'id="{row}-messages"') :].split("</ul>")[0]
    assert "First" in message
    assert "Second" in message
    assert editor(response)[f"{row}-segment"] == [str(second.pk)]


def test_what_was_deleted_meanwhile_is_told_at_its_condition(marketer_client: Client, now: datetime):
    news = ContactList.objects.create(name="News")
    guests = static("Guests", now=now)
    segment = plus(
        event(),
        group(
            "any",
            {"type": "list", "list": news.pk, "operator": "member"},
            {"type": "segment", "segment": guests.pk, "operator": "member"},
        ),
        now=now,
    )
    news.delete()
    Segment.objects.filter(pk=guests.pk).update(deleted_at=now)
    html = marketer_client.get(f"/segments/{segment.pk}/edit/").content.decode()
    assert html.count("This list no longer exists.") == 1
    assert html.count("This segment no longer exists.") == 1
    assert html.count('aria-invalid="true"') == 2


def test_an_activity_is_edited_in_the_part_that_changes(marketer_client: Client, now: datetime):
    """htmx takes from the answer what follows from the choice; the choice itself is not replaced."""
    segment = plus(event(), now=now)
    address = f"/segments/{segment.pk}/edit/"
    data = editor(marketer_client.get(address))
    [row] = row_ids(data)
    data[f"{row}-window-kind"] = ["last"]
    html = pressed(marketer_client, data, f"{row}-window-kind", "last", address, **HTMX).content.decode()
    select = html.index(f'id="{row}-window-kind"')
    rest = html.index(f'id="{row}-window-kind-rest"')
    assert select < rest < html.index(f'name="{row}-window-count"')
    assert f'hx-target="#{row}-window-kind-rest"' in html[select - 300 : rest]
    assert posted(html)[f"{row}-window-unit"] == ["days"]


@pytest.mark.parametrize("number", [1, 3])
def test_queries_do_not_grow_with_the_activities(
    marketer_client: Client, now: datetime, number: int, django_assert_num_queries: Any
):
    contact = Contact.objects.create(email="a@example.com")
    record([NewEvent("store_visit", now, contact.pk, properties={"store": "Valencia"})], now=now)
    guests = static("Guests", now=now)
    types = ["purchase", "store_visit", "cart_add"][:number]
    rules = [event(kind, where=[where("product", "is", "x"), where("device", "is", "y")]) for kind in types]
    rules += [sequence({"event": kind}, {"event": "purchase", "did": True, "same": "product"}) for kind in types]
    rules += [{"type": "segment", "segment": guests.pk, "operator": "member"}] * number
    rules += [
        {"type": "list", "list": ContactList.objects.create(name=kind).pk, "operator": "joined", "window": EVER}
        for kind in types
    ]
    segment = plus(*rules, group("any", *rules), now=now)
    address = f"/segments/{segment.pk}/edit/"
    with django_assert_num_queries(12):
        data = editor(marketer_client.get(address))
    with django_assert_num_queries(10):
        pressed(marketer_client, data, "add", group_id(data), address, **HTMX)
    with django_assert_num_queries(10):
        pressed(marketer_client, data, "duplicate", row_ids(data)[0], address, **HTMX)
