"""Part of a benchmark: recording events in batches, beside the bare writing of the same rows into the same table.

Bare writing is `executemany` on SQLite and `COPY` on PostgreSQL, with the table's indexes, without the change log and
the summaries of the contacts. The two take turns, so that the table grows under both alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

from django.core.cache import cache
from django.db import connection

from benchmarks.fill_events import TYPES, forget_recorded, without_change_log
from benchmarks.imports import Row, write_bare
from benchmarks.meter import Cost, measured
from benchmarks.people import NOW, forget_segments
from benchmarks.report import table
from contacts.events import NewEvent, Outcome, record
from contacts.json_rows import moment_writer
from contacts.models import Change, Contact

BATCH = 5_000
COLUMNS = ["contact_id", "type", "occurred_at", "received_at", "value", "properties", "key"]
CASES = {  # types, seconds that they lie back, and events of each contact in a batch
    "of all types, over a year": (list(TYPES), 365 * 86_400, 1),
    "page visits, of the last hour": (["page_visit"], 3_600, 1),
    "page visits, ten by each contact": (["page_visit"], 3_600, 10),
    "emails delivered": (["email_delivered"], 3_600, 1),
    "purchases, of the last hour": (["purchase"], 3_600, 1),
}


def main(batches: str) -> None:
    forget_segments()
    forget_recorded()
    contact_ids = list(Contact.objects.order_by("pk").values_list("pk", flat=True))
    rows = []
    for name, (types, seconds, of_each) in CASES.items():
        chance = Random(name)
        ours, bare = Cost(), Cost()
        for number in range(int(batches)):
            chosen = [chance.choice(contact_ids) for _contact in range(BATCH // of_each)]
            made = [_made_up(chance, types, seconds, chosen, f"{name} {number}-{place}") for place in range(BATCH)]
            ways: list[tuple[Cost, Callable[[list[dict[str, Any]]], Cost], str]] = [
                (bare, _write_bare, "bare"),
                (ours, _record, "ours"),
            ]
            # Who comes second finds the pages of the indexes in memory.
            for total, write, way in ways if number % 2 else reversed(ways):
                _add(total, write([_with_key(event, way) for event in made]))
        written = BATCH * int(batches)
        rows.append(
            [
                name,
                f"{written:,}",
                *(f"{1_000 * written / cost.cpu:,.0f}" for cost in (ours, bare)),
                f"{bare.cpu / ours.cpu:.2f}",
            ]
        )
    table(
        "Events in batches of 5,000, events per second of CPU", ["events", "written", "Muster", "bare", "ratio"], rows
    )


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


def _with_key(event: dict[str, Any], way: str) -> dict[str, Any]:
    return event | {"key": f"{way} {event['key']}"}


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
    with without_change_log(), measured() as cost:
        write_bare("contacts_event", (COLUMNS, rows))
    return cost


def _add(total: Cost, cost: Cost) -> None:
    total.client += cost.client
    total.server += cost.server
    total.wall += cost.wall
