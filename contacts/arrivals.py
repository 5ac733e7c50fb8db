"""Arrivals: what has happened to contacts and is still to be taken in by whoever acts on it, such as workflows.

Database triggers write them, as they write the change log, in the transaction of the write and on every write path.
Only what is watched leaves a row (`watch`), so that nobody pays for what nobody wants. Whoever acts on arrivals takes
them away in the transaction that applies them: nothing is lost at a crash, and nothing is applied twice.

The keys:

- ``event:<type>``: the contact did something; the arrival has the event
- ``contact``: the contact was created
- ``known``: the contact was given an email address, or its phone or newsletter changed
- ``list:<id>``: the contact subscribed to the list, for the first time or again
- ``import``: the contact came with an import
- ``api:<id>``: a program asked for it; written by who answers the program (`write`)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from contacts.json_rows import in_values, row_reader, values_parameter
from contacts.models import Arrival, Event, Watched

CREATED = "contact"
BECAME_KNOWN = "known"
IMPORTED = "import"

EVENT = ("id", "type", "occurred_at", "value", "properties")


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a contact. Without an event, ``type`` is empty and there is neither time nor value."""

    id: int
    contact_id: int
    key: str
    event_id: int | None = None
    type: str = ""
    occurred_at: datetime | None = None
    value: Decimal | None = None
    properties: dict[str, Any] = field(default_factory=dict)


def event_key(event_type: str) -> str:
    return f"event:{event_type}"


def list_key(list_id: int) -> str:
    return f"list:{list_id}"


def watch(keys: Iterable[str]) -> None:
    """Let exactly these keys leave arrivals from now on."""
    wanted = set(keys)
    with transaction.atomic():
        known = set(Watched.objects.values_list("key", flat=True))
        if gone := known - wanted:
            Watched.objects.filter(key__in=gone).delete()
        if new := wanted - known:
            Watched.objects.bulk_create([Watched(key=key) for key in sorted(new)], ignore_conflicts=True)


def write(key: str, contact_ids: Iterable[int]) -> None:
    """Leave an arrival of what no trigger sees, for each of the contacts, whether or not the key is watched."""
    Arrival.objects.bulk_create([Arrival(contact_id=contact_id, key=key) for contact_id in contact_ids])


def take(*, limit: int, contact_ids: Collection[int] | None = None) -> list[Happening]:
    """Take away the oldest arrivals, of these contacts or of all, in the order in which they were written.

    To be called in the transaction that applies them, else it raises TransactionManagementError. What another
    transaction is taking is passed over. What happened by an event that has been removed since is left out: it can
    be fewer than ``limit`` though there are more.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("arrivals are taken in a transaction")
    of_contacts = "" if contact_ids is None else f"WHERE {in_values('contact_id')}"
    lock = "FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM contacts_arrival WHERE id IN"
            f" (SELECT id FROM contacts_arrival {of_contacts} ORDER BY id LIMIT %s {lock})"
            " RETURNING id, contact_id, key, event_id",
            [limit] if contact_ids is None else [values_parameter(contact_ids), limit],
        )
        rows = sorted(cursor.fetchall())
    events = _events({event_id for *_rest, event_id in rows if event_id is not None})
    return [
        Happening(row_id, contact_id, key, event_id, *events.get(event_id, ()))
        for row_id, contact_id, key, event_id in rows
        if event_id is None or event_id in events
    ]


def _events(ids: set[int]) -> dict[int, tuple[Any, ...]]:
    """Type, time, value and properties of the events that there are."""
    if not ids:
        return {}
    read = row_reader(Event, *EVENT)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(EVENT)} FROM contacts_event WHERE {in_values('id')}", [values_parameter(ids)]
        )
        return {pk: tuple(rest) for pk, *rest in map(read, cursor.fetchall())}


# The triggers, which `contacts.changes` installs

ARRIVAL = "INSERT INTO contacts_arrival (contact_id, key, event_id)"
WATCHED = "EXISTS (SELECT 1 FROM contacts_watched WHERE key = '{}')"


def _became_known(old: str, new: str, differs: str) -> str:
    """The condition that a contact can be reached by a way, or has decided something, that it could not or had not."""
    return (
        f"({old}.email IS NULL AND {new}.email IS NOT NULL"
        f" OR {new}.phone {differs} {old}.phone OR {new}.newsletter {differs} {old}.newsletter)"
    )


def sqlite_triggers() -> dict[str, str]:
    """The bodies of the triggers by name."""
    list_watched = (
        f"{ARRIVAL} SELECT NEW.contact_id, key, NULL FROM contacts_watched WHERE key = 'list:' || NEW.list_id"
    )
    return {
        "contacts_event_arrived": f"""AFTER INSERT ON contacts_event BEGIN
            {ARRIVAL} SELECT NEW.contact_id, key, NEW.id FROM contacts_watched WHERE key = 'event:' || NEW.type; END""",
        "contacts_contact_arrived": f"""AFTER INSERT ON contacts_contact WHEN {WATCHED.format(CREATED)}
            BEGIN {ARRIVAL} VALUES (NEW.id, '{CREATED}', NULL); END""",
        "contacts_contact_known": f"""AFTER UPDATE ON contacts_contact
            WHEN {_became_known("OLD", "NEW", "IS NOT")} AND {WATCHED.format(BECAME_KNOWN)}
            BEGIN {ARRIVAL} VALUES (NEW.id, '{BECAME_KNOWN}', NULL); END""",
        "contacts_contact_gone": """AFTER DELETE ON contacts_contact
            BEGIN DELETE FROM contacts_arrival WHERE contact_id = OLD.id; END""",
        "contacts_list_arrived": f"""AFTER INSERT ON contacts_listmembership WHEN NEW.unsubscribed_at IS NULL
            BEGIN {list_watched}; END""",
        "contacts_list_arrived_again": f"""AFTER UPDATE ON contacts_listmembership
            WHEN NEW.unsubscribed_at IS NULL AND OLD.unsubscribed_at IS NOT NULL BEGIN {list_watched}; END""",
        "contacts_import_arrived": f"""AFTER INSERT ON contacts_contactimport WHEN {WATCHED.format(IMPORTED)}
            BEGIN {ARRIVAL} VALUES (NEW.contact_id, '{IMPORTED}', NULL); END""",
    }


def postgresql_statements() -> dict[tuple[str, str], str]:
    """What the triggers do for the rows of one statement, by table and action."""
    list_watched = f"{ARRIVAL} SELECT n.contact_id, w.key, NULL FROM new_rows n"
    watched_list = "JOIN contacts_watched w ON w.key = 'list:' || n.list_id WHERE n.unsubscribed_at IS NULL"
    return {
        ("contacts_event", "INSERT"): f"""{ARRIVAL} SELECT n.contact_id, w.key, n.id
            FROM new_rows n JOIN contacts_watched w ON w.key = 'event:' || n.type ORDER BY n.id""",
        ("contacts_contact", "INSERT"): f"""{ARRIVAL} SELECT id, '{CREATED}', NULL
            FROM new_rows WHERE {WATCHED.format(CREATED)} ORDER BY id""",
        ("contacts_contact", "UPDATE"): f"""{ARRIVAL} SELECT n.id, '{BECAME_KNOWN}', NULL
            FROM new_rows n JOIN old_rows o ON o.id = n.id
            WHERE {WATCHED.format(BECAME_KNOWN)} AND {_became_known("o", "n", "IS DISTINCT FROM")} ORDER BY n.id""",
        ("contacts_contact", "DELETE"): """DELETE FROM contacts_arrival
            WHERE contact_id IN (SELECT id FROM old_rows)""",
        ("contacts_listmembership", "INSERT"): f"{list_watched} {watched_list} ORDER BY n.id",
        ("contacts_listmembership", "UPDATE"): f"""{list_watched} JOIN old_rows o ON o.id = n.id {watched_list}
            AND o.unsubscribed_at IS NOT NULL ORDER BY n.id""",
        ("contacts_contactimport", "INSERT"): f"""{ARRIVAL} SELECT contact_id, '{IMPORTED}', NULL
            FROM new_rows WHERE {WATCHED.format(IMPORTED)} ORDER BY contact_id""",
    }
