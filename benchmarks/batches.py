"""Part of a benchmark: recording events in batches, beside the bare writing of the same rows into the same tables.

Bare writing is `executemany` on SQLite and `COPY` on PostgreSQL of rows that are ready, and then one hand-written
UPDATE that brings the contacts' summaries up to date. The triggers of the change log work for both. What is not done by
hand: checking the events, encoding them, finding the contacts and asking whether a key is known. The two take turns, so
that the tables grow under both alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction

from benchmarks.fill_events import TYPES, forget_recorded
from benchmarks.imports import Row, write_bare
from benchmarks.meter import Cost, measured, use_one_process
from benchmarks.people import NOW, forget_segments
from benchmarks.report import table
from contacts.events import NewEvent, Outcome, record
from contacts.json_rows import moment_writer
from contacts.models import Change, Contact, Event

SIZES = (1_000, 5_000)
COLUMNS = ["contact_id", "type", "occurred_at", "received_at", "value", "properties", "key"]
NOT_SEEN = "'email_delivered'"  # happens to contacts without their doing
# The plus keeps SQLite from reading all events in the order of contacts.
SUMMARIES = f"""
WITH added AS MATERIALIZED (
  SELECT +contact_id AS id,
    MIN(CASE WHEN type <> {NOT_SEEN} THEN occurred_at END) AS first_seen_at,
    MAX(CASE WHEN type <> {NOT_SEEN} THEN occurred_at END) AS last_seen_at,
    COUNT(CASE WHEN type = 'purchase' THEN 1 END) AS purchases_count,
    SUM(CASE WHEN type = 'purchase' THEN value ELSE 0 END) AS purchases_total,
    MIN(CASE WHEN type = 'purchase' THEN occurred_at END) AS first_purchase_at,
    MAX(CASE WHEN type = 'purchase' THEN occurred_at END) AS last_purchase_at
  FROM contacts_event WHERE id > %s GROUP BY 1
), new AS MATERIALIZED (
  SELECT old.id,
    CASE WHEN old.first_seen_at <= added.first_seen_at
      THEN old.first_seen_at ELSE added.first_seen_at END AS first_seen_at,
    CASE WHEN old.last_seen_at >= added.last_seen_at
      THEN old.last_seen_at ELSE added.last_seen_at END AS last_seen_at,
    old.purchases_count + added.purchases_count AS purchases_count,
    ROUND(old.purchases_total + added.purchases_total, 4) AS purchases_total,
    CASE WHEN added.first_purchase_at IS NULL OR old.first_purchase_at <= added.first_purchase_at
      THEN old.first_purchase_at ELSE added.first_purchase_at END AS first_purchase_at,
    CASE WHEN added.last_purchase_at IS NULL OR old.last_purchase_at >= added.last_purchase_at
      THEN old.last_purchase_at ELSE added.last_purchase_at END AS last_purchase_at
  FROM added JOIN contacts_contact AS old ON old.id = added.id
  WHERE added.purchases_count > 0 OR added.first_seen_at IS NOT NULL AND (
    old.first_seen_at IS NULL OR added.first_seen_at < old.first_seen_at OR added.last_seen_at > old.last_seen_at)
)
UPDATE contacts_contact SET first_seen_at = new.first_seen_at, last_seen_at = new.last_seen_at,
  purchases_count = new.purchases_count, purchases_total = new.purchases_total,
  purchases_average = CASE WHEN new.purchases_count > 0 THEN ROUND(new.purchases_total / new.purchases_count, 4) END,
  first_purchase_at = new.first_purchase_at, last_purchase_at = new.last_purchase_at
FROM new WHERE contacts_contact.id = new.id
"""
CASES = {  # types, seconds that they lie back, and events of each contact in a batch
    "of all types, over a year": (list(TYPES), 365 * 86_400, 1),
    "page visits, of the last hour": (["page_visit"], 3_600, 1),
    "page visits, ten by each contact": (["page_visit"], 3_600, 10),
    "emails delivered": (["email_delivered"], 3_600, 1),
    "purchases, of the last hour": (["purchase"], 3_600, 1),
}


def main(events: str) -> None:
    forget_segments()
    forget_recorded()
    use_one_process()
    for size in SIZES:
        table(
            f"Events in batches of {size:,}, events per second of CPU",
            ["events", "Muster", "bare", "ratio"],
            [_compared(name, *case, size, int(events) // size) for name, case in CASES.items()],
        )


def _compared(name: str, types: list[str], seconds: int, of_each: int, size: int, batches: int) -> list[str]:
    contact_ids = list(Contact.objects.order_by("pk").values_list("pk", flat=True))
    chance = Random(f"{name} {size}")
    ours, bare = Cost(), Cost()
    for number in range(batches):
        ways: list[tuple[Cost, Callable[[list[dict[str, Any]]], Cost]]] = [(bare, _write_bare), (ours, _record)]
        # Who comes second finds the pages of the indexes in memory.
        for way, (total, write) in enumerate(ways if number % 2 else reversed(ways)):
            chosen = [chance.choice(contact_ids) for _contact in range(size // of_each)]
            key = f"{name} {size} {number} {way}"
            _add(total, write([_made_up(chance, types, seconds, chosen, f"{key} {place}") for place in range(size)]))
    rates = [f"{1_000 * size * batches / cost.cpu:,.0f}" for cost in (ours, bare)]
    return [name, *rates, f"{bare.cpu / ours.cpu:.2f}"]


def _made_up(chance: Random, types: list[str], seconds: int, contact_ids: list[int], key: str) -> dict[str, Any]:
    kind = chance.choice(types)
    email = kind.startswith("email")
    properties: dict[str, Any] = {"path": f"/p/{chance.randrange(2_000)}", "category": "shoes", "device": "mobile"}
    return {
        "type": kind,
        "occurred_at": NOW - timedelta(seconds=chance.randrange(seconds)),
        "contact_id": chance.choice(contact_ids),
        "value": chance.randrange(500, 20_500) / 100 if kind == "purchase" else None,
        "properties": {"campaign": f"c{chance.randrange(50)}"} if email else properties,
        "key": key,
    }


def _record(made: list[dict[str, Any]]) -> Cost:
    events = [NewEvent(**event) for event in made]
    with measured() as cost:
        results = record(events, now=NOW)
    if any(result.outcome != Outcome.RECORDED for result in results):
        raise SystemExit("Not every event was recorded.")
    Change.objects.all()._raw_delete(connection.alias)
    cache.clear()
    return cost


def _write_bare(made: list[dict[str, Any]]) -> Cost:
    moment = moment_writer()
    now = moment(NOW)
    rows: list[Row] = [
        (
            *(event["contact_id"], event["type"], moment(event["occurred_at"]), now),
            *(event["value"], json.dumps(event["properties"]), event["key"]),
        )
        for event in made
    ]
    with measured() as cost, transaction.atomic():
        last = Event.objects.order_by("-pk").values_list("pk", flat=True).first()
        write_bare("contacts_event", (COLUMNS, rows))
        with connection.cursor() as cursor:
            cursor.execute(SUMMARIES, [last])
    Change.objects.all()._raw_delete(connection.alias)
    return cost


def _add(total: Cost, cost: Cost) -> None:
    total.client += cost.client
    total.server += cost.server
    total.wall += cost.wall
