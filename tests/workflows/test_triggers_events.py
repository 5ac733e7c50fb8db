"""Triggers by lists, imports, programs and events of any type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import QueryDict

from contacts import arrivals
from contacts.lists import subscribe, unsubscribe
from contacts.models import Contact, ContactImport, ContactList, Import
from tests.workflows.flows import active, graph, people, ways
from tests.workflows.happenings import described, faults_of, happens, lets_pass, stored
from workflows import engine
from workflows.engine.frozen import open_versions
from workflows.nodes import NODES
from workflows.nodes.base import NodeContext

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_who_subscribes_to_the_list_comes_in_each_time() -> None:
    one, two = people(2, now=NOON - MINUTE)
    news, other = (ContactList.objects.create(name=name, created_at=NOON) for name in ("News", "Other"))
    stored_graph = graph({"l": ("list_subscribed", {"list": news.pk})}, "start > l", start={"reentry": "always"})
    flow = active("News", stored_graph, now=NOON)
    for minutes in (1, 3):
        at = NOON + minutes * MINUTE
        subscribe(news, Contact.objects.filter(pk=one.pk), now=at)
        subscribe(other, Contact.objects.filter(pk=two.pk), now=at)
        engine.tick(now=at)
        unsubscribe(news, Contact.objects.filter(pk=one.pk), now=at + MINUTE)
        engine.tick(now=at + MINUTE)
    assert ways(flow) == {one.pk: [["l.next", "finished"]] * 2}
    assert described("list_subscribed", {"list": news.pk}) == "News"
    assert described("list_subscribed", {}) == ""
    assert faults_of("list_subscribed", {"list": news.pk}) == []
    assert faults_of("list_subscribed", {}) == [("list", "Choose a list.")]
    news.delete()
    assert described("list_subscribed", {"list": 999}) == "gone"
    assert [field for field, _text in faults_of("list_subscribed", {"list": 999})] == ["list"]


def test_who_comes_with_an_import_comes_in() -> None:
    one, _two = people(2, now=NOON - MINUTE)
    flow = active("Import", graph({"i": ("contact_imported", {})}, "start > i"), now=NOON)
    at = NOON + MINUTE
    run = Import.objects.create(kind=Import.Kind.CONTACTS, name="Fair", created_at=at)
    ContactImport.objects.create(import_run=run, contact=one, created=True, changed=False, written_at=at)
    engine.tick(now=NOON + MINUTE)
    assert ways(flow) == {one.pk: [["i.next", "finished"]]}
    assert faults_of("contact_imported", {}) == []


def test_a_program_lets_contacts_in_and_wakes_those_further_down() -> None:
    (one,) = people(1, now=NOON - MINUTE)
    flow = active("Api", graph({"a": ("api_call", {}), "b": ("api_call", {})}, "start > a", "a > b"), now=NOON)
    version = open_versions()[flow.version_id or 0]
    engine.begin([engine.Start(version, "a", one.pk, "call:1", values={"code": "X"})], now=NOON + MINUTE)
    engine.tick(now=NOON + MINUTE)
    assert ways(flow) == {one.pk: [["a.next", "at b"]]}
    arrivals.write(f"api:{flow.pk}", [one.pk])
    engine.tick(now=NOON + 2 * MINUTE)
    assert ways(flow) == {one.pk: [["a.next", "b.next", "finished"]]}


def test_an_event_of_any_type_must_fit_all_filters() -> None:
    one, two = people(2, now=NOON - MINUTE)
    filters = [
        {"property": "city", "operator": "is", "value": ["Lugo", "Vigo"]},
        {"property": "guests", "operator": "at_least", "value": ["2"]},
    ]
    settings = {"event": "booking", "filters": filters}
    flow = active("Booked", graph({"e": ("custom_event", settings)}, "start > e"), now=NOON)
    happens(one, "booking", NOON + MINUTE, city="VIGO", guests=2)
    happens(two, "booking", NOON + MINUTE, city="Vigo", guests=1)
    happens(two, "booking", NOON + MINUTE, city="Oporto", guests=3)
    happens(two, "store_visit", NOON + MINUTE, city="Vigo", guests=3)
    engine.tick(now=NOON + MINUTE)
    assert ways(flow) == {one.pk: [["e.next", "finished"]]}


@pytest.mark.parametrize(
    ("how", "wanted", "found", "fits"),
    [
        ("is", ["7"], "7", True),
        ("is", ["7"], 7, False),
        ("is", ["true"], True, False),
        ("contains", ["ß"], "STRASSE", True),
        ("starts_with", ["a", "b"], "Bee", True),
        ("starts_with", ["a", "b"], None, False),
        ("equals", ["7.0"], 7, True),
        ("equals", ["7"], "7", False),
        ("equals", ["1"], True, False),
        ("less_than", ["0.3"], 0.1 + 0.2, False),
        ("at_most", ["0.1"], 0.1, True),
    ],
)
def test_filters_compare_by_type(how: str, wanted: list[str], found: Any, fits: bool) -> None:
    settings = {"event": "booking", "filters": [{"property": "p", "operator": how, "value": wanted}]}
    assert lets_pass("custom_event", settings, {"p": found}) is fits
    assert not lets_pass("custom_event", settings, {})


def test_the_value_of_the_event_is_a_property_too() -> None:
    settings = {"event": "booking", "filters": [{"property": "value", "operator": "at_least", "value": "10"}]}
    assert lets_pass("custom_event", settings, {}, "10.0")
    assert not lets_pass("custom_event", settings, {}, "9.99")
    assert lets_pass("custom_event", settings, {"value": 11})


def test_the_form_has_one_empty_filter_more_than_are_filled() -> None:
    def names(data: QueryDict | None, settings: dict[str, Any]) -> list[str]:
        form = NODES["custom_event"].form(data, settings=settings, context=NodeContext())
        return [name for name in form.fields if name.startswith("property")]

    assert names(None, {}) == ["property_1"]
    filters = [{"property": "a", "operator": "is", "value": ["b"]}]
    assert names(None, {"event": "booking", "filters": filters}) == ["property_1", "property_2"]
    assert names(None, {"event": "booking", "filters": filters * 5}) == [f"property_{n}" for n in range(1, 6)]
    assert names(QueryDict("change=1&event=booking&property_1=&property_2=x"), {}) == [
        "property_1",
        "property_2",
        "property_3",
    ]


def test_a_type_of_which_there_is_no_event_yet_is_typed_in() -> None:
    typed = {"event": "+", "event-typed": " booking ", "property_1": ""}
    assert stored("custom_event", typed) == {"event": "booking", "filters": []}
    form = NODES["custom_event"].form.checked({"event": "booking", "filters": []}, NodeContext())
    assert '<option value="+" selected>Another event…</option>' in str(form["event"])
    assert 'name="event-typed" value="booking"' in str(form["event"])
    for wrong in ("Booking", "bo oking", "9", "b" * 64, ""):
        form = NODES["custom_event"].form(typed | {"event-typed": wrong}, settings={}, context=NodeContext())
        assert form.errors == {
            "event": ["Enter the event as your shop sends it: small letters, digits and _, such as store_visit."]
        }
        assert f'name="event-typed" value="{wrong}"' in str(form["event"])


def test_words_and_faults() -> None:
    posted = {"event": "booking", "property_2": "city", "operator_2": "contains", "value_2": "lugo\nvigo"}
    settings = stored("custom_event", posted | {"property_3": "value", "operator_3": "less_than", "value_3": "5"})
    assert settings == {
        "event": "booking",
        "filters": [
            {"property": "city", "operator": "contains", "value": ["lugo", "vigo"]},
            {"property": "value", "operator": "less_than", "value": ["5"]},
        ],
    }
    assert described("custom_event", settings) == "Booking · city contains lugo or vigo · value < 5"
    assert described("custom_event", {}) == ""
    assert faults_of("custom_event", settings) == []
    assert faults_of("custom_event", {}) == [("event", "Choose an event.")]
    for junk in ("x", [7], [{"property": "city"}]):
        assert faults_of("custom_event", {"event": "booking", "filters": junk}) == [
            ("value_1", "Enter what to compare with.")
        ]
    number = {"property": "city", "operator": "equals", "value": ["1", "2"]}
    for value in (["1", "2"], ["x"], ["nan"]):
        assert faults_of("custom_event", {"event": "booking", "filters": [number | {"value": value}]}) == [
            ("value_1", "Enter one number.")
        ]
    assert faults_of("custom_event", {"event": "booking", "filters": [{"value": ["x"]}]}) == [
        ("property_1", "Enter the property to look at.")
    ]
