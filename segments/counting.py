"""How many contacts each group and condition of a definition holds for, all in one statement.

Every condition is asked once for each contact; groups, and what is left after each condition, are put together from the
answers. A condition that is a set of contacts is joined on PostgreSQL, where IN would look the set up anew for every
contact once it does not fit the working memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from contacts.models import Contact
from segments.compiler import Definition, parts_of, rules
from segments.context import CONTACT_IDS, Context, among_contacts
from segments.models import Segment
from segments.statements import set_of_ids, statement

ID = '"contacts_contact"."id"'


@dataclass(frozen=True)
class Counts:
    """What was counted among ``total`` contacts, of whom ``members`` are in the segment.

    ``parts`` has a number for each group and condition, each group before what is in it, beginning with the whole.
    Where all rules of the outermost group must hold, ``left`` says how many are left after each of them. ``staying``
    are the members that the definition holds for.
    """

    total: int
    members: int
    staying: int
    parts: list[int]
    left: list[int]


def count(
    definition: Definition, *, segment: Segment | None, now: datetime, contact_ids: list[int] | None = None
) -> Counts:
    """Count among all contacts, or among a few of them."""
    few = contact_ids is not None
    context = Context(now=now, few=few)
    joins = [f"LEFT JOIN segments_membership member ON member.segment_id = %s AND member.contact_id = {ID}"]
    params_of_joins: list[Any] = [segment.pk if segment else None]
    columns = ["member.contact_id IS NOT NULL AS is_member"]
    params: list[Any] = []
    for number, rule in enumerate(rules(definition)):
        joined = None if few or connection.vendor != "postgresql" else _joined(rule, f"set{number}", context, now=now)
        if joined:
            column, join, more = joined
            joins.append(join)
            params_of_joins += more
        else:
            asked = statement({"match": "all", "rules": [rule]}, context)
            column = f"COALESCE(({asked.sql}), false)"
            params += asked.bound(now=now, contact_ids=contact_ids)
        columns.append(f"{column} AS rule{number}")
    among, few_params = "", []
    if contact_ids is not None:
        among = f" WHERE {among_contacts(ID, connection.vendor)}"
        few_params = [CONTACT_IDS.bind(contact_ids, connection.vendor)]
    parts = list(_parts(definition, iter(range(len(columns) - 1))))
    children = list(_children(definition, parts)) if definition["match"] == "all" else []
    left = [" AND ".join(children[: place + 1]) for place in range(len(children))]
    asked_for = ["is_member", f"is_member AND {parts[0]}", *parts, *left]
    numbers = ", ".join(f"COUNT(*) FILTER (WHERE {one})" for one in asked_for)
    sql = (
        f"WITH answers AS MATERIALIZED (SELECT {', '.join(columns)} FROM contacts_contact {' '.join(joins)}{among})"
        f" SELECT COUNT(*), {numbers} FROM answers"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params, *params_of_joins, *few_params])
        total, members, staying, *others = cursor.fetchone()
    return Counts(total, members, staying, others[: len(parts)], others[len(parts) :])


def _joined(rule: Definition, name: str, context: Context, *, now: datetime) -> tuple[str, str, list[Any]] | None:
    """A condition that is a set, or everybody but a set: its column, the join that this needs, and its parameters."""
    for match, is_in in (("all", "IS NOT NULL"), ("none", "IS NULL")):
        ids = set_of_ids({"match": match, "rules": [rule]}, context)
        if ids:
            join = f"LEFT JOIN (SELECT DISTINCT contact_id FROM {ids.sql} ids) {name} ON {name}.contact_id = {ID}"
            return f"{name}.contact_id {is_in}", join, list(ids.bound(now=now))
    return None


def _parts(group: Definition, numbers: Iterator[int]) -> Iterator[str]:
    """The SQL of every part over the answers, each group before what is in it."""
    inner = [list(_parts(rule, numbers)) if "match" in rule else [f"rule{next(numbers)}"] for rule in group["rules"]]
    either = " OR ".join(parts[0] for parts in inner)
    yield {
        "all": f"({' AND '.join(parts[0] for parts in inner)})",
        "any": f"({either})",
        "none": f"(NOT ({either}))",
    }[group["match"]]
    for parts in inner:
        yield from parts


def _children(group: Definition, parts: list[str]) -> Iterator[str]:
    """The SQL of the rules of the outermost group, out of that of all parts."""
    place = 1
    for rule in group["rules"]:
        yield parts[place]
        place += len(list(parts_of(rule)))


def sample_of(definition: Definition, contact_ids: list[int], size: int, *, now: datetime) -> list[Contact]:
    """The newest of a few contacts that the definition holds for."""
    asked = statement(definition, Context(now=now, few=True))
    sql = f"SELECT {ID} FROM contacts_contact WHERE {among_contacts(ID, connection.vendor)} AND ({asked.sql})"
    params = [CONTACT_IDS.bind(contact_ids, connection.vendor), *asked.bound(now=now, contact_ids=contact_ids)]
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} ORDER BY 1 DESC LIMIT {size}", params)
        found = [pk for (pk,) in cursor.fetchall()]
    return list(Contact.objects.filter(pk__in=found).order_by("-pk"))
