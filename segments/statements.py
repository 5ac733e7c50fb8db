"""The SQL of definitions, compiled once for each version and kept; what depends on ``now`` is bound when it is run.

Compiling with the ORM costs milliseconds, which an edit that concerns a hundred segments would pay a hundred times.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.db import DatabaseError, connection
from django.db.models.sql import Query

from contacts.models import Contact
from segments.clock import Late
from segments.compiler import Definition, compile, depends_on, is_relative
from segments.context import CONTACT_IDS, ContactIds, Context, among_contacts
from segments.faults import DefinitionError, Fault
from segments.logic import as_set
from segments.models import Segment

COLUMNS_OF_A_STATEMENT = 250
FEW = 50  # contacts up to which asking more of them at once costs less than another statement
ANY_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Statement:
    """A condition on a row of the contact table, with its parameters, some of them still open."""

    sql: str
    params: tuple[Any, ...]

    @cached_property
    def is_open(self) -> bool:
        """Whether some parameters have no value yet."""
        return any(isinstance(param, Late | ContactIds) for param in self.params)

    def bound(self, *, now: datetime, contact_ids: list[int] | None = None) -> Sequence[Any]:
        """The parameters for ``now`` and, in a statement for a few contacts, for their ids."""
        return [_bound(param, now, contact_ids) for param in self.params] if self.is_open else self.params


def _bound(param: Any, now: datetime, contact_ids: list[int] | None) -> Any:
    if isinstance(param, Late):
        return param.bind(now, connection)
    if isinstance(param, ContactIds):
        assert contact_ids is not None
        return ContactIds.bind(contact_ids, connection.vendor)
    return param


@dataclass(frozen=True)
class Kept:
    """What is kept of one version of a segment's definition.

    ``whole`` and ``few`` are conditions on contacts, for all or for a few of them. ``ids`` and ``many_ids`` are the
    sets of their ids themselves, for all or for some hundreds, of a definition that is nothing but a set: no contact
    has to be read to know who is in it.
    """

    whole: Statement
    ids: Statement | None
    few: Statement
    many_ids: Statement | None
    keys: frozenset[str]
    relative: bool

    @cached_property
    def reads(self) -> frozenset[int]:
        """The segments that its rules name."""
        return frozenset(int(key.partition(":")[2]) for key in self.keys if key.startswith("segment:"))


_kept: dict[tuple[Hashable, ...], Kept] = {}
MOST_KEPT = 5_000


def kept(segment: Segment) -> Kept:
    """The compiled forms of the segment's definition.

    Raises `DefinitionError` when something that the definition names is gone, or it is damaged in whatever way.
    """
    return kept_as((segment.pk, segment.version), lambda: segment.conditions)


def kept_as(name: tuple[Hashable, ...], definition: Callable[[], Definition]) -> Kept:
    """The compiled forms of the definition that has this name for ever. Raises `DefinitionError` as `kept` does."""
    key = (_database(), *name)
    if key not in _kept:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        try:
            _kept[key] = prepare(definition())
        except (DefinitionError, DatabaseError):
            raise
        except Exception as error:
            raise DefinitionError([Fault((), f"{type(error).__name__}: {error}")]) from error
    return _kept[key]


def kept_of(versions: Mapping[int, int]) -> tuple[dict[int, Kept], dict[int, DefinitionError]]:
    """The compiled forms of segments, which come as id and version, and what is wrong with those that have none."""
    database = _database()
    found = {pk: _kept[database, pk, version] for pk, version in versions.items() if (database, pk, version) in _kept}
    broken: dict[int, DefinitionError] = {}
    missing = versions.keys() - found.keys()
    for segment in Segment.objects.filter(pk__in=missing) if missing else []:
        try:
            found[segment.pk] = kept(segment)
        except DefinitionError as error:
            broken[segment.pk] = error
    return found, broken


def _database() -> str:
    return connection.vendor + str(connection.settings_dict["NAME"])


def prepare(definition: Definition) -> Kept:
    context = Context()
    few, many = Context(few=True), Context(few=True, many=True)
    few.catalogue = many.catalogue = context.catalogue
    whole = statement(definition, context)
    whole.bound(now=ANY_MOMENT)  # what cannot be computed is found now, and not when the SQL is run
    return Kept(
        whole=whole,
        ids=set_of_ids(definition, context),
        few=statement(definition, few),
        many_ids=set_of_ids(definition, many),
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


def set_of_ids(definition: Definition, context: Context) -> Statement | None:
    """The SELECT of the definition's contact ids, each once, in parentheses, if that is all it is."""
    found = as_set(compile(definition, now=context.now, context=context))
    if found is None or found.negated:
        return None
    query = Contact.objects.all().query
    compiler = query.get_compiler(connection=connection)
    compiler.pre_sql_setup()
    ids = found.resolve_expression(query).ids
    if isinstance(ids, Query) and ids.group_by is None:
        ids.distinct = True  # groups and the operations on sets give each contact once as they are
    sql, params = compiler.compile(ids)
    return Statement(sql, tuple(params))


def matching_sql(segment: Segment, *, now: datetime) -> tuple[str, Sequence[Any]]:
    """SELECT of the ids of all contacts that the definition holds for."""
    ids, whole = kept(segment).ids, kept(segment).whole
    if ids:
        return f"SELECT matching.contact_id AS id FROM {ids.sql} matching", ids.bound(now=now)
    return f'SELECT "contacts_contact"."id" FROM "contacts_contact" WHERE {whole.sql}', whole.bound(now=now)


def _chunks(statements: Mapping[int, Statement]) -> Iterator[list[tuple[int, Statement]]]:
    everything = list(statements.items())
    for start in range(0, len(everything), COLUMNS_OF_A_STATEMENT):
        yield everything[start : start + COLUMNS_OF_A_STATEMENT]


def _parameters(chunk: list[tuple[int, Statement]], contact_ids: list[int], *, now: datetime) -> list[Any]:
    return [param for _pk, one in chunk for param in one.bound(now=now, contact_ids=contact_ids)]


def holds(kept: Mapping[int, Kept], contact_ids: list[int], *, now: datetime) -> set[tuple[int, int]]:
    """The pairs of segment and contact for which the definition holds, of the given segments and contacts."""
    sets = {pk: one.many_ids for pk, one in kept.items() if one.many_ids} if len(contact_ids) > FEW else {}
    others = {pk: one.few for pk, one in kept.items() if pk not in sets}
    return _members_of(sets, contact_ids, now=now) | verdicts(others, contact_ids, now=now)


def _members_of(sets: Mapping[int, Statement], contact_ids: list[int], *, now: datetime) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    for chunk in _chunks(sets):
        sql = " UNION ALL ".join(f"SELECT {pk}, members.contact_id FROM {one.sql} members" for pk, one in chunk)
        with connection.cursor() as cursor:
            cursor.execute(sql, _parameters(chunk, contact_ids, now=now))
            found.update(cursor.fetchall())
    return found


def verdicts(statements: Mapping[int, Statement], contact_ids: list[int], *, now: datetime) -> set[tuple[int, int]]:
    """The pairs of segment and contact for which the definition holds, among a few contacts.

    ``statements`` are those for a few contacts, by segment. All are asked at once, which reads each contact once.
    """
    found: set[tuple[int, int]] = set()
    among = among_contacts('"contacts_contact"."id"', connection.vendor)
    for chunk in _chunks(statements):
        columns = ", ".join(f"({one.sql})" for _pk, one in chunk)
        sql = f'SELECT "contacts_contact"."id", {columns} FROM "contacts_contact" WHERE {among}'
        params = [*_parameters(chunk, contact_ids, now=now), CONTACT_IDS.bind(contact_ids, connection.vendor)]
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            for contact_id, *answers in cursor.fetchall():
                found.update((pk, contact_id) for (pk, _one), yes in zip(chunk, answers, strict=True) if yes)
    return found
