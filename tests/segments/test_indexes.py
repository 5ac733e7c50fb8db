"""Indexes come and go with the segments that use them, and are used."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from contacts.models import Contact, ContactField
from segments import indexes
from segments.editing import create_segment, delete_segment
from segments.models import Segment
from segments.statements import matching_sql

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def every_table_is_large(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(indexes, "WORTHWHILE", 0)
    yield
    Segment.objects.all().delete()
    indexes.keep_indexes()


@pytest.fixture(autouse=True)
def people(now: Any) -> list[Contact]:
    ContactField.objects.create(key="tier", label="Tier", type="text")
    ContactField.objects.create(key="size", label="Size", type="integer")
    people = Contact.objects.bulk_create(
        Contact(custom={"tier": f"T{n}", "size": n}, first_name=f"P{n}") for n in range(2_000)
    )
    with connection.cursor() as cursor:
        kinds = {
            True: "jsonb_build_object('category', 'c' || id, 'price', id)",
            False: "json_object('category', 'c' || id, 'price', id)",
        }
        moment = {True: "now()", False: "'2026-03-01 00:00:00'"}
        on_postgresql = connection.vendor == "postgresql"
        cursor.execute(
            "INSERT INTO contacts_event (contact_id, type, occurred_at, received_at, properties)"
            f" SELECT id, 'purchase', {moment[on_postgresql]}, {moment[on_postgresql]}, {kinds[on_postgresql]}"
            " FROM contacts_contact"
        )
        cursor.execute("ANALYZE")
    return people


def made() -> set[str]:
    return set(indexes._present())


def segment(now: Any, *rules: dict[str, Any]) -> Segment:
    definition = {"version": 1, "match": "all", "rules": list(rules)}
    return create_segment(
        name=f"S{Segment.objects.count()}", kind=Segment.Kind.DYNAMIC_PLUS, definition=definition, now=now
    )


def bought(property: str, operator: str, value: Any) -> dict[str, Any]:
    return {
        "type": "event",
        "event": "purchase",
        "where": [{"property": property, "operator": operator, "value": value}],
        "metric": "count",
        "operator": "at_least",
        "value": 1,
        "window": {"kind": "ever"},
    }


def plan_of(segment: Segment, now: Any) -> str:
    sql, params = matching_sql(segment, now=now)
    explain = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
    with connection.cursor() as cursor:
        cursor.execute(explain + sql, params)
        return "\n".join(str(row) for row in cursor.fetchall())


RULES = [
    {"type": "field", "field": "custom.tier", "operator": "is", "value": "t7"},
    {"type": "field", "field": "custom.tier", "operator": "is_any_of", "value": ["t7", "T8"]},
    {"type": "field", "field": "custom.size", "operator": "equals", "value": 7},
    {"type": "field", "field": "custom.size", "operator": "between", "value": {"from": 7, "to": 8}},
    bought("category", "is", "C7"),
    bought("price", "equals", 7),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("field") or rule["where"][0]["property"])
def test_an_index_is_made_used_and_dropped(rule: dict[str, Any], now: Any):
    one = segment(now, rule)
    before = set(Contact.objects.raw(*matching_sql(one, now=now)))
    assert made() == set()
    assert indexes.keep_indexes() == (1, 0)
    (name,) = made()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    assert name in plan_of(one, now)
    assert set(Contact.objects.raw(*matching_sql(one, now=now))) == before
    assert indexes.keep_indexes() == (0, 0)
    delete_segment(one, now=now)
    assert indexes.keep_indexes() == (0, 1)
    assert made() == set()


def test_segments_share_an_index_and_system_fields_need_none(now: Any):
    segment(now, RULES[0], {"type": "field", "field": "first_name", "operator": "is", "value": "P1"})
    segment(now, RULES[1], {"type": "field", "field": "custom.tier", "operator": "is_not", "value": "T1"})
    assert indexes.keep_indexes() == (1, 0)


def test_small_tables_need_none(monkeypatch: pytest.MonkeyPatch, now: Any):
    segment(now, RULES[0], RULES[4])
    monkeypatch.setattr(indexes, "WORTHWHILE", 10_000_000)
    assert indexes.keep_indexes() == (0, 0)


def test_a_definition_that_names_what_is_gone_needs_none(now: Any):
    segment(now, RULES[0])
    ContactField.objects.all().delete()
    assert indexes.keep_indexes() == (0, 0)


def test_an_index_that_was_interrupted_is_made_anew(now: Any):
    if connection.vendor != "postgresql":
        return  # SQLite makes an index in one transaction
    segment(now, RULES[0])
    indexes.keep_indexes()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [next(iter(made()))])
    assert indexes.keep_indexes() == (1, 1)
    assert list(indexes._present().values()) == [True]
