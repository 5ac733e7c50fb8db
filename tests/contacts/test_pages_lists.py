"""Contacts > Lists."""

import re
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from contacts.lists import subscribe, unsubscribe
from contacts.models import Contact, ContactList, ListMembership
from crm.models import User
from segments.models import Segment
from tests.conftest import logged_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def news(now: datetime) -> ContactList:
    """A list with two subscribers and one who left."""
    news = ContactList.objects.create(name="News", description="For everybody", created_at=now)
    Contact.objects.bulk_create(Contact(email=f"{name}@example.com") for name in "abc")
    subscribe(news, Contact.objects.all(), now=now)
    unsubscribe(news, Contact.objects.filter(email="c@example.com"), now=now)
    return news


def rows(client: Client) -> list[tuple[str, str]]:
    html = client.get("/contacts/lists/").content.decode()
    return re.findall(r'<a class="title" href=".*?">(.*?)</a>.*?<strong>(.*?)</strong>', html, re.DOTALL)


def test_lists_and_their_sizes(viewer_client: Client, news: ContactList) -> None:
    ContactList.objects.create(name="Empty")
    assert rows(viewer_client) == [("Empty", "0"), ("News", "2")]
    html = viewer_client.get("/contacts/lists/").content.decode()
    assert f'href="/contacts/?list={news.pk}"' in html
    assert "For everybody" in html


def test_no_lists(viewer: User, marketer: User) -> None:
    assert b'href="/contacts/lists/new/"' in logged_in(marketer).get("/contacts/lists/").content
    page = logged_in(viewer).get("/contacts/lists/").content
    assert b"No lists yet" in page
    assert b'href="/contacts/lists/new/"' not in page


def test_create_and_edit(marketer_client: Client) -> None:
    response = marketer_client.post("/contacts/lists/new/", {"name": "News", "description": "Monthly"})
    assert (response.status_code, response["Location"]) == (303, "/contacts/lists/")
    assert "The list “News” was created." in marketer_client.get("/contacts/lists/").content.decode()
    news = ContactList.objects.get()
    url = f"/contacts/lists/{news.pk}/edit/"
    assert b"Monthly" in marketer_client.get(url).content
    marketer_client.post(url, {"name": "News of the week", "description": ""})
    news.refresh_from_db()
    assert (news.name, news.description) == ("News of the week", "")


@pytest.mark.parametrize(
    ("name", "text"), [("", "This field is required."), ("NEWS", "There is a list of this name."), ("x" * 201, "200")]
)
def test_errors_keep_what_was_typed(marketer_client: Client, news: ContactList, name: str, text: str) -> None:
    response = marketer_client.post("/contacts/lists/new/", {"name": name, "description": "typed"})
    html = response.content.decode()
    assert response.status_code == 422
    assert text in html
    assert "typed" in html
    assert ContactList.objects.count() == 1


def test_editing_with_an_error_keeps_the_old_name_as_heading(marketer_client: Client, news: ContactList) -> None:
    html = marketer_client.post(f"/contacts/lists/{news.pk}/edit/", {"name": ""}).content.decode()
    assert "<h1>News</h1>" in html


def test_delete_says_what_is_lost_and_where_it_is_used(marketer_client: Client, news: ContactList) -> None:
    url = f"/contacts/lists/{news.pk}/delete/"
    html = marketer_client.get(url).content.decode()
    assert "2 contacts are subscribed to it." in html
    assert "The list is used." not in html
    rule = {"type": "list", "list": news.pk, "operator": "member"}
    definition = {"version": 1, "match": "all", "rules": [rule]}
    segment = Segment.objects.create(name="Readers & co", kind="dynamic", definition=definition)
    html = marketer_client.get(url).content.decode()
    assert "The list is used." in html
    assert re.search(rf'<a href="/segments/{segment.pk}/[a-z/]*">Readers &amp; co</a>', html)
    assert "Delete list all the same" in html
    response = marketer_client.post(url)
    assert (response.status_code, response["Location"]) == (303, "/contacts/lists/")
    assert not ContactList.objects.exists()
    assert not ListMembership.objects.exists()
    assert Contact.objects.count() == 3


def test_roles(viewer: User, marketer: User, news: ContactList) -> None:
    pages = ["/contacts/lists/new/", f"/contacts/lists/{news.pk}/edit/", f"/contacts/lists/{news.pk}/delete/"]
    assert logged_in(viewer).get("/contacts/lists/").status_code == 200
    assert Client().get("/contacts/lists/").status_code == 302
    for page in pages:
        assert Client().get(page).status_code == 302
        assert logged_in(viewer).get(page).status_code == 403
        assert logged_in(viewer).post(page, {"name": "x"}).status_code == 403
        assert logged_in(marketer).get(page).status_code == 200
    assert b"/edit/" not in logged_in(viewer).get("/contacts/lists/").content
    assert ContactList.objects.get().name == "News"


def test_hostile_names_are_text(marketer_client: Client) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    made = ContactList.objects.create(name=hostile, description=hostile)
    for page in ("", f"{made.pk}/edit/", f"{made.pk}/delete/"):
        assert hostile not in marketer_client.get(f"/contacts/lists/{page}").content.decode()


def test_queries_do_not_grow(marketer_client: Client, news: ContactList, django_assert_num_queries: Any) -> None:
    for more in range(2):
        # Session, user, permissions, and the lists with their sizes.
        with django_assert_num_queries(5):
            assert len(rows(marketer_client)) == more + 1
        ContactList.objects.create(name=f"More {more}")
