"""Triggers by what contacts do with products."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.workflows.flows import active, graph, people, ways
from tests.workflows.happenings import described, faults_of, happens, lets_pass, stored
from workflows import engine

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_looking_adding_and_buying_one_after_the_other() -> None:
    one, two = people(2, now=NOON - MINUTE)
    nodes: dict[str, tuple[str, dict[str, Any]]] = {
        "looks": ("product_visit", {"category": ["desks"]}),
        "adds": ("cart_add", {"product": ["Oak desk"]}),
        "buys": ("purchase", {"amount_operator": "greater_than", "amount": "100"}),
    }
    flow = active("Way", graph(nodes, "start > looks", "looks > adds", "adds > buys"), now=NOON)
    at = NOON + MINUTE
    happens(one, "product_visit", at, product="Oak desk", category="Desks", price=250)
    happens(two, "product_visit", at, product="Lamp", category="Lamps")
    engine.tick(now=at)
    assert ways(flow) == {one.pk: [["looks.next", "at adds"]]}
    at += MINUTE
    happens(one, "cart_add", at, product="Lamp", category="Lamps")
    happens(one, "cart_add", at, product="oak DESK", category="Desks", quantity=2)
    engine.tick(now=at)
    at += MINUTE
    happens(one, "purchase", at, 100, product="Lamp")
    engine.tick(now=at)
    assert ways(flow) == {one.pk: [["looks.next", "adds.next", "at buys"]]}
    at += MINUTE
    happens(one, "purchase", at, "100.01", product="Oak desk")
    engine.tick(now=at)
    assert ways(flow) == {one.pk: [["looks.next", "adds.next", "buys.next", "finished"]]}


@pytest.mark.parametrize(
    ("how", "fitting"),
    [
        ("equals", {"20.0"}),
        ("greater_than", {"20.0001"}),
        ("at_least", {"20.0", "20.0001"}),
        ("less_than", {"19.9999", "-5"}),
        ("at_most", {"19.9999", "20.0", "-5"}),
    ],
)
def test_amounts_compare_exactly(how: str, fitting: set[str]) -> None:
    settings = {"amount_operator": how, "amount": "20"}
    amounts = ("19.9999", "20.0", "20.0001", "-5")
    assert {amount for amount in amounts if lets_pass("purchase", settings, {}, amount)} == fitting
    assert not lets_pass("purchase", settings, {})


def test_all_that_is_asked_must_fit() -> None:
    settings = {
        "product": ["desk", "table"],
        "product_operator": "contains",
        "category": ["off"],
        "category_operator": "starts_with",
        "amount_operator": "at_least",
        "amount": "10",
    }
    assert lets_pass("purchase", settings, {"product": "Oak Table", "category": "Office"}, 10)
    assert not lets_pass("purchase", settings, {"product": "Oak Table", "category": "Office"}, 9)
    assert not lets_pass("purchase", settings, {"product": "Oak Table", "category": "Home office"}, 10)
    assert not lets_pass("purchase", settings, {"product": "Lamp", "category": "Office"}, 10)
    assert not lets_pass("purchase", settings, {"category": "Office"}, 10)


def test_words_and_faults() -> None:
    assert described("purchase", {}) == "Any purchase"
    assert described("cart_add", {}) == described("product_visit", {}) == "Any product"
    assert described("purchase", {"category": ["desks"]}) == "Category: desks"
    settings = stored(
        "purchase",
        {
            "product": "oak\nbeech",
            "product_operator": "contains",
            "category": "desks",
            "category_operator": "",
            "amount_operator": "at_least",
            "amount": "99.50",
        },
    )
    assert described("purchase", settings) == "Product contains oak or beech · Category: desks · Amount ≥ 99.50"
    assert faults_of("purchase", settings) == []
    assert lets_pass("purchase", settings, {"product": "Oak desk", "category": "DESKS"}, "99.5")
    assert faults_of("purchase", {"amount_operator": "at_least"}) == [("amount", "Enter a number to compare with.")]
    assert faults_of("purchase", {"amount": "7"}) == [("amount_operator", "Choose how to compare.")]
    assert [field for field, _text in faults_of("purchase", {"amount_operator": "?", "amount": "x"})] == [
        "amount_operator",
        "amount",
    ]
