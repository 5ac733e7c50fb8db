"""What a check writes to instead of the database: it keeps what would be there after the rows before.

It lies in a file of its own that goes with the process, so that a check neither keeps other writers waiting nor needs
memory for the keys of a whole file.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from contacts.events import NewEvent, Outcome, Result, foresee
from contacts.imports.identity import ImportedContact, Known, Person, Policy, Prior
from contacts.imports.staging import Shape, Stage
from contacts.imports.upsert import Written, count, identify, known

CACHE_KIBIBYTES = 16_384


def _scratch(*statements: str) -> sqlite3.Connection:
    """A database in a file that has no name and is gone with the connection."""
    database = sqlite3.connect("", isolation_level=None)
    for statement in ("PRAGMA journal_mode = OFF", f"PRAGMA cache_size = -{CACHE_KIBIBYTES}", *statements):
        database.execute(statement)
    return database


class Rehearsal:
    """Finds contacts as an import would after its rows before, and counts what it would write."""

    def __init__(self, shape: Shape, policy: Policy) -> None:
        self._stage = Stage(shape)
        self._policy = policy
        self._scratch = _scratch(
            "CREATE TABLE person (id INTEGER PRIMARY KEY, email, external_id, newsletter, prior)",
            "CREATE INDEX person_email ON person (email) WHERE email IS NOT NULL",
            "CREATE INDEX person_external_id ON person (external_id) WHERE external_id IS NOT NULL",
        )
        self._created = 0

    def write_some(self, batch: Sequence[ImportedContact], *, now: datetime) -> Written:
        with connection.cursor() as cursor:
            people, written = identify(self._known(cursor, batch), batch, self._policy)
            differing = self._differing(cursor, people)
        count(written.counts, people, differing)
        self._scratch.execute("BEGIN")
        self._scratch.executemany("REPLACE INTO person VALUES (?, ?, ?, ?, ?)", self._rows(people, differing))
        self._scratch.execute("COMMIT")
        return written

    def _known(self, cursor: Any, batch: Sequence[ImportedContact]) -> Iterable[Known]:
        """Who has a key of the batch, as the rows before have left them."""
        found = {one.contact_id: one for one in known(cursor, batch, None, lock=False)}
        keys = [[row.columns[key] for row in batch if row.columns.get(key)] for key in ("email", "external_id")]
        rows = self._scratch.execute(
            "SELECT * FROM person WHERE email IN (SELECT value FROM json_each(?))"
            " UNION SELECT * FROM person WHERE external_id IN (SELECT value FROM json_each(?))"
            " UNION SELECT * FROM person WHERE id IN (SELECT value FROM json_each(?))",
            [*map(json.dumps, keys), json.dumps(list(found))],
        )
        for contact_id, email, external_id, newsletter, prior in rows:
            found[contact_id] = Known(contact_id, email, external_id, newsletter, Prior(prior))
        return found.values()

    def _differing(self, cursor: Any, people: Sequence[Person]) -> set[int]:
        """Who is stored otherwise than the file says. Nobody needs to be asked about who has been changed before."""
        asked = [
            (person.contact_id, person.said)
            for person in people
            if person.contact_id and person.prior in (None, Prior.UNCHANGED)
        ]
        if not asked:
            return set()
        with self._stage.filled(cursor, asked):
            return self._stage.differing(cursor)

    def _rows(self, people: Sequence[Person], differing: set[int]) -> Iterable[Sequence[Any]]:
        for person in people:
            prior = person.prior
            contact_id = person.contact_id
            if contact_id is None:
                self._created += 1
                contact_id, prior = -self._created, Prior.CREATED
            elif prior is None:
                prior = Prior.UNCHANGED
            if contact_id in differing:
                prior = Prior.CHANGED
            yield contact_id, person.keys["email"], person.keys["external_id"], person.newsletter, prior.value


class EventRehearsal:
    """Finds out what would become of events after those of the rows before."""

    def __init__(self) -> None:
        self._scratch = _scratch("CREATE TABLE used (key TEXT PRIMARY KEY) WITHOUT ROWID")

    def record(self, events: Sequence[NewEvent], *, now: datetime) -> list[Result]:
        results = foresee(events, now=now, used=self._used)
        recorded = zip(events, results, strict=True)
        keys = [(one.key,) for one, result in recorded if one.key and result.outcome is Outcome.RECORDED]
        self._scratch.execute("BEGIN")
        self._scratch.executemany("INSERT INTO used VALUES (?)", keys)
        self._scratch.execute("COMMIT")
        return results

    def _used(self, keys: Sequence[str]) -> set[str]:
        rows = self._scratch.execute(
            "SELECT key FROM used WHERE key IN (SELECT value FROM json_each(?))", [json.dumps(keys)]
        )
        return {key for (key,) in rows}
