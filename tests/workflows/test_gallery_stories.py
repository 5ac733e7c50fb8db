"""Each template as it is, with a clock that is stepped: who goes which way, and what comes of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from campaigns import happenings
from campaigns.models import Message
from campaigns.rendering import Renderer
from campaigns.sending import send_due
from contacts import changes
from contacts.carts import carts_of
from contacts.editing import create_contact, update_contact
from contacts.fields import catalogue
from contacts.models import Contact, Event
from segments.membership import remove
from segments.models import Cause, Membership, Segment
from segments.refresh import apply_changes, apply_time
from tests.workflows.flows import ways
from tests.workflows.happenings import happens
from workflows import activation, engine
from workflows import gallery_templates as gallery_templates  # registers every template
from workflows.gallery import TEMPLATES, use
from workflows.models import Workflow
from workflows.site.models import WebContent

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def at_work(key: str) -> Workflow:
    workflow = use(TEMPLATES[key], now=NOON, user=None)
    activation.activate(workflow, now=NOON, user=None)
    return workflow


def comes(name: str, at: datetime, **values: Any) -> Contact:
    """Somebody new, who subscribes unless something else is said."""
    given = {"email": f"{name}@example.com", "first_name": name.capitalize(), "newsletter": "subscribed"} | values
    contact = create_contact(given, now=at)
    goes_on(at)
    return contact


def goes_on(now: datetime) -> None:
    """What the worker does at this moment."""
    apply_time(now=now)
    for _look in range(2):  # what the workflows change can let contacts into segments
        apply_changes(now=now)
        while engine.tick(now=now):
            pass
    send_due(now=now, clock=lambda: now, limit=100)


def way_of(workflow: Workflow, contact: Contact) -> list[str]:
    [way] = ways(workflow)[contact.pk]
    return way


def got(contact: Contact) -> list[tuple[str, datetime]]:
    """The names of the emails that were sent to the contact, and when."""
    sent = Message.objects.filter(contact=contact, state="sent").order_by("sent_at", "pk")
    return [(name, at) for name, at in sent.values_list("content__name", "sent_at") if at]


def text_for(contact: Contact) -> str:
    """The text of the last email of a contact."""
    message = Message.objects.filter(contact=contact).select_related("content").latest("pk")
    event = Event.objects.filter(pk=message.event_id).first()
    assert message.sent_at
    cart = carts_of([contact.pk], now=message.sent_at).get(contact.pk)
    contact.refresh_from_db()
    return Renderer(message.content, catalogue()).render(message, contact, event, now=message.sent_at, cart=cart).text


def names_of(contact: Contact) -> set[str]:
    """The segments that the contact is in."""
    return set(Membership.objects.filter(contact=contact).values_list("segment__name", flat=True))


def test_new_subscribers_are_welcomed_and_offered_a_first_order_if_there_is_none_yet() -> None:
    earlier = create_contact({"email": "eve@example.com", "newsletter": "subscribed"}, now=NOON - DAY)
    flow = at_work("welcome")
    ada, bea, cleo = (comes(name, NOON + HOUR) for name in ("ada", "bea", "cleo"))
    other = comes("dan", NOON + HOUR, newsletter="never")
    happens(bea, "purchase", NOON + DAY, 30)
    goes_on(NOON + HOUR + 3 * DAY)
    with changes.recorded(now=NOON + 4 * DAY):
        update_contact(cleo, {"newsletter": "unsubscribed"}, now=NOON + 4 * DAY)
    goes_on(NOON + HOUR + 7 * DAY)
    begin = NOON + HOUR
    assert got(ada) == [("Welcome", begin), ("Tips", begin + 3 * DAY), ("First order", begin + 7 * DAY)]
    assert got(bea) == got(cleo) == [("Welcome", begin), ("Tips", begin + 3 * DAY)]
    assert way_of(flow, bea)[-3:] == ["q.yes", "done", "finished"]
    assert not {earlier.pk, other.pk} & ways(flow).keys()
    assert "Hello Ada," in text_for(ada)


def test_who_leaves_a_cart_is_reminded_of_what_is_in_it() -> None:
    ada, bea, cleo = (comes(name, NOON - DAY) for name in ("ada", "bea", "cleo"))
    flow = at_work("abandoned_cart")
    for contact in (ada, bea, cleo):
        happens(contact, "cart_add", NOON + MINUTE, product="Oak desk", price=349)
        happens(contact, "cart_add", NOON + 2 * MINUTE, product="Lamp", price=20.5, quantity=2)
    happens(ada, "cart_remove", NOON + 3 * MINUTE, product="Oak desk")
    happens(cleo, "purchase", NOON + HOUR, 390)
    goes_on(NOON + HOUR)
    first = NOON + 2 * HOUR + 2 * MINUTE
    goes_on(first - MINUTE)
    assert not Message.objects.exists()
    goes_on(first)
    assert "Oak desk   1   349.00\nLamp   2   41.00\nTotal     390.00" in text_for(bea)
    assert "Back to the cart (https://www.example.com/cart)" in text_for(bea)
    happens(bea, "purchase", first + HOUR, 390)
    goes_on(first + HOUR)
    goes_on(first + DAY)
    assert got(ada) == [("Cart, first reminder", first), ("Cart, second reminder", first + DAY)]
    assert "Oak" not in text_for(ada)
    assert got(bea) == [("Cart, first reminder", first)]
    assert way_of(flow, bea) == ["cart.next", "first.next", "w.happened", "bought", "finished"]
    assert cleo.pk not in ways(flow)
    happens(ada, "cart_add", NOON + 3 * DAY, product="Chair", price=1)
    goes_on(NOON + 4 * DAY)
    assert len(got(ada)) == 2  # at most once a week


def test_birthdays_are_remembered_every_year() -> None:
    ada = comes("ada", NOON - DAY, date_of_birth=date(1988, 3, 4))
    born_today = comes("bea", NOON - DAY, date_of_birth=date(1990, 3, 2))
    at_work("birthday")
    morning = datetime(2026, 3, 4, 9, tzinfo=UTC)
    goes_on(morning - DAY)
    goes_on(morning - MINUTE)
    assert not Message.objects.exists()
    goes_on(morning)
    goes_on(morning + DAY)
    next_year = datetime(2027, 3, 4, 9, tzinfo=UTC)
    for _day in range(8):  # those of the last week are made up for, one after the other
        engine.tick(now=next_year)
    goes_on(next_year)
    assert got(ada) == [("Birthday", morning), ("Birthday", next_year)]
    assert [name for name, _at in got(born_today)] == ["Birthday"]  # that of the next year, made up for


def test_customers_who_stayed_away_are_asked_back() -> None:
    ada, bea = (comes(name, NOON - 400 * DAY) for name in ("ada", "bea"))
    last = NOON - 360 * DAY
    for contact in (ada, bea):
        happens(contact, "purchase", last, 50)
    goes_on(NOON)
    flow = at_work("win_back")
    lost = last + 366 * DAY
    goes_on(lost)
    assert "Since March 2025" not in text_for(ada)
    assert "It is a while since you were here: since March 2025." in text_for(ada)
    happens(bea, "purchase", lost + DAY, 50)
    goes_on(lost + DAY)
    goes_on(lost + 14 * DAY)
    bea.refresh_from_db()
    assert got(ada) == [("We miss you", lost), ("Last offer", lost + 14 * DAY)]
    assert (got(bea), bea.points) == ([("We miss you", lost)], 10)
    assert way_of(flow, bea)[-2:] == ["back.next", "finished"]


def test_millennials_and_others_see_a_content_each() -> None:
    young = comes("ada", NOON - DAY, date_of_birth=date(1990, 5, 17))
    old = comes("bea", NOON - DAY, date_of_birth=date(1950, 5, 17))
    at_work("millennials")
    for contact in (young, old):
        for hours in (1, 2, 26):
            happens(contact, "page_visit", NOON + hours * HOUR, url="https://shop.example/desks")
            goes_on(NOON + hours * HOUR)
    shown = list(WebContent.objects.order_by("contact", "pk").values_list("contact", "design__title"))
    assert shown == [(young.pk, "Made for you")] * 2 + [(old.pk, "New this week")] * 2


def test_who_searches_for_desks_can_be_addressed() -> None:
    ada, bea = (comes(name, NOON - DAY) for name in ("ada", "bea"))
    at_work("office_furniture")
    happens(ada, "product_search", NOON + HOUR, query="Oak DESK, large")
    happens(bea, "product_search", NOON + HOUR, query="garden chair")
    goes_on(NOON + HOUR)
    assert (names_of(ada), names_of(bea)) == ({"Interested in office furniture"}, set())


def test_leads_are_scored_and_handed_over_once() -> None:
    ada, bea = (comes(name, NOON - DAY) for name in ("ada", "bea"))
    at_work("lead_scoring")
    at = NOON
    for kind in ("purchase", "purchase", "cart_add", "product_visit", "product_visit"):
        at += HOUR
        happens(ada, kind, at, 10)
        happens(bea, "product_visit", at)
        goes_on(at)
    ada.refresh_from_db()
    bea.refresh_from_db()
    assert (ada.points, bea.points) == (47, 5)
    assert names_of(ada) == set()
    happens(ada, "cart_add", at + HOUR)
    goes_on(at + HOUR)
    assert names_of(ada) == {"Hot leads", "Leads to call"}
    remove(Segment.objects.get(name="Leads to call"), Contact.objects.all(), now=at + HOUR, cause=Cause.HAND)
    happens(ada, "purchase", at + 2 * HOUR, 10)
    goes_on(at + 2 * HOUR)
    assert names_of(ada) == {"Hot leads"}


def test_only_who_confirms_subscribes() -> None:
    flow = at_work("double_opt_in")
    ada, bea, cleo = (comes(name, NOON + HOUR, newsletter="pending") for name in ("ada", "bea", "cleo"))
    asked = NOON + HOUR
    assert [got(contact) for contact in (ada, bea, cleo)] == [[("Confirmation", asked)]] * 3
    assert "Yes, I want the newsletter (" in text_for(ada)
    for contact in (ada, bea):
        happenings.opened(Message.objects.get(contact=contact), now=asked + HOUR)
    happenings.confirmed(Message.objects.get(contact=ada), now=asked + 2 * HOUR)
    happenings.unsubscribed(Message.objects.get(contact=cleo), now=asked + 2 * HOUR)
    goes_on(asked + 2 * HOUR)
    goes_on(asked + 7 * DAY)
    newsletters = Contact.objects.order_by("pk").values_list("newsletter", flat=True)
    assert list(newsletters) == ["subscribed", "never", "unsubscribed"]
    assert got(ada) == [("Confirmation", asked), ("Thanks", asked + 2 * HOUR)]
    assert way_of(flow, bea)[-4:] == ["w.not_in_time", "q.yes", "no.next", "finished"]
    assert way_of(flow, cleo)[-3:] == ["w.not_in_time", "q.no", "finished"]
