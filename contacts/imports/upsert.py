"""Writing batches of imported contacts set-wise: new ones are inserted, known ones get what differs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from django.db import IntegrityError, connection
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from contacts import changes
from contacts.imports.counts import Counts
from contacts.imports.creating import Creation, new_ids, stored
from contacts.imports.destinations import DESTINATIONS
from contacts.imports.identity import KEYS, Identities, ImportedContact, Known, Person, Policy, Prior, Verdict
from contacts.imports.models import Import
from contacts.imports.staging import Shape, Stage
from contacts.json_rows import in_values, values_parameter
from contacts.lists import subscribe
from contacts.models import Contact, ContactList, ListMembership

ATTEMPTS = 5


@dataclass
class Written:
    """What became of the first ``rows`` of a batch; ``refused`` are the places of those that were, with the verdict."""

    rows: int = 0
    counts: Counts = field(default_factory=Counts)
    refused: list[tuple[int, Verdict]] = field(default_factory=list)

    def __add__(self, later: Written) -> Written:
        refused = [(self.rows + place, verdict) for place, verdict in later.refused]
        return Written(self.rows + later.rows, self.counts + later.counts, self.refused + refused)


class Store(Protocol):
    """Where the rows of an import find contacts, and what is done with what they say."""

    def write_some(self, batch: Sequence[ImportedContact], *, now: datetime) -> Written:
        """Write the first rows of a batch, as many as can be written at once."""


def write(store: Store, batch: Sequence[ImportedContact], *, now: datetime) -> Written:
    """Write a batch: at once, unless a row needs a key that one before it gives up."""
    written = Written()
    while written.rows < len(batch):
        written += store.write_some(batch[written.rows :], now=now)
    return written


def identify(
    known: Iterable[Known], batch: Sequence[ImportedContact], policy: Policy
) -> tuple[Sequence[Person], Written]:
    """Whom the first rows of a batch are about, and what becomes of the rows that are not about them."""
    identities = Identities(known, policy)
    written = Written()
    for row in batch:
        if identities.must_wait(row):
            break
        verdict = identities.add(row)
        if verdict is Verdict.LEFT:
            written.counts.left += 1
        elif verdict is not Verdict.WRITTEN:
            written.counts.refused += 1
            written.refused.append((written.rows, verdict))
        written.rows += 1
    return identities.people(), written


def count(counts: Counts, people: Sequence[Person], differing: Set[int]) -> None:
    """Add the rows about these people, of whom the ``differing`` ones were stored otherwise than the file says.

    A contact counts once, however many rows are about it: as what all of them together have made of it.
    """
    for person in people:
        if person.prior is None:
            counts.joined += person.rows - 1
            if person.contact_id is None:
                counts.created += 1
            elif person.contact_id in differing:
                counts.updated += 1
            else:
                counts.unchanged += 1
        else:
            counts.joined += person.rows
            if person.prior is Prior.UNCHANGED and person.contact_id in differing:
                counts.unchanged -= 1
                counts.updated += 1


class Upsert:
    """Writes batches of rows that have values for the same columns, as if they were written one after the other.

    What a row does not say stays as it is stored. Everybody is subscribed to ``lists``, but who has unsubscribed from
    one stays so, unless the policy says otherwise. With an ``import_run`` it is kept who came with it, and they are put
    into its ``destinations``.
    """

    def __init__(
        self,
        shape: Shape,
        policy: Policy,
        *,
        lists: Sequence[ContactList] = (),
        import_run: Import | None = None,
        destinations: Mapping[str, int] | None = None,
    ) -> None:
        self._stage = Stage(shape)
        self._creation = Creation(shape.columns)
        self._has_lists = shape.has_lists
        self._policy = policy
        self._lists = {contact_list.pk: contact_list for contact_list in lists}
        self._import_run = import_run
        self._destinations = destinations or {}

    def write_some(self, batch: Sequence[ImportedContact], *, now: datetime) -> Written:
        attempts = ATTEMPTS
        while True:
            attempts -= 1
            try:
                with changes.recorded(now=now), connection.cursor() as cursor:
                    return self._write(cursor, batch, now=now)
            except IntegrityError:
                # Another writer made a contact with one of the keys after we had looked for it: now it is found.
                if not attempts:
                    raise

    def _write(self, cursor: CursorWrapper, batch: Sequence[ImportedContact], *, now: datetime) -> Written:
        people, written = identify(known(cursor, batch, self._import_run, lock=True), batch, self._policy)
        if not people:
            return written
        new = [person for person in people if person.contact_id is None]
        old = [person for person in people if person.contact_id is not None]
        created = new_ids(cursor, len(new))
        untouched = self._untouched(cursor, old)
        differing = self._update(cursor, old, now=now)
        if new:
            said = ((contact_id, person.said) for contact_id, person in zip(created, new, strict=True))
            self._creation.create(cursor, said, now=now)
        if self._import_run:
            remember(cursor, self._import_run, created, old, differing, untouched, now=now)
        self._put(zip([*created, *(person.contact_id or 0 for person in old)], [*new, *old], strict=True), now=now)
        count(written.counts, people, differing)
        return written

    def _update(self, cursor: CursorWrapper, people: Sequence[Person], *, now: datetime) -> set[int]:
        """Change what differs; returns the ids of those in whom something did."""
        if not people:
            return set()
        with self._stage.filled(cursor, ((person.contact_id or 0, person.said) for person in people)):
            return self._stage.update(cursor, now=now)

    def _untouched(self, cursor: CursorWrapper, people: Sequence[Person]) -> set[int]:
        """Those whom this import has written before, and nobody since."""
        again = [person.contact_id for person in people if person.prior and person.contact_id]
        if not again or not self._import_run:
            return set()
        cursor.execute(
            "SELECT c.id FROM contacts_contact c JOIN contacts_contactimport i ON i.contact_id = c.id"
            f" WHERE i.import_run_id = %s AND c.updated_at = i.written_at AND {in_values('c.id')}",
            [self._import_run.pk, values_parameter(again)],
        )
        return {contact_id for (contact_id,) in cursor.fetchall()}

    def _put(self, people: Iterable[tuple[int, Person]], *, now: datetime) -> None:
        """Subscribe everybody to the lists of the import, and those whose rows say so to others; then the places."""
        if not (self._lists or self._destinations or self._has_lists):
            return
        everybody = []
        chosen: dict[int, list[int]] = {}
        for contact_id, person in people:
            everybody.append(contact_id)
            for list_id in {*person.said.lists} - self._lists.keys():
                chosen.setdefault(list_id, []).append(contact_id)
        for contact_list in self._lists.values():
            self._subscribe_to(contact_list, _contacts(everybody), now=now)
        for contact_list in ContactList.objects.filter(pk__in=chosen) if chosen else ():
            self._subscribe_to(contact_list, _contacts(chosen[contact_list.pk]), now=now)
        for key, destination in self._destinations.items():
            assert self._import_run
            DESTINATIONS[key].add(destination, _contacts(everybody), import_run=self._import_run, now=now)

    def _subscribe_to(self, contact_list: ContactList, contacts: QuerySet[Contact], *, now: datetime) -> None:
        if not self._policy.resubscribe:
            unsubscribed = ListMembership.objects.filter(list=contact_list, unsubscribed_at__isnull=False)
            contacts = contacts.exclude(pk__in=unsubscribed.values("contact_id"))
        subscribe(contact_list, contacts, now=now)


def _contacts(ids: Sequence[int]) -> QuerySet[Contact]:
    if connection.vendor == "postgresql":
        return Contact.objects.filter(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [list(ids)]))
    return Contact.objects.filter(pk__in=RawSQL("SELECT value FROM json_each(%s)", [json.dumps(ids)]))


def remember(
    cursor: CursorWrapper,
    import_run: Import,
    created: Sequence[int],
    people: Sequence[Person],
    differing: Set[int],
    untouched: Set[int],
    *,
    now: datetime,
) -> None:
    """Keep who came with an import, and when it last wrote those whom nobody else has written since.

    ``people`` are those who had been there before the batch.
    """
    at = stored("updated_at", now)
    came = [(import_run.pk, contact_id, True, True, at) for contact_id in created]
    first_time = [person.contact_id for person in people if person.contact_id and person.prior is None]
    came += [(import_run.pk, contact_id, False, contact_id in differing, at) for contact_id in first_time]
    columns = "import_run_id, contact_id, created, changed, written_at"
    if connection.vendor == "postgresql":
        statement = f"COPY contacts_contactimport ({columns}) FROM STDIN"
        with connection.wrap_database_errors, cursor.copy(statement) as copy:
            for row in came:
                copy.write_row(row)
    else:
        cursor.executemany(f"INSERT INTO contacts_contactimport ({columns}) VALUES (%s, %s, %s, %s, %s)", came)
    if changed := differing - set(first_time):
        moment = "%s::timestamptz" if connection.vendor == "postgresql" else "%s"
        cursor.execute(
            "UPDATE contacts_contactimport SET changed = true,"
            f" written_at = CASE WHEN {in_values('contact_id')} THEN {moment} ELSE written_at END"
            f" WHERE import_run_id = %s AND {in_values('contact_id')}",
            [values_parameter(untouched), at, import_run.pk, values_parameter(changed)],
        )


def known(
    cursor: CursorWrapper, batch: Sequence[ImportedContact], import_run: Import | None, *, lock: bool
) -> list[Known]:
    """The contacts that have a key of the batch, and what the import has made of them so far.

    They may be locked against other writers, in the order of ids, as all do.
    """
    locking = "FOR UPDATE OF c" if lock and connection.features.has_select_for_update else ""
    columns, join, params = "NULL, NULL", "", []
    if import_run:
        columns = "i.created, i.changed"
        join = "LEFT JOIN contacts_contactimport i ON i.import_run_id = %s AND i.contact_id = c.id"
        params = [import_run.pk]
    cursor.execute(
        f"SELECT c.id, c.email, c.external_id, c.newsletter, {columns} FROM contacts_contact c {join}"
        f" WHERE {' OR '.join(in_values(f'c.{key}') for key in KEYS)} ORDER BY c.id {locking}",
        [*params, *(values_parameter({row.columns[key] for row in batch if row.columns.get(key)}) for key in KEYS)],
    )
    return [
        Known(contact_id, email, external_id, newsletter, _prior(created, changed))
        for contact_id, email, external_id, newsletter, created, changed in cursor.fetchall()
    ]


def _prior(created: Any, changed: Any) -> Prior | None:
    if created is None:
        return None
    if created:
        return Prior.CREATED
    return Prior.CHANGED if changed else Prior.UNCHANGED
