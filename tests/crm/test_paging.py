"""Keyset pages: exact orders, in both directions, with rows that have no value, equal values and rows that go."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.http import Http404
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact
from crm.paging import Order, Page, page

pytestmark = pytest.mark.django_db
CREATED = Order("created", ("created_at",))
SEEN = Order("seen", ("last_seen_at",))
NAME = Order("name", ("last_name", "first_name"))
EMAIL = Order("email", ("email",))
TOTAL = Order("total", ("purchases_total",))


def reverse(order: Order) -> Order:
    return Order(order.key, order.columns, descending=True)


def ids(rows: list[Contact]) -> list[int]:
    return [row.pk for row in rows]


def get(order: Order, size: int = 2, few: bool = False, **query: str) -> Page[Contact]:
    return page(Contact.objects.all(), order, size=size, query=query, few=few)


def forwards(order: Order, size: int, few: bool) -> Iterator[Page[Contact]]:
    current = get(order, size, few)
    yield current
    while current.next:
        current = get(order, size, few, after=current.next)
        yield current


def all_ids(order: Order, size: int) -> list[int]:
    """The ids of all pages forwards; the way back, and sorting instead of walking, must show the same."""
    pages = list(forwards(order, size, few=False))
    current, back = pages[-1], [pages[-1]]
    while current.previous:
        current = get(order, size, before=current.previous)
        back.append(current)
    in_one_row = [pk for one in pages for pk in ids(one.rows)]
    assert [pk for one in forwards(order, size, few=True) for pk in ids(one.rows)] == in_one_row
    assert [pk for one in reversed(back) for pk in ids(one.rows)] == in_one_row
    assert pages[0].previous is None
    assert all(len(one.rows) == size for one in pages[:-1])
    return in_one_row


@pytest.fixture
def moments() -> list[datetime]:
    start = datetime(2026, 1, 1, 8, 30, 15, 123456, tzinfo=UTC)
    return [start + timedelta(days=day) for day in range(4)]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 9, 50])
def test_rows_without_a_value_come_last_in_both_directions(size: int, moments: list[datetime]) -> None:
    seen = [None, moments[2], moments[0], None, moments[2], moments[1], None, moments[2], moments[3]]
    a, b, c, d, e, f, g, h, i = ids(
        Contact.objects.bulk_create(Contact(last_seen_at=at, external_id=str(n)) for n, at in enumerate(seen))
    )
    assert all_ids(SEEN, size) == [c, f, b, e, h, i, a, d, g]
    assert all_ids(reverse(SEEN), size) == [i, h, e, b, f, c, g, d, a]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_several_columns_and_empty_texts(size: int) -> None:
    names = [
        ("Zoe", "Adams"),
        ("", ""),
        ("Abe", ""),
        ("Amy", "Adams"),
        ("Bob", "O'Hara"),
        ("", "Adams"),
        ("Amy", "Adams"),
    ]
    zoe, nobody, abe, amy, bob, adams, amy_2 = ids(
        Contact.objects.bulk_create(Contact(first_name=first, last_name=last) for first, last in names)
    )
    assert all_ids(NAME, size) == [adams, amy, amy_2, zoe, bob, nobody, abe]
    assert all_ids(reverse(NAME), size) == [bob, zoe, amy_2, amy, adams, abe, nobody]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_texts_that_can_be_null(size: int) -> None:
    emails = ["b@example.com", None, "a@example.com", None]
    b, none, a, none_2 = ids(Contact.objects.bulk_create(Contact(email=email) for email in emails))
    assert all_ids(EMAIL, size) == [a, b, none, none_2]
    assert all_ids(reverse(EMAIL), size) == [b, a, none_2, none]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_numbers_compare_as_numbers(size: int) -> None:
    totals = [Decimal("9.5"), Decimal("10"), Decimal("100.25"), Decimal("9.5"), Decimal(0), Decimal("-1")]
    nine, ten, hundred, nine_2, zero, less = ids(
        Contact.objects.bulk_create(Contact(purchases_total=total) for total in totals)
    )
    assert all_ids(TOTAL, size) == [less, zero, nine, nine_2, ten, hundred]
    assert all_ids(reverse(TOTAL), size) == [hundred, ten, nine_2, nine, zero, less]


def test_no_rows() -> None:
    empty = get(SEEN)
    assert (empty.rows, empty.previous, empty.next, empty.is_first) == ([], None, None, True)


def test_a_page_stays_where_it_is_when_rows_before_it_go(moments: list[datetime]) -> None:
    rows = Contact.objects.bulk_create(Contact(last_seen_at=at) for at in [*moments, None, None])
    first = get(SEEN)
    assert first.next
    rows[1].delete()
    second = get(SEEN, after=first.next)
    assert ids(second.rows) == [rows[2].pk, rows[3].pk]
    assert second.next
    rows[3].delete()
    assert ids(get(SEEN, after=second.next).rows) == [rows[4].pk, rows[5].pk]


def test_the_first_page_is_full_when_one_goes_back_over_rows_that_went(moments: list[datetime]) -> None:
    rows = Contact.objects.bulk_create(Contact(created_at=at) for at in moments)
    second = get(CREATED, after=get(CREATED).next or "")
    assert second.previous
    rows[0].delete()
    back = get(CREATED, before=second.previous)
    assert ids(back.rows) == [rows[1].pk, rows[2].pk]
    assert back.is_first
    assert back.previous is None


def test_the_last_page_is_shown_when_all_rows_after_a_place_went(moments: list[datetime]) -> None:
    rows = Contact.objects.bulk_create(Contact(created_at=at) for at in moments)
    second = get(CREATED, after=get(CREATED).next or "")
    third_row = get(CREATED, size=3).next
    assert third_row
    assert second.next is None
    rows[3].delete()
    shown = get(CREATED, after=third_row)
    assert ids(shown.rows) == [rows[1].pk, rows[2].pk]
    assert shown.next is None
    Contact.objects.all().delete()
    assert get(CREATED, after=third_row).rows == []


@pytest.mark.parametrize("name", ["after", "before"])
def test_foreign_cursors_are_refused(name: str, moments: list[datetime]) -> None:
    Contact.objects.bulk_create(Contact(created_at=at) for at in moments)
    ours = get(CREATED).next or ""
    for cursor in ("", "x", "WzEsMl0", ours[:-1], ours + "x", "\x00"):
        with pytest.raises(Http404):
            get(CREATED, **{name: cursor})
    for order in (SEEN, reverse(CREATED)):
        with pytest.raises(Http404):
            get(order, **{name: ours})


def test_a_page_takes_one_query_and_one_more_where_values_end(moments: list[datetime]) -> None:
    Contact.objects.bulk_create(Contact(last_seen_at=at) for at in [*moments, None, None])
    for order, numbers in ((CREATED, [1, 1, 1]), (SEEN, [1, 2, 2])):
        cursor: dict[str, str] = {}
        for number in numbers:
            with CaptureQueriesContext(connection) as queries:
                current = get(order, **cursor)
            assert len(queries) == number
            cursor = {"after": current.next or ""}
