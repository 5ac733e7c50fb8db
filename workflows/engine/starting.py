"""Contacts enter workflows: a few to whom something happened, or everybody whom Start lets in."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection

from contacts.json_rows import (
    as_json,
    in_values,
    moment_writer,
    row_reader,
    rows_of,
    rows_parameter,
    values_parameter,
)
from contacts.models import Contact
from segments.compiler import compile
from segments.context import Context
from segments.faults import DefinitionError
from segments.statements import Kept, holds
from workflows.engine.frozen import Frozen
from workflows.engine.moving import count_passed, moment
from workflows.models import Run
from workflows.rules import AFTER, ALWAYS, EXISTING, NEVER, NEW

logger = logging.getLogger(__name__)

COLUMNS = (
    "workflow_id, version_id, contact_id, key, is_test, state, node, visit, hops, arrived_at, due_at, awaits, woken,"
    ' event_id, "values", attempts, reason, started_at'
)
ROW = {
    "place": "bigint",
    "workflow_id": "bigint",
    "version_id": "bigint",
    "contact_id": "bigint",
    "key": "text",
    "node": "text",
    "hops": "bigint",
    "event_id": "bigint",
    "given": "text",
    "reentry": "text",
    "since": "timestamptz",
}


@dataclass(frozen=True)
class Start:
    """One contact that would enter a version at a node. ``key`` names what it is that lets it in. ``alone`` lets it do
    so only where it has no run standing there."""

    version: Frozen
    node: str
    contact_id: int
    key: str
    event_id: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    hops: int = 0
    alone: bool = False


def begin(starts: Sequence[Start], *, now: datetime) -> int:
    """Let contacts enter, as far as the rules of their workflows allow it; returns how many runs that were.

    In the caller's transaction, which holds the contacts until it ends, so that nobody enters twice at the same time.
    """
    starts = _without_standing(_let_in(starts, now=now))
    if not starts:
        return 0
    written = moment_writer()
    rows = [_row(place, start, written, now) for place, start in enumerate(starts)]
    values = as_json("s.given")
    again = "s.reentry = 'always'"
    earlier = (
        "EXISTS (SELECT 1 FROM workflows_run o WHERE o.workflow_id = s.workflow_id AND o.contact_id = s.contact_id"
        " AND NOT o.is_test AND (s.since IS NULL OR o.started_at > s.since))"
    )
    first = (
        "s.place = (SELECT MIN(f.place) FROM numbered f WHERE f.workflow_id = s.workflow_id"
        " AND f.contact_id = s.contact_id)"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH numbered AS (SELECT * FROM {rows_of(ROW)} AS sent)"
            f" INSERT INTO workflows_run ({COLUMNS})"
            f" SELECT s.workflow_id, s.version_id, s.contact_id, s.key, false, 'waiting', s.node, 1, s.hops,"
            f" {moment()}, {moment()}, '', true, s.event_id, {values}, 0, '', {moment()}"
            f" FROM numbered s WHERE {again} OR ({first} AND NOT {earlier})"
            " ON CONFLICT (workflow_id, contact_id, key) DO NOTHING RETURNING version_id, node",
            [rows_parameter(rows), *[written(now)] * 3],
        )
        begun = cursor.fetchall()
    _count_starts(starts, [version_id for version_id, _node in begun])
    return len(begun)


def _count_starts(starts: Sequence[Start], version_ids: Sequence[int]) -> None:
    """Count for Start who came in by a trigger; who begins at Start itself is counted when going on from there."""
    behind = {one.version.version_id: one.version.graph.start for one in starts if not one.version.begins_at_start}
    passed = Counter((pk, start.id, "next") for pk in version_ids if (start := behind.get(pk)))
    count_passed({place: (number, 0) for place, number in passed.items()})


def _row(place: int, start: Start, written: Any, now: datetime) -> dict[str, Any]:
    rules = start.version.rules
    # Who may enter once does so under one key, which the database lets nobody use twice.
    key = "once" if rules.reentry == NEVER else start.key
    return {
        "place": place,
        "workflow_id": start.version.workflow_id,
        "version_id": start.version.version_id,
        "contact_id": start.contact_id,
        "key": key,
        "node": start.node,
        "hops": start.hops,
        "event_id": start.event_id,
        "given": _json(start.values),
        "reentry": rules.reentry,
        "since": written(now - rules.reentry_span) if rules.reentry == AFTER else None,
    }


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(dict(values), ensure_ascii=False)


def _let_in(starts: Sequence[Start], *, now: datetime) -> list[Start]:
    """Those whose contact still exists and fulfils the limitation of Start; the contacts are locked."""
    created = _lock({start.contact_id for start in starts})
    kept, broken = _limitations({start.version.version_id: start.version for start in starts})
    members = holds(kept, sorted(created), now=now) if kept and created else set()
    return [
        start
        for start in starts
        if start.contact_id in created
        and start.version.version_id not in broken
        and (start.version.version_id not in kept or (start.version.version_id, start.contact_id) in members)
        and is_of_age(start.version, created[start.contact_id])
    ]


def _limitations(versions: Mapping[int, Frozen]) -> tuple[dict[int, Kept], set[int]]:
    """The limitations of versions that have one, and the versions whose limitation names something that is gone."""
    kept: dict[int, Kept] = {}
    broken: set[int] = set()
    for pk, version in versions.items():
        try:
            if version.limitation:
                kept[pk] = version.limitation
        except DefinitionError as error:
            logger.error("nobody is let into version %s: %s", pk, error)
            broken.add(pk)
    return kept, broken


def is_of_age(version: Frozen, created_at: datetime) -> bool:
    """Whether a contact is among the existing or new ones that Start lets in."""
    is_new = created_at >= version.saved_at
    return {EXISTING: not is_new, NEW: is_new}.get(version.rules.which, True)


def _without_standing(starts: Sequence[Start]) -> Sequence[Start]:
    """Without those that would be alone at a node and are not."""
    if not any(start.alone for start in starts):
        return starts
    inside = Run.objects.inside().real().filter(contact_id__in={start.contact_id for start in starts if start.alone})
    standing = set(inside.values_list("workflow_id", "contact_id", "node"))
    kept = []
    for start in starts:
        place = (start.version.workflow_id, start.contact_id, start.node)
        if not start.alone or place not in standing:
            kept.append(start)
            standing.add(place)
    return kept


def _lock(contact_ids: Iterable[int]) -> dict[int, datetime]:
    """When each of the contacts was created; their rows are locked until the transaction ends, in one order."""
    lock = "FOR NO KEY UPDATE" if connection.features.has_select_for_no_key_update else ""
    read = row_reader(Contact, "id", "created_at")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, created_at FROM contacts_contact WHERE {in_values('id')} ORDER BY id {lock}",
            [values_parameter(contact_ids)],
        )
        return {row[0]: row[1] for row in map(read, cursor.fetchall())}


def begin_everybody(
    version: Frozen,
    node: str,
    *,
    key: str,
    now: datetime,
    definition: dict[str, Any] | None = None,
    moment_of_definition: datetime | None = None,
    after: int = 0,
    limit: int = 20_000,
) -> tuple[int, int | None]:
    """Let everybody in whom Start lets in and for whom the definition holds, from among the next ``limit`` contacts.

    Returns how many runs began, and the id of the last contact that was looked at; None when all were. Doing it again
    for the same contacts with the same ``key`` starts nobody twice.
    """
    ids = list(Contact.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[limit - 1 : limit])
    contacts = Contact.objects.filter(pk__gt=after)
    if ids:
        contacts = contacts.filter(pk__lte=ids[0])
    context = Context(now=now)
    if version.rules.limitation:
        contacts = contacts.filter(compile(version.rules.limitation, now=now, context=context))
    if definition:
        at = moment_of_definition or now
        contacts = contacts.filter(compile(definition, now=at, context=Context(now=at)))
    if version.rules.which != "both":
        new = version.rules.which == NEW
        contacts = contacts.filter(**{f"created_at__{'gte' if new else 'lt'}": version.saved_at})
    count = _insert_everybody(version, node, contacts, key=key, now=now)
    return count, ids[0] if ids else None


def _insert_everybody(version: Frozen, node: str, contacts: Any, *, key: str, now: datetime) -> int:
    try:
        sql, params = contacts.order_by().values("id").query.sql_with_params()
    except EmptyResultSet:
        return 0
    rules, written = version.rules, moment_writer()
    start = version.graph.start
    woken = bool(start and node != start.id)
    unless = ""
    values: list[Any] = []
    if rules.reentry != ALWAYS:
        unless = (
            " WHERE NOT EXISTS (SELECT 1 FROM workflows_run o WHERE o.workflow_id = %s AND o.contact_id = c.id"
            f" AND NOT o.is_test{f' AND o.started_at > {moment()}' if rules.reentry == AFTER else ''})"
        )
        values = [version.workflow_id, *([written(now - rules.reentry_span)] if rules.reentry == AFTER else [])]
    elif connection.vendor == "sqlite":
        unless = " WHERE true"  # without it SQLite would read ON CONFLICT as the condition of a join
    empty = "'{}'::jsonb" if connection.vendor == "postgresql" else "'{}'"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO workflows_run ({COLUMNS})"
            f" SELECT %s, %s, c.id, %s, false, 'waiting', %s, 1, 0, {moment()}, {moment()}, '',"
            f" {'true' if woken else 'false'}, NULL, {empty}, 0, '', {moment()} FROM ({sql}) c{unless}"
            " ON CONFLICT (workflow_id, contact_id, key) DO NOTHING",
            [
                version.workflow_id,
                version.version_id,
                "once" if rules.reentry == NEVER else key,
                node,
                *[written(now)] * 3,
                *params,
                *values,
            ],
        )
        count = int(cursor.rowcount)
    if woken and start and count:
        count_passed({(version.version_id, start.id, "next"): (count, 0)})
    return count
