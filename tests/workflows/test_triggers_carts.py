"""Abandoned carts, from the first product to the moment at which nothing was put in for long enough."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts.models import Contact, Event
from tests.workflows.flows import active, graph, people, ways
from tests.workflows.happenings import described, faults_of, happens, stored
from workflows import engine
from workflows.models import Count, Run, Workflow

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = {"count": 1, "unit": "hours"}


def carts(settings: dict[str, Any] | None = None, **start: Any) -> Workflow:
    stored_graph = graph({"c": ("cart_abandoned", HOUR | (settings or {}))}, "start > c", start=start)
    return active("Carts", stored_graph, now=NOON)


def tick(minutes: int) -> None:
    engine.tick(now=NOON + minutes * MINUTE)


def adds(contact: Contact, minutes: int, product: str = "Desk", price: float = 100, **properties: Any) -> None:
    happens(contact, "cart_add", NOON + minutes * MINUTE, product=product, price=price, **properties)
    tick(minutes)


def removes(contact: Contact, minutes: int, **properties: Any) -> None:
    happens(contact, "cart_remove", NOON + minutes * MINUTE, **properties)
    tick(minutes)


def buys(contact: Contact, minutes: int) -> None:
    happens(contact, "purchase", NOON + minutes * MINUTE, 100)
    tick(minutes)


def passed(flow: Workflow) -> dict[str, int]:
    return {one.node: one.passed for one in Count.objects.filter(version=flow.version)}


def test_a_cart_is_abandoned_a_span_after_the_last_product() -> None:
    (one,) = people(1, now=NOON - MINUTE)
    flow = carts(reentry="always")
    adds(one, 0)
    adds(one, 30, "Lamp")
    adds(one, 59, "Chair")
    tick(118)
    assert ways(flow) == {one.pk: [["at c"]]}
    tick(119)
    assert ways(flow) == {one.pk: [["c.next", "finished"]]}
    tick(300)
    adds(one, 301, "Sofa")
    tick(361)
    assert ways(flow) == {one.pk: [["c.next", "finished"]] * 2}
    assert passed(flow) == {"start": 2, "c": 2}


@pytest.mark.parametrize("reentry", ["never", "always"])
def test_who_buys_does_not_come_in_and_can_later(reentry: str) -> None:
    one, two = people(2, now=NOON - MINUTE)
    flow = carts(reentry=reentry)
    adds(one, 1)
    adds(two, 1)
    buys(one, 30)
    tick(61)
    assert ways(flow) == {two.pk: [["c.next", "finished"]]}
    assert passed(flow) == {"start": 1, "c": 1}
    assert Run.objects.count() == 1
    adds(one, 100)
    tick(160)
    assert ways(flow) == {pk: [["c.next", "finished"]] for pk in (one.pk, two.pk)}


def test_a_purchase_in_between_begins_another_cart_in_the_same_wait() -> None:
    (one,) = people(1, now=NOON - MINUTE)
    flow = carts()
    adds(one, 1)
    buys(one, 20)
    adds(one, 50, "Lamp")
    tick(61)
    assert ways(flow) == {one.pk: [["at c"]]}
    tick(110)
    assert ways(flow) == {one.pk: [["c.next", "finished"]]}


def test_an_emptied_cart_is_not_abandoned() -> None:
    one, two, three, four = people(4, now=NOON - MINUTE)
    flow = carts()
    for contact in (one, two, three, four):
        adds(contact, 1, "Desk", quantity=2)
        adds(contact, 2, "Lamp")
    removes(one, 3, product="DESK", quantity=1)
    removes(one, 4, product="Lamp")
    removes(two, 3, product="desk")
    removes(two, 4, product="lamp", quantity=1)
    removes(three, 3)
    removes(four, 3, product="Chair")
    tick(62)
    assert ways(flow) == {one.pk: [["c.next", "finished"]], four.pk: [["c.next", "finished"]]}
    assert Run.objects.filter(workflow=flow).count() == 2


def test_the_cart_must_fit_when_it_is_abandoned() -> None:
    one, two, three = people(3, now=NOON - MINUTE)
    flow = carts({"total_operator": "greater_than", "total": "250", "category": ["desks"]})
    adds(one, 1, "Oak desk", 125.5, quantity=2, category="Desks")
    adds(two, 1, "Oak desk", 125, quantity=2, category="Desks")
    adds(three, 1, "Sofa", 900, category="Sofas")
    adds(three, 2, "Rug", 900)
    tick(90)
    assert ways(flow) == {one.pk: [["c.next", "finished"]]}
    adds(two, 91, "Lamp", 1)
    tick(151)
    assert ways(flow) == {pk: [["c.next", "finished"]] for pk in (one.pk, two.pk)}


def test_further_down_it_is_waited_for_as_often_as_it_takes() -> None:
    one, two = people(2, now=NOON - MINUTE)
    nodes = {"v": ("page_visit", {}), "c": ("cart_abandoned", HOUR)}
    flow = active("Down", graph(nodes, "start > v", "v > c"), now=NOON)
    happens(one, "cart_add", NOON - timedelta(hours=3), product="Old")
    happens(two, "cart_add", NOON - 30 * MINUTE, product="Desk")
    for contact in (one, two):
        happens(contact, "page_visit", NOON + MINUTE, path="/")
    tick(1)
    assert ways(flow) == {pk: [["v.next", "at c"]] for pk in (one.pk, two.pk)}
    tick(30)
    assert ways(flow) == {one.pk: [["v.next", "at c"]], two.pk: [["v.next", "c.next", "finished"]]}
    adds(one, 100)
    buys(one, 120)
    tick(160)
    assert ways(flow)[one.pk] == [["v.next", "at c"]]
    adds(one, 200)
    tick(259)
    assert ways(flow)[one.pk] == [["v.next", "at c"]]
    tick(260)
    assert ways(flow)[one.pk] == [["v.next", "c.next", "finished"]]


def test_two_runs_of_contacts_that_became_one_are_one_cart() -> None:
    one, two = people(2, now=NOON - MINUTE)
    flow = carts()
    adds(one, 1)
    adds(two, 10, "Lamp")
    Run.objects.filter(contact=two).update(contact=one, key="other")
    Event.objects.filter(contact=two).update(contact=one)
    tick(61)
    assert ways(flow) == {one.pk: [["at c"]]}
    tick(70)
    assert ways(flow) == {one.pk: [["c.next", "finished"]]}


def test_words_and_faults() -> None:
    settings = stored(
        "cart_abandoned",
        {"count": "2", "unit": "hours", "total_operator": "at_least", "total": "50", "category": "desks"},
    )
    assert described("cart_abandoned", settings) == "after 2 hours · Total ≥ 50 · Category: desks"
    assert faults_of("cart_abandoned", settings) == []
    assert described("cart_abandoned", {}) == ""
    assert {field for field, _text in faults_of("cart_abandoned", {})} == {"count", "unit"}
    assert faults_of("cart_abandoned", HOUR | {"total": "5"}) == [("total_operator", "Choose how to compare.")]
