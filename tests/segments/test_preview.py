"""The figures of the preview: exact ones against the members, estimates, warnings, and when counting is stopped."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.events import NewEvent, record
from contacts.models import Contact, ContactField, ContactList, ListMembership
from crm.time_limit import TookTooLong, time_limit
from segments.compiler import matching, parts_of
from segments.models import Segment
from segments.preview import preview
from tests.segments.pages import people, static

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
EVER = {"kind": "ever"}


def field(key: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"type": "field", "field": key, "operator": operator} | ({} if value is None else {"value": value})


def event(event: str = "purchase", **more: Any) -> dict[str, Any]:
    rule = {"type": "event", "event": event, "metric": "count", "operator": "at_least", "value": 1, "window": EVER}
    return rule | more


def group(match: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"match": match, "rules": list(rules)}


def definition(*rules: dict[str, Any], match: str = "all") -> dict[str, Any]:
    return {"version": 1} | group(match, *rules)


@pytest.fixture
def shop() -> list[Contact]:
    """Twelve contacts: every second lives in Rome, every third bought, every fourth opened an email."""
    contacts = people(*(f"P{number}" for number in range(12)), now=NOW)
    Contact.objects.filter(pk__in=[one.pk for one in contacts[::2]]).update(city="Rome")
    moments = {"occurred_at": NOW - timedelta(days=2)}
    record([NewEvent("purchase", contact_id=one.pk, value="5", **moments) for one in contacts[::3]], now=NOW)
    record([NewEvent("email_opened", contact_id=one.pk, **moments) for one in contacts[::4]], now=NOW)
    record(
        [NewEvent("cart_add", contact_id=one.pk, occurred_at=NOW - timedelta(days=3)) for one in contacts[:6]], now=NOW
    )
    return contacts


def every_kind(shop: list[Contact]) -> list[dict[str, Any]]:
    news = ContactList.objects.create(name="News")
    ListMembership.objects.bulk_create(ListMembership(list=news, contact=one, subscribed_at=NOW) for one in shop[:5])
    friends = static("Friends", *shop[2:9], now=NOW)
    steps = [{"event": "cart_add", "did": True}, {"event": "purchase", "did": True}]
    return [
        field("city", "is", "rome"),
        field("city", "is_not", "rome"),
        {"type": "list", "list": news.pk, "operator": "member"},
        {"type": "list", "list": news.pk, "operator": "not_member"},
        {"type": "segment", "segment": friends.pk, "operator": "not_member"},
        event(),
        event(operator="equals", value=0),
        event(metric="sum", property="value", operator="greater_than", value=3),
        {"type": "sequence", "steps": steps, "window": EVER},
    ]


@pytest.mark.parametrize("match", ["all", "any", "none"])
@pytest.mark.parametrize("exact_up_to", [0, 100])
def test_every_group_and_condition_is_counted(shop: list[Contact], settings: Any, match: str, exact_up_to: int):
    """An estimate from all contacts is exact: both ways of asking are compared with the members."""
    settings.PREVIEW_EXACT_UP_TO = exact_up_to
    rules = every_kind(shop)
    tree = definition(
        rules[0],
        group("any", rules[1], rules[5], group("none", *rules[2:5])),
        group("none", rules[6], group("all", rules[7], rules[8])),
        *rules[1:],
        match=match,
    )
    figures = preview(tree, segment=None, now=NOW)
    assert figures.is_estimate == (exact_up_to == 0)
    parts = [part if "match" in part else group("all", part) for part in parts_of(tree)]
    assert [part.count for part in figures.parts] == [matching(part, now=NOW).count() for part in parts]
    if match == "all":
        expected = [
            matching(group("all", *tree["rules"][: end + 1]), now=NOW).count() for end in range(len(tree["rules"]))
        ]
        assert [part.left for part in figures.parts if part.left is not None] == expected
    else:
        assert {part.left for part in figures.parts} == {None}
    assert figures.count == matching(tree, now=NOW).count()


@pytest.mark.parametrize("exact_up_to", [0, 100])
def test_who_would_enter_and_leave(shop: list[Contact], settings: Any, exact_up_to: int):
    settings.PREVIEW_EXACT_UP_TO = exact_up_to
    segment = static("Saved", *shop[:3], now=NOW)
    figures = preview(definition(field("city", "is", "Rome")), segment=segment, now=NOW)
    assert (figures.count, figures.total, figures.entering, figures.leaving) == (6, 12, 4, 1)
    assert [one.first_name for one in figures.sample] == ["P10", "P8", "P6", "P4", "P2"]
    assert preview(definition(event()), segment=None, now=NOW).leaving == 0


def test_the_funnel_says_what_is_left_after_each_condition(shop: list[Contact]):
    figures = preview(
        definition(field("city", "is", "Rome"), group("any", event(), event("cart_add"))), segment=None, now=NOW
    )
    assert [(one.words, one.depth, one.count, one.left) for one in figures.steps] == [
        ("City is Rome", 1, 6, 6),
        ("(“Purchased” happened at least once or “Put into the cart” happened at least once)", 1, 8, 4),
        ("“Purchased” happened at least once", 2, 4, None),
        ("“Put into the cart” happened at least once", 2, 6, None),
    ]
    assert figures.count == figures.steps[1].left


def test_an_estimate_says_that_it_is_one(settings: Any):
    people(*(f"P{number}" for number in range(400)), now=NOW)
    Contact.objects.filter(pk__in=[one.pk for one in Contact.objects.order_by("pk")[:100]]).update(city="Rome")
    settings.PREVIEW_EXACT_UP_TO, settings.PREVIEW_SAMPLE = 399, 50
    rome = definition(field("city", "is", "Rome"))
    figures = preview(rome, segment=None, now=NOW)
    assert (figures.is_estimate, figures.looked_at, figures.total) == (True, 50, 400)
    assert figures.low < figures.count < figures.high
    assert figures.low <= 100 <= figures.high
    assert figures.count % 8 == 0  # so many contacts stand for each that was looked at
    assert preview(rome, segment=None, now=NOW) == figures
    exact = preview(rome, segment=None, now=NOW, exact=True)
    assert (exact.is_estimate, exact.count, exact.low, exact.high) == (False, 100, 100, 100)
    nobody = preview(definition(field("city", "is", "Oslo")), segment=None, now=NOW)
    assert (nobody.count, nobody.low, nobody.sample, nobody.warnings) == (0, 0, [], [])
    assert nobody.high > 0


def test_an_estimate_among_few_of_many_ids(settings: Any):
    people(*(f"P{number}" for number in range(300)), now=NOW)
    kept = list(Contact.objects.order_by("pk").values_list("pk", flat=True))[::30]
    Contact.objects.exclude(pk__in=kept).delete()
    settings.PREVIEW_EXACT_UP_TO, settings.PREVIEW_SAMPLE = 0, 20
    figures = preview(definition(field("email", "is_set")), segment=None, now=NOW)
    assert (figures.looked_at, figures.count) == (10, 10)


def test_an_estimate_among_ids_that_lie_far_apart(settings: Any):
    settings.PREVIEW_EXACT_UP_TO, settings.PREVIEW_SAMPLE = 0, 100
    Contact.objects.bulk_create(Contact(pk=10**12 * number, first_name="A") for number in range(1, 20))
    figures = preview(definition(field("first_name", "is_set")), segment=None, now=NOW)
    assert (figures.looked_at, figures.count) == (19, 19)


def test_it_warns_of_everybody_and_nobody(shop: list[Contact]):
    assert preview(definition(field("email", "is_set")), segment=None, now=NOW).warnings == ["Everybody matches."]
    assert preview(definition(field("city", "is", "Oslo")), segment=None, now=NOW).warnings == ["Nobody matches."]
    assert preview(definition(field("city", "is", "Rome")), segment=None, now=NOW).warnings == []
    Contact.objects.all().delete()
    assert preview(definition(field("email", "is_set")), segment=None, now=NOW).warnings == []


def test_it_warns_of_windows_longer_than_the_data(shop: list[Contact]):
    def warned(*rules: dict[str, Any]) -> list[str]:
        return preview(definition(*rules, match="any"), segment=None, now=NOW).warnings

    year = {"kind": "last", "count": 1, "unit": "years"}
    days = {"kind": "last", "count": 2, "unit": "days"}
    known = (
        "“Purchased” is known since 8 Mar 2026, 12:00 only, and the condition asks further back: in the last 1 year."
    )
    assert warned(event(window=year), event(window=year, value=2)) == [known]
    assert warned(event(window=days), event()) == []
    never = "“Clicked in an email” has not happened to anybody yet."
    assert warned(event("email_clicked"), event()) == [never]
    steps = [{"event": "purchase", "did": True}, {"event": "email_clicked", "did": True}]
    assert warned({"type": "sequence", "steps": steps, "window": year}, event()) == [known, never]


def test_it_warns_of_archived_fields(shop: list[Contact]):
    ContactField.objects.create(key="tier", label="Tier", type="text", archived=True)
    rule = field("custom.tier", "is_not", "gold")
    assert preview(definition(rule, event()), segment=None, now=NOW).warnings == ["The field Tier is archived."]


def slow_sql() -> str:
    if connection.vendor == "postgresql":
        return "SELECT pg_sleep(20)"
    return "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) SELECT MAX(i) FROM n"


def test_what_takes_too_long_is_stopped():
    with pytest.raises(TookTooLong) as stopped, time_limit(0.05), connection.cursor() as cursor:
        cursor.execute(slow_sql())
    assert stopped.value.seconds == 0.05
    assert Contact.objects.count() == 0  # and the connection goes on
    with time_limit(5):
        assert Contact.objects.count() == 0
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("0",)


@pytest.mark.parametrize("exact_up_to", [0, 100])
def test_the_number_of_queries(shop: list[Contact], settings: Any, exact_up_to: int):
    settings.PREVIEW_EXACT_UP_TO = exact_up_to
    segment = Segment(pk=99)
    for number in (1, 3):
        rules = [event(window={"kind": "last", "count": days, "unit": "days"}) for days in range(3, 3 + number)]
        with CaptureQueriesContext(connection) as queries:
            preview(definition(*rules), segment=segment, now=NOW)
        asked = [one["sql"] for one in queries if "contacts_" in one["sql"]]
        assert len(asked) == (4 if exact_up_to else 7)
