"""Contacts > Segments: what the list shows, finds and sorts."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crm.models import Job
from segments.models import Segment, SegmentDay
from segments.uses import USES, Use, UseSource
from segments.views.listing import SORTS
from tests.segments.pages import dynamic, in_segment, people, static, text_of, titles

pytestmark = pytest.mark.django_db


def test_a_row_says_what_there_is_to_know(marketer_client: Client, now: datetime):
    today = timezone.now()
    ana, luca = people("Ana", "Luca", now=today)
    segment = static("Trade fair", ana, luca, now=today, description="Guests of the stand", is_test=True)
    filled = dynamic("With email", now=today)
    in_segment(filled, now=today, name="Of it")
    text = text_of(marketer_client.get("/segments/"))
    assert "Trade fair Test Guests of the stand Static 2 +2 Not used Changed by hand" in text
    assert "With email Dynamic 2 +2 1 segment Up to date now" in text
    assert "Of it Dynamic Plus 0 0 Not used Waiting" in text
    assert "3 segments" in text
    html = marketer_client.get("/segments/").content.decode()
    for address in (
        f"/segments/{segment.pk}/edit/",
        f"/contacts/?segment={segment.pk}",
        f"/segments/{filled.pk}/uses/",
    ):
        assert f'href="{address}"' in html
    assert f'action="/segments/{filled.pk}/refresh/"' in html
    assert f'action="/segments/{segment.pk}/refresh/"' not in html


def test_the_change_counts_seven_days(marketer_client: Client, now: datetime):
    segment = static("Moving", now=now)
    today = timezone.localdate()
    for days_ago, entered, left in ((0, 1, 0), (6, 10, 1300), (7, 500, 0)):
        SegmentDay.objects.create(segment=segment, day=today - timedelta(days=days_ago), entered=entered, left=left)
    assert "−1,289" in text_of(marketer_client.get("/segments/"))


def test_names_are_found_without_regard_to_case_and_signs_are_signs(marketer_client: Client, now: datetime):
    for name in ("Österreich", "100% wool", "Spain_2026", "Spain 2026"):
        static(name, now=now)
    found = {
        query: titles(marketer_client.get("/segments/", {"q": query})) for query in ("ÖSTER", "%", "_", "spain", "x")
    }
    assert found == {
        "ÖSTER": ["Österreich"],
        "%": ["100% wool"],
        "_": ["Spain_2026"],
        "spain": ["Spain 2026", "Spain_2026"],
        "x": [],
    }


def test_the_type_filters(marketer_client: Client, now: datetime):
    static("S", now=now)
    dynamic("D", now=now)
    shown = {
        kind: titles(marketer_client.get("/segments/", {"type": kind})) for kind in ("", "static", "dynamic", "huh")
    }
    assert shown == {"": ["D", "S"], "static": ["S"], "dynamic": ["D"], "huh": ["D", "S"]}


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("", ["apple", "Banana", "Cherry"]),
        ("name", ["apple", "Banana", "Cherry"]),
        ("-name", ["Cherry", "Banana", "apple"]),
        ("-contacts", ["Cherry", "apple", "Banana"]),
        ("contacts", ["Banana", "apple", "Cherry"]),
        ("-change", ["apple", "Cherry", "Banana"]),
        ("-updated", ["Banana", "Cherry", "apple"]),
        ("nonsense", ["apple", "Banana", "Cherry"]),
    ],
)
def test_the_order(marketer_client: Client, now: datetime, sort: str, names: list[str]):
    today = timezone.now()
    ana, luca = people("Ana", "Luca", now=now)
    static("Cherry", ana, luca, now=now)
    static("apple", ana, now=today)
    static("Banana", now=now)
    for days, name in enumerate(("apple", "Cherry", "Banana")):
        Segment.objects.filter(name=name).update(updated_at=now + timedelta(days=days))
    assert titles(marketer_client.get("/segments/", {"sort": sort})) == names


def test_every_order_of_a_column_can_be_chosen_from_a_list(marketer_client: Client, now: datetime):
    static("A", now=now)
    html = marketer_client.get("/segments/?sort=-contacts").content.decode()
    options = re.findall(r'<option value="([^"]*)"( selected)?>', html)
    assert {value for value, _selected in options} == {f"{prefix}{key}" for key in SORTS for prefix in ("", "-")}
    assert [value for value, selected in options if selected] == ["-contacts"]


def test_the_head_of_a_column_turns_its_order_around(marketer_client: Client, now: datetime):
    static("A", now=now)
    html = marketer_client.get("/segments/?sort=-contacts&q=a&page=1").content.decode()
    assert 'aria-sort="descending"><a href="?sort=contacts&amp;q=a">' in html
    assert 'aria-sort="none"><a href="?sort=name&amp;q=a">' in html


def test_pages(marketer_client: Client, now: datetime):
    Segment.objects.bulk_create(Segment(name=f"Segment {number:02}", kind="static") for number in range(27))
    first, second = (marketer_client.get("/segments/", {"page": page, "q": "seg"}) for page in (1, 2))
    assert (len(titles(first)), titles(second)) == (25, ["Segment 25", "Segment 26"])
    assert "27 segments" in text_of(first)
    assert "Page 1 of 2" in text_of(first)
    assert re.search(r'rel="next" href="\?page=2&amp;q=seg"', first.content.decode())
    assert titles(marketer_client.get("/segments/", {"page": "99"})) == ["Segment 25", "Segment 26"]


def test_nothing_there_and_nothing_found(marketer_client: Client, viewer_client: Client, now: datetime):
    assert "No segments yet" in text_of(marketer_client.get("/segments/"))
    assert "Create new segment" not in text_of(viewer_client.get("/segments/"))
    static("A", now=now)
    assert "There is no segment with “<b>” in its name." in text_of(marketer_client.get("/segments/", {"q": "<b>"}))
    assert "There is no segment of this type yet." in text_of(marketer_client.get("/segments/", {"type": "dynamic"}))


def test_names_are_texts(marketer_client: Client, now: datetime):
    static("<img src=x onerror=alert(1)>", now=now, description="<script>alert(2)</script>")
    html = marketer_client.get("/segments/").content.decode()
    assert "<img src=x" not in html
    assert "<script>alert" not in html


def test_a_segment_being_worked_on_shows_how_far_and_asks_again(marketer_client: Client, now: datetime):
    segment = dynamic("Large", now=now)
    Segment.objects.filter(pk=segment.pk).update(stale=True)
    address = f"/segments/{segment.pk}/state/"
    assert f'hx-get="{address}"' in marketer_client.get("/segments/").content.decode()
    assert text_of(marketer_client.get(address)).startswith("Waiting")
    Job.objects.create(
        kind="segments.refresh",
        title="",
        subject=f"segment:{segment.pk}",
        state="running",
        done=1,
        total=4,
        created_at=now,
    )
    working = marketer_client.get(address)
    assert text_of(working).startswith("Refreshing 25%")
    Job.objects.update(state="done")
    Segment.objects.filter(pk=segment.pk).update(stale=False, size=1234)
    done = marketer_client.get(address)
    assert "Up to date" in text_of(done)
    assert "1,234" in text_of(done)
    assert "hx-get" not in done.content.decode()


def test_a_segment_that_failed_says_why(marketer_client: Client, now: datetime):
    segment = dynamic("Broken", now=now)
    Segment.objects.filter(pk=segment.pk).update(error="A rule names a list that was deleted.", stale=True)
    assert "Error A rule names a list that was deleted." in text_of(marketer_client.get("/segments/"))


def test_uses_are_counted_by_kind_of_place(marketer_client: Client, now: datetime, monkeypatch: pytest.MonkeyPatch):
    segment = static("Used", now=now)
    for name in ("One", "Two"):
        in_segment(segment, now=now, name=name)
    monkeypatch.setattr(USES, "_members", dict(USES._members))
    USES.add(UseSource("letters", "Letters", "%(count)s letters", lambda ids: {pk: [Use("A", "/a/")] for pk in ids}))
    assert "2 segments, 1 letters" in text_of(marketer_client.get("/segments/"))


@pytest.mark.parametrize("number", [1, 3])
def test_queries_do_not_grow_with_the_rows(
    marketer_client: Client, now: datetime, number: int, django_assert_num_queries: Any
):
    for place in range(number):
        in_segment(dynamic(f"D{place}", now=now), now=now)
        static(f"S{place}", now=now)
    with django_assert_num_queries(10):
        marketer_client.get("/segments/")
