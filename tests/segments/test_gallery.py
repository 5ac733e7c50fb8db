"""Segment templates: exactly whom each one finds, and which values it takes."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from contacts.events import NewEvent, record
from contacts.models import Contact
from segments.compiler import describe, matching, validate
from segments.faults import DefinitionError
from segments.gallery import TEMPLATES, Goal, ParametersForm, of_goals, total_of_top_tenth
from segments.models import Segment

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def form(key: str, **values: Any) -> ParametersForm:
    """The template's form with the values that it begins with, and these instead of some."""
    fields = ParametersForm(template=TEMPLATES[key], now=NOW).fields
    data = {name: field.initial for name, field in fields.items()} | values
    return ParametersForm(data, template=TEMPLATES[key], now=NOW)


def found(key: str, **values: Any) -> set[str]:
    """Whom the template finds, by their first names."""
    filled = form(key, **values)
    assert filled.is_valid(), filled.errors
    return set(matching(filled.definition(), now=NOW).values_list("first_name", flat=True))


@pytest.fixture
def contact() -> Callable[..., Contact]:
    """A contact who came in two years ago, and did nothing."""

    def make(name: str, **values: Any) -> Contact:
        return Contact.objects.create(**({"first_name": name, "created_at": ago(730)} | values))

    return make


@pytest.fixture
def did(contact: Callable[..., Contact]) -> Callable[..., None]:
    """Let a contact do some things, each given as its type, how many days ago, its value, and its properties."""

    def let(name: str, *things: tuple[Any, ...]) -> None:
        who = Contact.objects.filter(first_name=name).first() or contact(name)
        events = [_event(who, *thing) for thing in things]
        assert {one.outcome.value for one in record(events, now=NOW)} == {"recorded"}

    return let


def _event(who: Contact, kind: str, days: float, value: Any = None, properties: Any = None) -> NewEvent:
    return NewEvent(kind, ago(days), contact_id=who.pk, value=value, properties=properties or {})


def test_new_contacts_without_a_purchase(contact, did):
    contact("Came just now", created_at=NOW)
    contact("Came in time", created_at=ago(29.999))
    contact("Came too early", created_at=ago(30))
    contact("Bought", created_at=ago(3))
    did("Bought", ("purchase", 2, "10"))
    assert found("new_without_purchase") == {"Came just now", "Came in time"}
    assert found("new_without_purchase", days=31) == {"Came just now", "Came in time", "Came too early"}


def test_abandoned_carts(did):
    did("Left it", ("cart_add", 3))
    did("Bought too late", ("cart_add", 3), ("purchase", 1.9, "10"))
    did("Bought at the last moment", ("cart_add", 3), ("purchase", 2, "10"))
    did("Bought before, not after", ("purchase", 4, "10"), ("cart_add", 3))
    did("Still has time", ("cart_add", 0.5))
    did("Its time is just over", ("cart_add", 1))
    did("Long ago", ("cart_add", 30))
    did("Bought without a cart", ("purchase", 3, "10"))
    left = {"Left it", "Bought too late", "Bought before, not after", "Its time is just over"}
    assert found("abandoned_carts") == left
    assert found("abandoned_carts", wait=2) == {"Left it", "Bought before, not after"}
    assert found("abandoned_carts", days=31) == left | {"Long ago"}


def test_visited_a_category_and_did_not_buy_it(did):
    shoes, hats = {"category": "Shoes"}, {"category": "hats"}
    did("Looked", ("product_visit", 2, None, shoes))
    did("Looked at others", ("product_visit", 2, None, hats))
    did("Bought", ("product_visit", 2, None, shoes), ("purchase", 1, "10", {"category": "shoes"}))
    did("Bought something else", ("product_visit", 2, None, shoes), ("purchase", 1, "10", hats))
    did("Bought long ago", ("product_visit", 2, None, shoes), ("purchase", 40, "10", shoes))
    did("Looked long ago", ("product_visit", 40, None, shoes))
    assert form("visited_not_bought")["category"].initial == "Shoes"
    assert found("visited_not_bought") == {"Looked", "Bought something else", "Bought long ago"}
    assert found("visited_not_bought", days=60) == {"Looked", "Bought something else", "Looked long ago"}
    assert found("visited_not_bought", category="HATS") == {"Looked at others"}


def test_first_time_buyers(contact, did):
    contact("Never")
    did("First", ("purchase", 3, "10"))
    did("First and again", ("purchase", 29, "10"), ("purchase", 1, "10"))
    did("Again", ("purchase", 60, "10"), ("purchase", 1, "10"))
    assert found("first_time_buyers") == {"First", "First and again"}
    assert found("first_time_buyers", days=90) == {"First", "First and again", "Again"}


def test_loyal_customers(did):
    year = [("purchase", days, "10") for days in (1, 100, 364)]
    did("Loyal", *year)
    did("Twice", *year[:2])
    did("Not all in a year", *year[:2], ("purchase", 366, "10"))
    did("Looked", ("product_visit", 1), ("product_visit", 2), ("product_visit", 3))
    assert found("loyal_customers") == {"Loyal"}
    assert found("loyal_customers", times=2) == {"Loyal", "Twice", "Not all in a year"}
    assert found("loyal_customers", months=13) == {"Loyal", "Not all in a year"}


def test_big_spenders(contact, did):
    contact("Never")
    for number in range(1, 12):
        did(f"Spent {number}", ("purchase", number, f"{number}.509"))
    # A tenth of eleven buyers are, rounded up, two.
    assert total_of_top_tenth() == Decimal("10.50")
    assert found("big_spenders") == {"Spent 11", "Spent 10"}
    assert found("big_spenders", total="10.51") == {"Spent 11"}


def test_the_suggested_total(contact, did):
    contact("Never")
    assert total_of_top_tenth() is None
    assert form("big_spenders").errors == {"total": ["This field is required."]}
    did("One", ("purchase", 1, "0.004"))
    assert total_of_top_tenth() is None
    did("One", ("purchase", 1, "1000"))
    assert total_of_top_tenth() == Decimal("1000.00")


def test_birthdays(contact):
    for name, born in {
        "Today": "1980-03-10",
        "In a week": "1999-03-17",
        "Later": "1999-03-18",
        "Yesterday": "1999-03-09",
    }.items():
        contact(name, date_of_birth=date.fromisoformat(born))
    contact("Unknown")
    assert found("birthdays") == {"Today", "In a week"}
    assert found("birthdays", days=8) == {"Today", "In a week", "Later"}


def test_engaged_openers(did):
    did("On three days", *[("email_opened", days) for days in (1, 2, 80)])
    did("On two days", *[("email_opened", days) for days in (1, 1.1, 2)])
    did("Too long ago", *[("email_opened", days) for days in (1, 2, 91)])
    did("Received only", *[("email_delivered", days) for days in (1, 2, 3)])
    assert found("engaged_openers") == {"On three days"}
    assert found("engaged_openers", times=2) == {"On three days", "On two days", "Too long ago"}
    assert found("engaged_openers", days=92) == {"On three days", "Too long ago"}


def test_points_above_a_threshold(contact):
    for points in (-5, 0, 100, 101):
        contact(str(points), points=points)
    assert found("many_points") == {"101"}
    assert found("many_points", points=0) == {"100", "101"}


def test_lapsed_customers(contact, did):
    contact("Never")
    did("Lapsed", ("purchase", 366, "10"))
    did("Came back", ("purchase", 366, "10"), ("purchase", 1, "10"))
    did("Last winter", ("purchase", 100, "10"))
    assert found("lapsed_customers") == {"Lapsed"}
    assert found("lapsed_customers", months=3) == {"Lapsed", "Last winter"}


def test_inactive_subscribers(contact, did):
    subscribed = {"newsletter": "subscribed"}
    contact("Never did anything", **subscribed)
    contact("Just came", created_at=ago(20), **subscribed)
    contact("Gets no newsletter")
    contact("Left the newsletter", newsletter="unsubscribed")
    contact("Received only", **subscribed)
    did("Received only", ("email_delivered", 3))
    for name, days in {"Seen lately": 89, "Seen long ago": 91}.items():
        contact(name, **subscribed)
        did(name, ("email_opened", days))
    inactive = {"Never did anything", "Received only", "Seen long ago"}
    assert found("inactive_subscribers") == inactive
    assert found("inactive_subscribers", days=10) == inactive | {"Just came", "Seen lately"}


def test_received_campaigns_and_opened_none(did):
    """The period begins with the three calendar months before this one: December to February."""
    december, february, march = 99.5, 9.6, 9.4
    did("Received", ("email_delivered", december))
    did("Received in the end", ("email_delivered", february))
    did("Received later", ("email_delivered", march))
    did("Opened", ("email_delivered", 50), ("email_opened", 49))
    did("Opened later", ("email_delivered", february), ("email_opened", march))
    did("Opened before", ("email_opened", 120), ("email_delivered", 50))
    did("Received nothing", ("page_visit", 50))
    period = form("unopened_campaigns")
    assert (period["from"].initial, period["to"].initial) == (date(2025, 12, 1), date(2026, 2, 28))
    closed = {"Received", "Received in the end", "Opened later", "Opened before"}
    assert found("unopened_campaigns") == closed
    of_march = {"from": "2026-03-01", "to": "2026-03-01"}
    assert found("unopened_campaigns", **of_march) == {"Received later"}


@pytest.mark.parametrize("key", TEMPLATES.keys())
def test_the_type_is_the_simplest_that_can_have_the_definition(key: str):
    filled = form(key, category="shoes", total="100")
    assert filled.is_valid()
    definition = filled.definition()
    assert "%(" not in describe(definition)
    if TEMPLATES[key].kind == Segment.Kind.DYNAMIC_PLUS:
        with pytest.raises(DefinitionError):
            validate(definition, kind=Segment.Kind.DYNAMIC)


def test_every_goal_has_templates():
    assert [goal for goal, _templates in of_goals()] == list(Goal)
    assert [goal for goal, templates in of_goals() if not templates] == []
    assert sorted(template.key for _goal, templates in of_goals() for template in templates) == sorted(TEMPLATES.keys())


@pytest.mark.parametrize(
    ("key", "values", "faults"),
    [
        ("birthdays", {"days": ""}, {"days"}),
        ("birthdays", {"days": "0"}, {"days"}),
        ("birthdays", {"days": "100001"}, {"days"}),
        ("birthdays", {"days": "seven"}, {"days"}),
        ("loyal_customers", {"times": "-1", "months": "1.5"}, {"times", "months"}),
        ("abandoned_carts", {"days": "2", "wait": "2"}, {"wait"}),
        ("visited_not_bought", {"category": " "}, {"category"}),
        ("visited_not_bought", {"category": "x" * 256}, {"category"}),
        ("visited_not_bought", {"category": "\ud800"}, {"category"}),
        ("big_spenders", {"total": "0"}, {"total"}),
        ("big_spenders", {"total": "NaN"}, {"total"}),
        ("big_spenders", {"total": "0.00001"}, {"total"}),
        ("many_points", {"points": "-1"}, {"points"}),
        ("many_points", {"points": "2147483648"}, {"points"}),
        ("unopened_campaigns", {"from": "2026-02-30"}, {"from"}),
        ("unopened_campaigns", {"from": "2026-02-02", "to": "2026-02-01"}, {"to"}),
    ],
)
def test_values_that_make_no_sense(key: str, values: dict[str, str], faults: set[str]):
    assert set(form(key, **values).errors) == faults


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("birthdays", {"days": "100000"}),
        ("lapsed_customers", {"months": "100000"}),
        ("loyal_customers", {"times": "100000", "months": "100000"}),
        ("abandoned_carts", {"days": "100000", "wait": "99999"}),
        ("visited_not_bought", {"category": '%s\' "%(x)s" \\', "days": "1"}),
        ("big_spenders", {"total": "1E+3"}),
        ("many_points", {"points": "2147483647"}),
        ("unopened_campaigns", {"from": "0001-01-01", "to": "9999-12-31"}),
    ],
)
def test_values_at_the_edge(key: str, values: dict[str, str]):
    assert found(key, **values) == set()
