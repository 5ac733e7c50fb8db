"""Contacts > See all: what is found, in which order, by whom, and at what price."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from contacts import list_filters, matches
from contacts.columns import COOKIE
from contacts.lists import subscribe, unsubscribe
from contacts.models import Contact, ContactField, ContactList
from segments.membership import add
from segments.models import Cause, Segment
from tests.conftest import logged_in

pytestmark = pytest.mark.django_db
URL = "/contacts/"


def shown(response: HttpResponse) -> list[str]:
    """The names in the table, in its order."""
    return re.findall(r'<a class="title" href="/contacts/\d+/">(.*?)</a>', response.content.decode())


def find(client: Client, **query: str) -> list[str]:
    response = client.get(URL, query)
    assert response.status_code == 200
    return shown(response)


@pytest.fixture
def people(now: datetime) -> dict[str, Contact]:
    """Four known contacts and one visitor, created one day after the other."""
    fields: list[dict[str, Any]] = [
        {"email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace", "country": "GB", "points": 5},
        {"email": "bob@example.com", "first_name": "Bob", "last_name": "Øster", "newsletter": "subscribed"},
        {"external_id": "C-77", "first_name": "Cy", "country": "IT", "email_status": "bounced"},
        {"email": "dora@example.com", "phone": "+34612345678", "country": "IT", "newsletter": "subscribed"},
        {"visitor_key": "v"},
    ]
    made = [
        Contact.objects.create(**values, created_at=now - timedelta(days=10 - day)) for day, values in enumerate(fields)
    ]
    return dict(zip(("ada", "bob", "cy", "dora", "visitor"), made, strict=True))


ALL = ["Anonymous visitor", "dora@example.com", "Cy", "Bob Øster", "Ada Lovelace"]


def test_everybody_newest_first(viewer_client: Client, people: dict[str, Contact]) -> None:
    assert find(viewer_client) == ALL


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("ada", ["Ada Lovelace"]),
        ("LOVE ada", ["Ada Lovelace"]),
        ("øSTER", ["Bob Øster"]),
        ("c-77", ["Cy"]),
        ("612345", ["dora@example.com"]),
        ("example.com", ["dora@example.com", "Bob Øster", "Ada Lovelace"]),
        ("ada bob", []),
        ("%", []),
        ("_", []),
    ],
)
def test_search(viewer_client: Client, people: dict[str, Contact], query: str, found: list[str]) -> None:
    assert find(viewer_client, q=query) == found


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"country": "IT"}, ["dora@example.com", "Cy"]),
        ({"newsletter": "subscribed"}, ["dora@example.com", "Bob Øster"]),
        ({"newsletter": "subscribed", "country": "IT"}, ["dora@example.com"]),
        ({"email_status": "bounced"}, ["Cy"]),
        ({"created_from": "2026-03-02", "created_to": "2026-03-03"}, ["dora@example.com", "Cy"][::1]),
        ({"created_to": "2026-02-28"}, ["Ada Lovelace"]),
        ({"created_from": "2026-03-05"}, []),
        ({"country": "FR"}, []),
    ],
)
def test_filters(
    viewer_client: Client, people: dict[str, Contact], filters: dict[str, str], found: list[str], now: datetime
) -> None:
    assert find(viewer_client, **filters) == found


def test_days_are_whole_days_of_the_account(viewer_client: Client, settings: Any) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"  # 13 hours ahead of UTC in March
    Contact.objects.create(first_name="Late", created_at=datetime(2026, 3, 1, 10, 59, 59, tzinfo=UTC))
    Contact.objects.create(first_name="Next", created_at=datetime(2026, 3, 1, 11, 0, tzinfo=UTC))
    assert find(viewer_client, created_to="2026-03-01") == ["Late"]
    assert find(viewer_client, created_from="2026-03-02") == ["Next"]


@pytest.mark.parametrize("many", [10_000, 0])
def test_by_list_and_segment(
    viewer_client: Client, people: dict[str, Contact], now: datetime, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large sets are looked up in another way than small ones, with the same result."""
    monkeypatch.setattr(list_filters, "MANY", many)
    monkeypatch.setattr(matches, "BOUND", many)
    news = ContactList.objects.create(name="News")
    friends = Segment.objects.create(name="Friends", kind="static")
    subscribe(news, Contact.objects.filter(country="IT") | Contact.objects.filter(pk=people["ada"].pk), now=now)
    unsubscribe(news, Contact.objects.filter(pk=people["cy"].pk), now=now)
    add(friends, Contact.objects.filter(pk__in=[people["ada"].pk, people["bob"].pk]), now=now, cause=Cause.HAND)
    assert find(viewer_client, list=str(news.pk)) == ["dora@example.com", "Ada Lovelace"]
    assert find(viewer_client, segment=str(friends.pk)) == ["Bob Øster", "Ada Lovelace"]
    assert find(viewer_client, segment=str(friends.pk), list=str(news.pk)) == ["Ada Lovelace"]
    assert find(viewer_client, segment=str(friends.pk), q="bob") == ["Bob Øster"]
    assert find(viewer_client, segment=str(friends.pk), sort="-name") == ["Bob Øster", "Ada Lovelace"]


@pytest.mark.parametrize(
    "query", ["segment=99", "segment=x", "list=0", "country=XX", "created_from=soon", "newsletter=all", "q=%00"]
)
def test_a_filter_that_cannot_be_read_finds_nobody(
    viewer_client: Client, people: dict[str, Contact], query: str
) -> None:
    response = viewer_client.get(f"{URL}?{query}")
    assert shown(response) == []
    assert b"One of the filters cannot be read" in response.content


def test_deleted_segments_are_no_filter(viewer_client: Client, people: dict[str, Contact], now: datetime) -> None:
    gone = Segment.objects.create(name="Gone", kind="static", deleted_at=now)
    response = viewer_client.get(URL, {"segment": gone.pk})
    assert shown(response) == []
    assert b"Gone" not in response.content


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("name", ["Ada Lovelace", "Bob Øster", "dora@example.com", "Anonymous visitor", "Cy"]),
        ("-name", ["Bob Øster", "Ada Lovelace", "Cy", "Anonymous visitor", "dora@example.com"]),
        ("created_at", ALL[::-1]),
        ("email", ["Ada Lovelace", "Bob Øster", "dora@example.com", "Cy", "Anonymous visitor"]),
        ("nonsense", ALL),
        ("-points", ALL),
    ],
)
def test_sorting(viewer_client: Client, people: dict[str, Contact], sort: str, found: list[str]) -> None:
    assert find(viewer_client, sort=sort) == found
    assert find(viewer_client, sort=sort, q="e", country="IT") == [name for name in found if name == "dora@example.com"]


def test_headings_say_and_turn_the_order(viewer_client: Client, people: dict[str, Contact]) -> None:
    page = viewer_client.get(URL, {"sort": "name", "country": "IT"}).content.decode()
    assert re.search(r'aria-sort="ascending">\s*<a href="\?sort=-name&amp;country=IT">Contact', page)
    assert re.search(r'aria-sort="none">\s*<a href="\?sort=-created_at&amp;country=IT">Created', page)


def test_pages(viewer_client: Client, people: dict[str, Contact], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contacts.views.contact_list.PAGE_SIZE", 2)
    first = viewer_client.get(URL, {"sort": "created_at"})
    assert shown(first) == ALL[::-1][:2]
    assert b'rel="prev"' not in first.content
    second = viewer_client.get(URL + link(first, "next"))
    assert shown(second) == ALL[::-1][2:4]
    third = viewer_client.get(URL + link(second, "next"))
    assert shown(third) == ALL[::-1][4:]
    assert b'rel="next"' not in third.content
    assert shown(viewer_client.get(URL + link(third, "prev"))) == ALL[::-1][2:4]
    assert viewer_client.get(URL, {"after": "nonsense"}).status_code == 404


def link(response: HttpResponse, rel: str) -> str:
    found = re.search(rf'rel="{rel}" href="(.*?)"', response.content.decode())
    assert found
    return found[1].replace("&amp;", "&")


def test_the_number_of_matches_is_bounded(
    viewer_client: Client, people: dict[str, Contact], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert b"<span>5 contacts</span>" in viewer_client.get(URL).content
    assert b"<span>1 contact</span>" in viewer_client.get(URL, {"q": "ada"}).content
    monkeypatch.setattr(matches, "BOUND", 1)
    page = viewer_client.get(URL, {"q": "example"}).content
    assert b"More than 1 contacts" in page
    assert b"<span>5 contacts</span>" in viewer_client.get(URL).content


def test_active_filters_are_chips_that_can_be_removed(viewer_client: Client, people: dict[str, Contact]) -> None:
    query = {"q": "a", "country": "IT", "created_from": "2026-01-01", "sort": "name", "list": ""}
    page = viewer_client.get(URL, query).content.decode()
    chips = re.findall(r'<span class="chip"><span>(.*?)</span><a class="icon-button" href="(.*?)"', page)
    assert chips == [
        ("Country: <strong>Italy</strong>", "?q=a&amp;created_from=2026-01-01&amp;sort=name"),
        ("Created from: <strong>1 Jan 2026</strong>", "?q=a&amp;country=IT&amp;sort=name"),
    ]


def test_htmx_gets_the_results_and_a_clean_address(viewer_client: Client, people: dict[str, Contact]) -> None:
    headers = {"HX-Request": "true", "HX-Target": "results"}
    response = viewer_client.get(URL, {"q": "", "country": "IT", "list": "", "sort": "-created_at"}, headers=headers)
    assert shown(response) == ["dora@example.com", "Cy"]
    assert b"<html" not in response.content
    assert response["HX-Push-Url"] == "/contacts/?country=IT"


def test_empty_states(marketer_client: Client, viewer: Any) -> None:
    page = marketer_client.get(URL).content
    assert b"No contacts yet" in page
    assert b'href="/contacts/new/"' in page
    assert b'href="/contacts/new/"' not in logged_in(viewer).get(URL).content
    Contact.objects.create(email="ada@example.com")
    assert b"No contact found" in marketer_client.get(URL, {"q": "zzz"}).content


def test_hostile_names_are_text(viewer_client: Client) -> None:
    hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    ContactField.objects.create(key="h", label=hostile, type="text", help_text=hostile)
    ContactList.objects.create(name=hostile)
    Segment.objects.create(name=hostile, kind="static")
    Contact.objects.create(first_name=hostile, email="h@example.com", custom={"h": hostile})
    viewer_client.cookies[COOKIE] = "custom.h"
    page = viewer_client.get(URL, {"q": "img"}).content.decode()
    assert "&lt;img src=x" in page
    assert "<img src=x" not in page
    assert "<script>alert" not in page


# Columns


def headings(response: HttpResponse) -> list[str]:
    head = re.search(r"<thead>.*?</thead>", response.content.decode(), re.DOTALL)
    assert head
    return [re.sub(r"<.*?>", "", cell).strip() for cell in re.findall(r"<th.*?</th>", head[0], re.DOTALL)]


def test_columns_are_chosen_and_kept(viewer_client: Client, people: dict[str, Contact]) -> None:
    ContactField.objects.create(key="tier", label="Tier", type="text")
    ContactField.objects.create(key="gone", label="Gone", type="text", archived=True)
    Contact.objects.filter(first_name="Ada").update(custom={"tier": "gold", "gone": "x"})
    assert headings(viewer_client.get(URL)) == ["Contact", "Country", "Newsletter", "Last seen", "Created"]
    chosen = {"column": ["email", "custom.tier", "points", "no such field"], "next": "/contacts/?q=ada"}
    response = viewer_client.post("/contacts/columns/", chosen)
    assert (response.status_code, response["Location"]) == (303, "/contacts/?q=ada")
    page = viewer_client.get(URL, {"q": "ada"})
    assert headings(page) == ["Contact", "Email", "Tier", "Points"]
    assert re.findall(r"<td data-label=.*?>(.*?)</td>", page.content.decode()) == ["ada@example.com", "gold", "5"]
    viewer_client.cookies[COOKIE] = "custom.gone~<x>~city"
    assert headings(viewer_client.get(URL)) == ["Contact", "City"]
    viewer_client.post("/contacts/columns/", {"column": ["email"], "reset": "1", "next": "https://evil.example/"})
    assert len(headings(viewer_client.get(URL))) == 5


def test_choosing_columns_leads_nowhere_else(viewer_client: Client) -> None:
    response = viewer_client.post("/contacts/columns/", {"column": "email", "next": "https://evil.example/"})
    assert response["Location"] == "/contacts/"
    assert viewer_client.get("/contacts/columns/").status_code == 405


# Roles


def test_who_may_see_the_list_and_do_what(viewer: Any, marketer: Any, people: dict[str, Contact]) -> None:
    response = Client().get(URL)
    assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/contacts/")
    as_viewer = logged_in(viewer).get(URL).content
    assert b"data-bulk-bar" not in as_viewer
    assert b'name="contact"' not in as_viewer
    as_marketer = logged_in(marketer).get(URL).content.decode()
    assert re.findall(r'formaction="/contacts/bulk/(.*?)/"', as_marketer) == [
        "add-to-segment",
        "subscribe",
        "unsubscribe",
        "remove-from-segment",
        "delete",
    ]
    viewer.groups.clear()
    assert logged_in(viewer).get(URL).status_code == 403


def test_without_permission_a_filter_is_not_there(viewer: Any, people: dict[str, Contact]) -> None:
    from django.contrib.auth.models import Permission

    viewer.groups.clear()
    viewer.user_permissions.add(Permission.objects.get(codename="view_contact", content_type__app_label="contacts"))
    page = logged_in(viewer).get(URL, {"segment": "99"})
    assert shown(page) == ALL
    assert b'name="segment"' not in page.content


# Price


def test_queries_do_not_grow(
    marketer_client: Client, now: datetime, django_assert_num_queries: Any, people: dict[str, Contact]
) -> None:
    ContactField.objects.create(key="tier", label="Tier", type="text")
    news = ContactList.objects.create(name="News")
    Segment.objects.create(name="Friends", kind="static")
    marketer_client.cookies[COOKIE] = "custom.tier~country~email"
    for subscribers in (1, 3):
        subscribe(
            news,
            Contact.objects.filter(pk__in=list(Contact.objects.values_list("pk", flat=True)[:subscribers])),
            now=now,
        )
        # Session, user, permissions; catalogue, lists, imports, segments; how many, and the page.
        with django_assert_num_queries(10):
            assert len(find(marketer_client, list=str(news.pk))) == subscribers
        with django_assert_num_queries(10):
            assert find(marketer_client) == ALL
