"""The SQL of definitions, compiled once for each version and kept; what depends on ``now`` is bound when it is run.

Compiling with the ORM costs milliseconds, which an edit that concerns a hundred segments would pay a hundred times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError, connection

from contacts.models import Contact
from segments.clock import Late
from segments.compiler import Definition, compile, depends_on, is_relative
from segments.context import CONTACT_IDS, ContactIds, Context, among_contacts
from segments.faults import DefinitionError, Fault
from segments.models import Segment

COLUMNS_OF_A_STATEMENT = 250
ANY_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Statement:
    """A condition on a row of the contact table, with its parameters, some of them still open."""

    sql: str
    params: tuple[Any, ...]

    def bound(self, *, now: datetime, contact_ids: list[int] | None = None) -> list[Any]:
        """The parameters for ``now`` and, in a statement for a few contacts, for their ids."""
        return [_bound(param, now, contact_ids) for param in self.params]


def _bound(param: Any, now: datetime, contact_ids: list[int] | None) -> Any:
    if isinstance(param, Late):
        return param.bind(now, connection)
    if isinstance(param, ContactIds):
        assert contact_ids is not None
        return ContactIds.bind(contact_ids, connection.vendor)
    return param


@dataclass(frozen=True)
class Kept:
    """What is kept of one version of a segment's definition."""

    whole: Statement
    few: Statement
    keys: frozenset[str]
    relative: bool


_kept: dict[tuple[str, int, int], Kept] = {}
MOST_KEPT = 5_000


def kept(segment: Segment) -> Kept:
    """The compiled forms of the segment's definition.

    Raises `DefinitionError` when something that the definition names is gone, or it is damaged in whatever way.
    """
    key = (connection.vendor + str(connection.settings_dict["NAME"]), segment.pk, segment.version)
    if key not in _kept:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        try:
            _kept[key] = prepare(segment.conditions)
        except (DefinitionError, DatabaseError):
            raise
        except Exception as error:
            raise DefinitionError([Fault((), f"{type(error).__name__}: {error}")]) from error
    return _kept[key]


def prepare(definition: Definition) -> Kept:
    context = Context()
    few = Context(few=True)
    few.catalogue = context.catalogue
    whole = statement(definition, context)
    whole.bound(now=ANY_MOMENT)  # what cannot be computed is found now, and not when the SQL is run
    return Kept(
        whole=whole,
        few=statement(definition, few),
        keys=frozenset(depends_on(definition)),
        relative=is_relative(definition, context),
    )


def statement(definition: Definition, context: Context) -> Statement:
    """The WHERE clause of the definition over the contact table."""
    query = Contact.objects.filter(compile(definition, now=context.now, context=context)).query
    compiler = query.get_compiler(connection=connection)
    compiler.pre_sql_setup()
    sql, params = compiler.compile(query.where)
    return Statement(sql, tuple(params))


def matching_sql(segment: Segment, *, now: datetime) -> tuple[str, list[Any]]:
    """SELECT of the ids of all contacts that the definition holds for."""
    whole = kept(segment).whole
    return f'SELECT "contacts_contact"."id" FROM "contacts_contact" WHERE {whole.sql}', whole.bound(now=now)


def verdicts(segments: Sequence[Segment], contact_ids: list[int], *, now: datetime) -> set[tuple[int, int]]:
    """The pairs of segment and contact for which the definition holds, among a few contacts.

    All segments are asked in one statement, which reads each contact once.
    """
    found: set[tuple[int, int]] = set()
    for start in range(0, len(segments), COLUMNS_OF_A_STATEMENT):
        chunk = segments[start : start + COLUMNS_OF_A_STATEMENT]
        statements = [kept(segment).few for segment in chunk]
        columns = ", ".join(f"({one.sql})" for one in statements)
        params = [param for one in statements for param in one.bound(now=now, contact_ids=contact_ids)]
        among = among_contacts('"contacts_contact"."id"', connection.vendor)
        sql = f'SELECT "contacts_contact"."id", {columns} FROM "contacts_contact" WHERE {among}'
        with connection.cursor() as cursor:
            cursor.execute(sql, [*params, CONTACT_IDS.bind(contact_ids, connection.vendor)])
            for contact_id, *answers in cursor.fetchall():
                found.update((segment.pk, contact_id) for segment, holds in zip(chunk, answers, strict=True) if holds)
    return found
