"""The analytics of a segment: what the pages say, the contacts behind a bar, the files, and what they cost."""

import csv
import io
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from contacts.models import Contact
from crm.jobs import ensure_schedules
from crm.models import User
from segments.editing import delete_segment
from segments.membership import add, remove
from segments.models import Cause, Segment
from tests.conftest import logged_in
from tests.segments.pages import dynamic, in_segment, people, static, text_of

pytestmark = pytest.mark.django_db


def address(segment: Segment, part: str = "") -> str:
    return f"/segments/{segment.pk}/analytics/{part}"


def buyers(now: datetime) -> list[Contact]:
    """Three reachable contacts in Spain who bought once, twice, and never."""
    return [
        *people("Ana", now=now, country="ES", newsletter="subscribed", purchases_count=1, purchases_total=10),
        *people("Luca", now=now, country="ES", newsletter="subscribed", purchases_count=2, purchases_total=50),
        *people("Emma", now=now, country="ES", newsletter="subscribed"),
    ]


def cells(client: Client, of: Segment, table: str, **query: Any) -> list[list[str]]:
    """The rows of a file, its header among them."""
    response = client.get(address(of, f"{table}.csv"), query)
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_the_page_says_how_the_segment_changed(viewer_client: Client):
    now = timezone.now()
    _ana, luca, _emma = everybody = buyers(now)
    segment = static("Spain", *everybody, now=now - timedelta(days=3))
    remove(segment, Contact.objects.filter(pk=luca.pk), now=now, cause=Cause.HAND)
    page = viewer_client.get(address(segment))
    text = text_of(page)
    assert "Size over time last 30 days 2 contacts now" in text
    assert "3 entered 1 left" in text
    assert "Contacts are put into this segment by hand, so it is always up to date." in text
    body = page.content.decode()
    today = timezone.localdate(now).isoformat()
    assert f'href="/segments/{segment.pk}/moved/?kind=left&amp;first={today}&amp;last={today}">1</a>' in body
    assert f'hx-get="{address(segment, "comparison/")}"' in body
    assert f'hx-get="{address(segment, "overlap/")}' in body
    assert "<script>" not in body
    assert " style=" not in body
    for unit, span in (("week", "last 26 weeks"), ("month", "last 12 months"), ("nonsense", "last 30 days")):
        assert span in text_of(viewer_client.get(address(segment), {"by": unit}))


def everything(segment: Segment) -> list[str]:
    parts = [address(segment, part) for part in ("", "comparison/", "overlap/", "size.csv", "overlap.csv")]
    return [*parts, f"/segments/{segment.pk}/moved/?kind=left&first=2026-03-10&last=2026-03-10"]


@pytest.mark.parametrize("role", ["viewer", "marketer", "administrator"])
def test_everybody_with_a_role_reads(user_with_role: Any, now: datetime, role: str):
    client = logged_in(user_with_role(role))
    segment = static("S", *people("Ana", now=now), now=now)
    assert {client.get(one).status_code for one in everything(segment)} == {200}


def test_who_may_not_see_contacts_sees_no_figures_of_them(client: Client, now: datetime):
    segment = static("S", now=now)
    assert {client.get(one).status_code for one in everything(segment)} == {302}
    user = User.objects.create_user("nobody")
    user.user_permissions.add(Permission.objects.get(codename="view_segment"))
    limited = logged_in(user)
    assert {limited.get(one).status_code for one in everything(segment)} == {403}
    assert "Analytics" not in text_of(limited.get(f"/segments/{segment.pk}/"))


def test_a_deleted_segment_has_no_analytics(viewer_client: Client, now: datetime):
    segment = static("S", now=now)
    delete_segment(segment, now=now)
    assert {viewer_client.get(one).status_code for one in everything(segment)} == {404}


def test_the_page_is_reached_from_the_segment(viewer_client: Client, now: datetime):
    segment = static("S", now=now)
    for page in (f"/segments/{segment.pk}/", "/segments/"):
        assert f'href="{address(segment)}"' in viewer_client.get(page).content.decode()


def test_the_contacts_behind_a_bar(viewer_client: Client):
    now = timezone.now()
    ana, luca, emma = buyers(now)
    segment = static("S", now=now - timedelta(days=9))
    add(segment, Contact.objects.filter(pk=ana.pk), now=now - timedelta(days=8), cause=Cause.HAND)
    add(segment, Contact.objects.filter(pk__in=[luca.pk, emma.pk]), now=now, cause=Cause.HAND, detail="Mara")
    remove(segment, Contact.objects.filter(pk=ana.pk), now=now, cause=Cause.HAND)
    body = viewer_client.get(address(segment), {"by": "day"}).content.decode()
    links = [link.replace("&amp;", "&") for link in re.findall(r'href="([^"]*/moved/[^"]*)"', body)]
    shown = [[str(row.contact) for row in viewer_client.get(link).context["happenings"]] for link in links]
    assert [sorted(names) for names in shown] == [["Ana"], ["Emma", "Luca"], ["Ana"]]
    text = text_of(viewer_client.get(links[1]))
    assert "Who entered" in text
    assert "By hand: Mara" in text


def test_the_contacts_behind_a_bar_page_by_page(viewer_client: Client, now: datetime):
    everybody = people(*(f"P{number}" for number in range(60)), now=now)
    segment = static("Large", *everybody, now=now)
    asked = {"kind": "entered", "first": "2026-03-10", "last": "2026-03-10"}
    response: Any = viewer_client.get(f"/segments/{segment.pk}/moved/", asked)
    seen = [str(row.contact) for row in response.context["happenings"]]
    while response.context["page"].next:
        response = viewer_client.get(
            f"/segments/{segment.pk}/moved/",
            asked | {"after": response.context["page"].next},
            headers={"HX-Request": "true", "HX-Target": "happenings"},
        )
        assert "<html" not in response.content.decode()
        seen += [str(row.contact) for row in response.context["happenings"]]
    assert (len(seen), set(seen)) == (60, {str(one) for one in everybody})
    nobody = viewer_client.get(f"/segments/{segment.pk}/moved/", asked | {"kind": "left"})
    assert "Nobody left in this time." in text_of(nobody)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"kind": "entered"},
        {"kind": "came", "first": "2026-03-10", "last": "2026-03-10"},
        {"kind": "left", "first": "10/03/2026", "last": "2026-03-10"},
        {"kind": "left", "first": "2026-03-10", "last": "2026-03-10", "after": "x"},
    ],
)
def test_a_period_that_is_none_is_not_found(viewer_client: Client, now: datetime, query: dict[str, str]):
    assert viewer_client.get(f"/segments/{static('S', now=now).pk}/moved/", query).status_code == 404


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar(viewer_client: Client, now: datetime, day: str):
    query = {"kind": "left", "first": day, "last": day}
    assert viewer_client.get(f"/segments/{static('S', now=now).pk}/moved/", query).status_code == 200


def test_members_beside_everybody(viewer_client: Client, now: datetime):
    segment = static("Spain", *buyers(now), now=now)
    people("Olaf", now=now, country="NO", purchases_count=1, purchases_total=40)
    text = text_of(viewer_client.get(address(segment, "comparison/")))
    assert "Share of all contacts 75% 3 of 4" in text
    assert "Reachable by email 100% 75% of all contacts" in text
    assert "Average order 20.00 25.00 over all contacts" in text
    assert "Returning buyers 33.3% 25% of all contacts" in text
    assert "First-time buyers 1 33.3% 50% 0.67×" in text
    assert "Purchases 3 4 75% of all Revenue 60.00 100.00 60% of all" in text
    assert "Spain 3 100% 75% 1.33×" in text
    assert "All others 0 0% 25% 0.00×" in text
    assert "No member has a language." in text


def test_what_there_is_not_is_said(viewer_client: Client, now: datetime):
    empty = static("Empty", now=now)
    text = text_of(viewer_client.get(address(empty)))
    assert "0 contacts now Nobody has been in this segment in this time." in text
    assert "Nobody has entered or left yet." in text
    assert "Nobody is in this segment" in text_of(viewer_client.get(address(empty, "comparison/")))
    assert "There is no other segment to compare with yet." in text_of(viewer_client.get(address(empty, "overlap/")))
    some = static("Some", *people("Ana", now=now), now=now)
    text = text_of(viewer_client.get(address(some, "comparison/")))
    assert "No contact has bought anything yet." in text
    assert "No member has a country." in text
    assert "Average order – no purchases yet" in text
    assert "so it overlaps with no other" in text_of(viewer_client.get(address(empty, "overlap/")))
    assert "Choose up to four segments" in text_of(viewer_client.get(address(some, "overlap/")))
    Segment.objects.filter(pk=some.pk).update(created_at=now - timedelta(days=900))
    some.days.update(day=(now - timedelta(days=800)).date())
    assert "Nobody entered or left in this time." in text_of(viewer_client.get(address(some)))


def test_overlap_with_the_chosen_segments(viewer_client: Client, now: datetime):
    ana, luca, emma = buyers(now)
    segment = static("S", ana, luca, emma, now=now)
    first, second = static("First & foremost", ana, now=now), static("Second", ana, luca, now=now)
    gone = static("Gone", ana, now=now)
    delete_segment(gone, now=now)
    suggested = viewer_client.get(address(segment, "overlap/"))
    assert [choice.segment for choice in suggested.context["choices"] if choice.is_chosen] == [first, second]
    chosen = viewer_client.get(
        address(segment, "overlap/"),
        {"segment": [first.pk, gone.pk, "x", "9" * 30]},
        headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{address(segment)}?by=week&segment=9"},
    )
    text = text_of(chosen)
    assert "First & foremost 1 33.3% 100%" in text
    assert "none of these 2 66.7%" in text
    assert "Second" not in [one.other.name for one in chosen.context["overlap"].shared]
    replaced = chosen.headers["HX-Replace-Url"]
    assert replaced.startswith(f"{address(segment)}?by=week&segment={first.pk}")
    assert "<svg" in chosen.content.decode()


def test_five_segments_are_too_many(viewer_client: Client, now: datetime):
    [ana] = people("Ana", now=now)
    segment, *others = (static(f"S{number}", ana, now=now) for number in range(6))
    response = viewer_client.get(address(segment, "overlap/"), {"segment": [other.pk for other in others]})
    assert "Choose at most 4 segments." in text_of(response)
    assert response.content.decode().count(" checked") == 5
    assert response.context["overlap"] is None


def test_without_javascript_all_is_in_the_page(viewer_client: Client, now: datetime):
    segment, other = static("S", *buyers(now), now=now), static("Other", now=now)
    page = viewer_client.get(address(segment), {"complete": "1", "segment": other.pk})
    assert "Share of all contacts 100%" in text_of(page)
    assert "Other 0 0% –" in text_of(page)
    assert "Working it out" not in text_of(page)


def test_freshness_of_a_dynamic_segment(viewer_client: Client):
    now = timezone.now()
    people("Ana", now=now)
    segment = dynamic("D", now=now)
    text = text_of(viewer_client.get(address(segment)))
    assert "Freshness No worker runs State Up to date Last full refresh" in text
    assert "Definition changed It took" in text
    assert "1 entered, 0 left Next sweep None is planned: start the worker" in text
    ensure_schedules()
    text = text_of(viewer_client.get(address(segment)))
    assert "No worker runs" not in text
    assert "None is planned" not in text
    Segment.objects.filter(pk=segment.pk).update(error="There is no list 9.")
    assert "The members cannot be brought up to date: There is no list 9." in text_of(
        viewer_client.get(address(segment))
    )


def test_every_table_as_a_file(viewer_client: Client, now: datetime):
    segment = static("Spain & Co.", *buyers(now), now=now)
    other = static("=Other", now=now)
    today = timezone.localdate().isoformat()
    size = cells(viewer_client, segment, "size")
    assert (size[0], len(size)) == (["From", "To", "Contacts at the end"], 31)
    assert size[-1] == [today, today, "3"]
    assert len(cells(viewer_client, segment, "moves", by="month")) == 13
    assert cells(viewer_client, segment, "reach")[3][1:] == ["3", "100.0", "3", "100.0", "1.0"]
    assert cells(viewer_client, segment, "buyers")[1:] == [
        ["No purchase", "1", "33.3333", "1", "33.3333", "1.0"],
        ["First-time buyers", "1", "33.3333", "1", "33.3333", "1.0"],
        ["Returning buyers", "1", "33.3333", "1", "33.3333", "1.0"],
    ]
    assert [row[0] for row in cells(viewer_client, segment, "purchases")] == [
        "Figure",
        "Purchases",
        "Revenue",
        "Average order",
        "Revenue per contact",
        "Purchases per contact",
    ]
    assert cells(viewer_client, segment, "countries")[1][:3] == ["Spain", "3", "100.0"]
    assert cells(viewer_client, segment, "languages") == [
        ["Language", "Segment", "Segment, %", "All contacts", "All contacts, %", "Ratio"]
    ]
    assert cells(viewer_client, segment, "overlap", segment=other.pk) == [
        ["'=Other", "Contacts", "Segment, %"],
        ["No", "3", "100.0"],
    ]
    response = viewer_client.get(address(segment, "size.csv"))
    assert response.headers["Content-Disposition"] == 'attachment; filename="spain-co-size.csv"'
    assert viewer_client.get(address(segment, "nonsense.csv")).status_code == 404


def test_every_export_of_the_page_is_a_file(viewer_client: Client, now: datetime):
    segment = static("S", *buyers(now), now=now)
    static("Other", *Contact.objects.all(), now=now)
    Segment.objects.filter(pk=segment.pk).update(created_at=now)
    segment.days.update(day=timezone.localdate())
    body = viewer_client.get(address(segment), {"complete": "1", "by": "week"}).content.decode()
    links = re.findall(r'href="([^"]*\.csv[^"]*)"', body)
    tables = {link.split(".csv")[0].rsplit("/")[-1] for link in links}
    assert tables == {"size", "moves", "reach", "purchases", "buyers", "countries", "languages", "overlap"} - {
        "languages"
    }
    for link in links:
        assert viewer_client.get(link.replace("&amp;", "&")).headers["Content-Type"].startswith("text/csv")


def test_every_kind_of_segment(viewer_client: Client, now: datetime):
    chosen = static("Chosen", *people("Ana", now=now), now=now)
    for segment in (chosen, dynamic("Filled", now=now), in_segment(chosen, now=now)):
        assert viewer_client.get(address(segment), {"complete": "1"}).status_code == 200


def test_names_of_segments_are_text(viewer_client: Client, now: datetime):
    [ana] = people("Ana", now=now)
    segment = static("<b>Bold</b>", ana, now=now)
    static("<i>Other</i>", ana, now=now)
    body = viewer_client.get(address(segment), {"complete": "1"}).content.decode()
    assert "<b>Bold" not in body
    assert "<i>Other" not in body


@pytest.mark.parametrize("number", [1, 3])
def test_queries_do_not_grow_with_what_is_shown(
    viewer_client: Client, now: datetime, number: int, django_assert_num_queries: Any
):
    everybody = people(*(f"P{place}" for place in range(number)), now=now, country="ES", purchases_count=1)
    segment = dynamic("D", now=now)
    for place in range(number):
        static(f"Other {place}", *everybody, now=now)
    today = timezone.localdate(now).isoformat()
    with django_assert_num_queries(8):
        viewer_client.get(address(segment))
    with django_assert_num_queries(11):
        viewer_client.get(address(segment), {"complete": "1"})
    with django_assert_num_queries(6):
        viewer_client.get(address(segment, "comparison/"))
    with django_assert_num_queries(7):
        viewer_client.get(address(segment, "overlap/"))
    with django_assert_num_queries(7):
        viewer_client.get(f"/segments/{segment.pk}/moved/", {"kind": "entered", "first": today, "last": today})
    with django_assert_num_queries(6):
        viewer_client.get(address(segment, "countries.csv"))
