"""Writing batches of imported contacts set-wise: new ones are inserted, known ones get what differs."""

from __future__ import annotations

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
from contacts.imports.destinations import DESTINATIONS
from contacts.imports.identity import KEYS, Identities, ImportedContact, Known, Person, Policy, Prior, Verdict
from contacts.imports.models import Import
from contacts.imports.staging import Shape, Stage, stored
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
        new_ids = iter(_new_ids(cursor, sum(person.contact_id is None for person in people)))
        ids = [person.contact_id or next(new_ids) for person in people]
        untouched = self._untouched(cursor, people)
        said = zip(
            ids, (person.contact_id is None for person in people), (person.said for person in people), strict=True
        )
        with self._stage.filled(cursor, said):
            differing = self._stage.update(cursor, now=now)
            self._stage.insert(cursor, now=now)
            self._remember(cursor, people, differing, untouched, now=now)
            self._subscribe(ids, people, now=now)
            for key, destination in self._destinations.items():
                assert self._import_run
                DESTINATIONS[key].add(destination, self._staged_contacts(), import_run=self._import_run, now=now)
        count(written.counts, people, differing)
        return written

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

    def _remember(
        self,
        cursor: CursorWrapper,
        people: Sequence[Person],
        differing: Set[int],
        untouched: Set[int],
        *,
        now: datetime,
    ) -> None:
        """Keep who came with the import, and when it last wrote those whom nobody else has written since."""
        if not self._import_run:
            return
        at = stored("updated_at", now)
        moment = "%s::timestamptz" if connection.vendor == "postgresql" else "%s"
        known_before = [person.contact_id for person in people if person.prior and person.contact_id]
        first_time = f" WHERE NOT ({in_values('contact_id')})" if known_before else ""
        cursor.execute(
            "INSERT INTO contacts_contactimport (import_run_id, contact_id, created, changed, written_at)"
            f" SELECT %s, contact_id, is_new, is_new OR {in_values('contact_id')}, {moment}"
            f" FROM {self._stage.name}{first_time}",
            [
                self._import_run.pk,
                values_parameter(differing),
                at,
                *([values_parameter(known_before)] if known_before else []),
            ],
        )
        if changed := differing & set(known_before):
            cursor.execute(
                "UPDATE contacts_contactimport SET changed = true,"
                f" written_at = CASE WHEN {in_values('contact_id')} THEN {moment} ELSE written_at END"
                f" WHERE import_run_id = %s AND {in_values('contact_id')}",
                [values_parameter(untouched), at, self._import_run.pk, values_parameter(changed)],
            )

    def _subscribe(self, ids: Sequence[int], people: Sequence[Person], *, now: datetime) -> None:
        """Subscribe everybody to the lists of the import, and those whose rows say so to others."""
        chosen: dict[int, list[int]] = {}
        for contact_id, person in zip(ids, people, strict=True):
            for list_id in person.lists - self._lists.keys():
                chosen.setdefault(list_id, []).append(contact_id)
        for contact_list in self._lists.values():
            self._subscribe_to(contact_list, self._staged_contacts(), now=now)
        for contact_list in ContactList.objects.filter(pk__in=chosen) if chosen else ():
            self._subscribe_to(contact_list, Contact.objects.filter(pk__in=chosen[contact_list.pk]), now=now)

    def _subscribe_to(self, contact_list: ContactList, contacts: QuerySet[Contact], *, now: datetime) -> None:
        if not self._policy.resubscribe:
            unsubscribed = ListMembership.objects.filter(list=contact_list, unsubscribed_at__isnull=False)
            contacts = contacts.exclude(pk__in=unsubscribed.values("contact_id"))
        subscribe(contact_list, contacts, now=now)

    def _staged_contacts(self) -> QuerySet[Contact]:
        return Contact.objects.filter(pk__in=RawSQL(f"SELECT contact_id FROM {self._stage.name}", []))  # noqa: S611


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


def _new_ids(cursor: CursorWrapper, number: int) -> Sequence[int]:
    """Ids for new contacts that nobody else gets.

    On SQLite a transaction is alone from its beginning, and the table goes on counting after the greatest id.
    """
    if not number:
        return []
    if connection.vendor == "postgresql":
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('contacts_contact', 'id')) FROM generate_series(1, %s)", [number]
        )
        return [contact_id for (contact_id,) in cursor.fetchall()]
    cursor.execute("SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'contacts_contact'), 0)")
    (last,) = cursor.fetchone()
    return range(last + 1, last + 1 + number)
