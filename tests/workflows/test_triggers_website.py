"""Triggers by what contacts do on the shop's pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.flows import active, graph, people, ways
from tests.workflows.happenings import described, faults_of, happens, lets_pass, stored
from workflows import engine
from workflows.nodes.triggers.addresses import address

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SHOP = "https://shop.example"


def visits(settings: dict[str, Any], url: str | None, **properties: Any) -> bool:
    return lets_pass("page_visit", settings, ({"url": url} if url else {}) | properties)


def test_a_visitor_comes_in_by_one_page_and_goes_on_by_another() -> None:
    one, two = people(2, now=NOON - MINUTE)
    nodes = {
        "desks": ("page_visit", {"starts_with": ["/desks"], "excluded": ["/desks/sale"]}),
        "mobile": ("page_visit", {"exactly": [f"{SHOP}/basket"], "device": "mobile"}),
    }
    flow = active("Desks", graph(nodes, "start > desks", "desks > mobile", start={"reentry": "always"}), now=NOON)
    at = NOON + MINUTE
    happens(one, "page_visit", at, url=f"{SHOP}/desks/oak?colour=red", path="/desks/oak", device="desktop")
    happens(two, "page_visit", at, url=f"{SHOP}/desks/sale", path="/desks/sale", device="desktop")
    happens(two, "page_visit", at, url=f"{SHOP}/chairs", path="/chairs", device="desktop")
    engine.tick(now=at)
    assert ways(flow) == {one.pk: [["desks.next", "at mobile"]]}
    at += MINUTE
    happens(one, "page_visit", at, url=f"{SHOP}/basket", path="/basket", device="desktop")
    engine.tick(now=at)
    assert ways(flow) == {one.pk: [["desks.next", "at mobile"]]}
    at += MINUTE
    happens(one, "page_visit", at, url=f"{SHOP}/Basket/", path="/Basket/", device="tablet")
    engine.tick(now=at)
    assert ways(flow) == {one.pk: [["desks.next", "mobile.next", "finished"]]}


def test_every_page_counts_without_rules() -> None:
    assert visits({}, f"{SHOP}/anything")
    assert visits({}, None)
    assert visits({"excluded": ["/desks"]}, None)
    assert not visits({"excluded": ["/desks"]}, f"{SHOP}/desks/oak")


@pytest.mark.parametrize(
    ("url", "starts", "exactly"),
    [
        ("https://shop.example/desks", True, True),
        ("http://SHOP.example:80/Desks/#reviews", True, True),
        ("https://shop.example/desks?page=2", True, True),
        ("https://shop.example/desks/oak", True, False),
        ("https://shop.example/desks-and-chairs", True, False),
        ("https://shop.example:8443/desks", False, False),
        ("https://other.example/desks", False, False),
        ("https://shop.example.org/desks", False, False),
        ("https://shop.example/chairs", False, False),
    ],
)
def test_rules_with_a_host(url: str, starts: bool, exactly: bool) -> None:
    assert visits({"starts_with": [f"{SHOP}/desks"]}, url) is starts
    assert visits({"exactly": [f"{SHOP}/desks"]}, url) is exactly


def test_rules_read_paths_queries_and_encoded_characters() -> None:
    assert visits({"exactly": ["/sofás"]}, f"{SHOP}/sof%C3%A1s")
    assert visits({"exactly": ["/sof%C3%A1s"]}, None, path="/SOFÁS/")
    assert visits({"exactly": ["/s?q=oak"]}, f"{SHOP}/s?q=Oak")
    assert not visits({"exactly": ["/s?q=oak"]}, f"{SHOP}/s?q=oak&page=2")
    assert visits({"starts_with": ["/s?q=oak"]}, f"{SHOP}/s?q=oak&page=2")
    assert not visits({"starts_with": ["/s?q=oak"]}, f"{SHOP}/s")
    assert visits({"starts_with": ["/desks/"]}, f"{SHOP}/desks")
    assert visits({"starts_with": [SHOP]}, SHOP)
    assert not visits({"starts_with": [SHOP]}, None, path="/desks")
    assert visits({"starts_with": ["/chairs", "/desks"], "exactly": ["/"]}, f"{SHOP}/")
    assert visits({"exactly": ["/desks"]}, "not an address", path="desks")
    assert not visits({"exactly": ["/desks"]}, None)


def test_category_and_device() -> None:
    assert visits({"category": ["DESKS", "chairs"]}, None, category="Desks")
    assert visits({"category": ["straße"]}, None, category="STRASSE")
    assert visits({"category": ["desks"]}, None, category=["office", "desks"])
    assert not visits({"category": ["desks"]}, None, category="standing desks")
    assert visits({"category": ["desks"], "category_operator": "contains"}, None, category="Standing desks")
    assert not visits({"category": ["7"]}, None, category=7)
    assert [visits({"device": "mobile"}, None, device=one) for one in ("mobile", "tablet", "desktop", None)] == [
        True,
        True,
        False,
        False,
    ]
    assert [visits({"device": "desktop"}, None, device=one) for one in ("mobile", "desktop")] == [False, True]


paths = st.text(st.characters(codec="utf-8", exclude_characters="?#\\", exclude_categories=("C", "Z")), max_size=12)


@given(path=paths, more=paths, query=st.sampled_from(["", "?a=1", "?A=1&b=%C3%A4"]))
def test_what_does_not_tell_pages_apart_does_not_count(path: str, more: str, query: str) -> None:
    plain, rule = address(f"{SHOP}/{quote(path)}"), address(f"/{quote(path)}")
    assert plain
    assert rule
    for same in (f"HTTP://Shop.Example/{quote(path)}#{quote(more)}", f"/{quote(path)}{query}", f"/{quote(path)}/"):
        page = address(same)
        assert page
        assert page.is_exactly([rule])
        assert page.starts_with([rule])
    below = address(f"{SHOP}/{quote(path)}{quote(more)}{query}")
    assert below
    assert below.starts_with([rule])
    assert below.starts_with([plain])
    assert below.is_exactly([rule]) == (below.path.rstrip("/") == rule.path.rstrip("/"))


def test_searching() -> None:
    def searches(settings: dict[str, Any], query: Any) -> bool:
        return lets_pass("product_search", settings, {"query": query})

    assert searches({}, "anything")
    assert searches({"keywords": ["Office  Desk", "chair"]}, "cheap OFFICE desk oak")
    assert searches({"keywords": ["desk"]}, "desks")
    assert not searches({"keywords": ["desk"], "match": "exact"}, "desks")
    assert searches({"keywords": ["Καρέκλας"], "match": "exact"}, " ΚΑΡΈΚΛΑΣ ")
    assert not searches({"keywords": ["7"]}, 7)


def test_who_searches_comes_in() -> None:
    one, two = people(2, now=NOON - MINUTE)
    flow = active("Search", graph({"s": ("product_search", {"keywords": ["desk"]})}, "start > s"), now=NOON)
    happens(one, "product_search", NOON + MINUTE, query="Desk lamp")
    happens(two, "product_search", NOON + MINUTE, query="lamp")
    engine.tick(now=NOON + MINUTE)
    assert ways(flow) == {one.pk: [["s.next", "finished"]]}


def test_words_and_faults() -> None:
    assert described("page_visit", {}) == "Any page"
    settings = stored(
        "page_visit",
        {
            "starts_with": "/desks\n/chairs",
            "exactly": SHOP,
            "excluded": "/desks/sale",
            "category": "office",
            "device": "mobile",
        },
    )
    assert described("page_visit", settings) == (
        "/desks…, /chairs… or https://shop.example · not /desks/sale… · Category: office · on a mobile device"
    )
    assert faults_of("page_visit", settings) == []
    ((field, text),) = faults_of("page_visit", {"exactly": ["/fine", "desks"]})
    assert field == "exactly"
    assert text.startswith("“desks” is no address")
    assert [field for field, _text in faults_of("page_visit", {"starts_with": "http://[bad", "device": "fridge"})] == [
        "starts_with",
        "device",
    ]
    assert described("product_search", {}) == "Any search"
    assert described("product_search", {"keywords": ["desk", "chair"]}) == "contains “desk” or “chair”"
    assert described("product_search", {"keywords": ["desk"], "match": "exact"}) == "exactly “desk”"
