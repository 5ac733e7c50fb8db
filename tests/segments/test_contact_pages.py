"""What segments add to the pages of contacts."""

import re
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from contacts.editing import create_contact, update_contact
from contacts.models import Contact
from crm.models import User
from segments.membership import add
from segments.models import Cause, Segment, Transition
from tests.conftest import logged_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def contact(now: datetime) -> Contact:
    return create_contact({"email": "ada@example.com", "country": "FR"}, now=now)


@pytest.fixture
def friends() -> Segment:
    return Segment.objects.create(name="Friends", kind="static")


@pytest.fixture
def italians() -> Segment:
    rule = {"type": "field", "field": "country", "operator": "is", "value": "IT"}
    definition = {"version": 1, "match": "all", "rules": [rule]}
    return Segment.objects.create(name="Italians", kind="dynamic", definition=definition, refreshed_at=None)


def rows(html: str) -> list[tuple[str, str]]:
    """Segment and cause of each row of the tab."""
    return re.findall(
        r'<a class="title" href="/segments/\d+/">(.*?)</a>.*?"How it came in">(.*?)</td>', html, re.DOTALL
    )


def test_add_and_remove_by_hand(marketer: User, contact: Contact, friends: Segment, italians: Segment) -> None:
    client = logged_in(marketer)
    url = f"/contacts/{contact.pk}/segments/"
    html = client.get(url).content.decode()
    assert re.findall(r"<option value=\"\d+\">(.*?)<", html) == ["Friends"]
    assert "Add to Segment" in html
    response = client.post(url, {"segment": friends.pk})
    assert (response.status_code, response["Location"]) == (303, url)
    html = client.get(url).content.decode()
    assert "Added to segment “Friends”." in html
    assert rows(html) == [("Friends", "By hand: marketer")]
    assert re.findall(r"<option value=\"\d+\">(.*?)<", html) == []
    assert "Remove from segment" in html
    client.post(url, {"segment": friends.pk, "remove": "1"})
    html = client.get(url).content.decode()
    assert "Removed from segment “Friends”." in html
    assert rows(html) == []
    assert list(Transition.objects.order_by("pk").values_list("kind", "cause", "detail")) == [
        ("entered", "hand", "marketer"),
        ("left", "hand", "marketer"),
    ]


def test_a_dynamic_segment_says_why_and_cannot_be_left_by_hand(
    marketer_client: Client, contact: Contact, italians: Segment, now: datetime, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        update_contact(contact, {"country": "IT"}, now=now)
    url = f"/contacts/{contact.pk}/segments/"
    html = marketer_client.get(url).content.decode()
    assert rows(html) == [("Italians", "Contact edited: Country")]
    assert "Remove from segment" not in html
    for values in ({"segment": italians.pk}, {"segment": italians.pk, "remove": "1"}, {"segment": "999"}, {}):
        marketer_client.post(url, values)
        assert "Choose a static segment." in marketer_client.get(url).content.decode()
    assert set(italians.members) == {contact}


def test_deleted_segments_are_not_shown(
    marketer_client: Client, contact: Contact, friends: Segment, now: datetime
) -> None:
    add(friends, Contact.objects.all(), now=now, cause=Cause.HAND)
    Segment.objects.update(deleted_at=now)
    html = marketer_client.get(f"/contacts/{contact.pk}/segments/").content.decode()
    assert rows(html) == []
    assert "Friends" not in html


def test_a_membership_without_a_transition_names_its_cause(
    marketer_client: Client, contact: Contact, friends: Segment, now: datetime
) -> None:
    add(friends, Contact.objects.all(), now=now, cause=Cause.IMPORT)
    Transition.objects.all().delete()
    html = marketer_client.get(f"/contacts/{contact.pk}/segments/").content.decode()
    assert rows(html) == [("Friends", "Import")]


def test_roles(viewer: User, contact: Contact, friends: Segment, now: datetime) -> None:
    client = logged_in(viewer)
    url = f"/contacts/{contact.pk}/segments/"
    assert b"<select" not in client.get(url).content
    assert client.post(url, {"segment": friends.pk}).status_code == 403
    add(friends, Contact.objects.all(), now=now, cause=Cause.HAND)
    assert b"Remove from segment" not in client.get(url).content
    assert client.post(url, {"segment": friends.pk, "remove": "1"}).status_code == 403
    assert set(friends.members) == {contact}


def test_view_contacts_is_the_list_filtered_by_the_segment(
    viewer_client: Client, contact: Contact, friends: Segment, now: datetime
) -> None:
    other = create_contact({"email": "bob@example.com"}, now=now)
    add(friends, Contact.objects.filter(pk=other.pk), now=now, cause=Cause.HAND)
    html = viewer_client.get("/contacts/", {"segment": friends.pk}).content.decode()
    assert re.findall(r'<a class="title" href="/contacts/(\d+)/">', html) == [str(other.pk)]
    assert "Segment: <strong>Friends</strong>" in html


def test_queries_do_not_grow(
    marketer_client: Client, contact: Contact, now: datetime, django_assert_num_queries: Any
) -> None:
    made = 0
    for number in (1, 3):
        while made < number:
            segment = Segment.objects.create(name=f"Segment {made}", kind="static")
            add(segment, Contact.objects.all(), now=now, cause=Cause.HAND)
            made += 1
        # Session, user, permissions, contact; memberships, how they came about, segments to add to.
        with django_assert_num_queries(8):
            html = marketer_client.get(f"/contacts/{contact.pk}/segments/").content.decode()
        assert len(rows(html)) == number
