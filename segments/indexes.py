"""Indexes for the custom fields and the properties of events that segments ask for.

Which there should be follows from the definitions: they are made when a segment comes to need one, and dropped when no
segment does any more. On PostgreSQL both happen concurrently, so that nobody waits; on SQLite writers wait while an
index is made.
"""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from django.db import connection
from django.db.models import ExpressionWrapper, F, Index, Model, Q, TextField

from contacts.models import Contact, Event
from segments.compiler import rules
from segments.conditions import CONDITIONS
from segments.conditions.base import Indexable
from segments.context import Context
from segments.models import Segment

logger = logging.getLogger(__name__)

PREFIX = "muster_used_"
WORTHWHILE = 20_000  # rows from which on an index is worth what it costs every write
MOST = 40  # indexes at the same time; beyond, writing would suffer more than segments gain


def keep_indexes() -> tuple[int, int]:
    """Make the indexes that segments need and do not have, and drop those that none needs any more.

    Returns how many were made and dropped. Must not run inside a transaction on PostgreSQL.
    """
    wanted = dict(list(_wanted().items())[:MOST])
    present = _present()
    dropping = [name for name, is_usable in present.items() if name not in wanted or not is_usable]
    making = [name for name in wanted if name not in present or name in dropping]
    concurrently = " CONCURRENTLY" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for name in dropping:
            cursor.execute(f"DROP INDEX{concurrently} IF EXISTS {name}")
        for name in making:
            logger.info("making the index %s", name)
            cursor.execute(wanted[name])
    return len(making), len(dropping)


def _wanted() -> dict[str, str]:
    """The SQL that makes each index which the definitions can use, by name."""
    worthwhile = [model for model in (Contact, Event) if _is_large(model)]
    context = Context()
    found = {}
    for segment in Segment.objects.live().defined().order_by("pk").only("definition") if worthwhile else ():
        for rule in rules(segment.conditions):
            for one in _indexable(rule, context):
                if (Contact if one.event is None else Event) in worthwhile:
                    name, sql = _index(one)
                    found[name] = sql
    return found


def _indexable(rule: dict[str, object], context: Context) -> list[Indexable]:
    try:
        return list(CONDITIONS[rule["type"]].indexable(rule, context))
    except LookupError:
        return []  # what the definition names is gone; the refresh shows it as an error


def _is_large(model: type[Model]) -> bool:
    newest = model._default_manager.order_by("-pk").values_list("pk", flat=True).first()
    return newest is not None and newest > WORTHWHILE


def _index(one: Indexable) -> tuple[str, str]:
    key = hashlib.sha256(f"{one.event} {one.expression!r}".encode()).hexdigest()
    name = f"{PREFIX}{key[:16]}"
    # Of decimals Django would make a cast on SQLite, which the queries do not have.
    expression = ExpressionWrapper(one.expression, output_field=TextField())
    index: Index
    if one.event is None:
        model: type[Model] = Contact
        index = Index(expression, name=name)
    else:
        model = Event
        columns = [F("occurred_at"), F("contact")]
        index = Index(expression, *columns, name=name, condition=Q(type=one.event))
    editor = connection.SchemaEditorClass(connection, collect_sql=True)
    options: dict[str, Any] = {"concurrently": True} if connection.vendor == "postgresql" else {}
    return name, str(index.create_sql(model, editor, **options))


def _present() -> dict[str, bool]:
    """Our indexes, each with whether it is usable: one whose making was interrupted is not."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
                " WHERE c.relname LIKE %s AND pg_table_is_visible(c.oid)",
                [f"{PREFIX}%"],
            )
        else:
            cursor.execute("SELECT name, 1 FROM sqlite_master WHERE type = 'index' AND name LIKE %s", [f"{PREFIX}%"])
        return {name: bool(is_usable) for name, is_usable in cursor.fetchall()}
