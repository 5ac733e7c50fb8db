"""Whom the rows of a batch are about: contacts that are stored, each other, or somebody new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from contacts.models import Contact

KEYS = ("email", "external_id")
NEWSLETTER = ("newsletter", "newsletter_at")
SUBSCRIBED, UNSUBSCRIBED = Contact.Newsletter.SUBSCRIBED.value, Contact.Newsletter.UNSUBSCRIBED.value


class Prior(Enum):
    """What rows of the same import before this batch have made of a contact."""

    CREATED = auto()
    CHANGED = auto()
    UNCHANGED = auto()


class Verdict(Enum):
    """What becomes of a row: it is written, its contact is left as it is, or it is refused."""

    WRITTEN = auto()
    LEFT = auto()
    TAKEN = auto()  # its other key belongs to another contact
    UNKNOWN = auto()  # there is no such contact, and new ones are not created


@dataclass(frozen=True)
class Policy:
    """What rows may do.

    ``match`` is the key that tells contacts apart. Without ``create`` there are no new contacts, and without
    ``overwrite`` those whom this import has not created are left as they are. ``consent`` is the newsletter state, and
    since when, of those whose row says none. Who unsubscribed stays so, unless ``resubscribe`` is set.
    """

    match: str
    create: bool = True
    overwrite: bool = True
    consent: tuple[str, Any] | None = None
    resubscribe: bool = False


@dataclass(slots=True)
class ImportedContact:
    """What a row says of a contact: values by column, as `contacts.imports.cleaning` makes them, custom fields, lists.

    A value of None erases what is stored.
    """

    columns: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    lists: tuple[int, ...] = ()

    @property
    def keys(self) -> tuple[str | None, str | None]:
        return self.columns.get("email"), self.columns.get("external_id")


@dataclass(slots=True)
class Known:
    """A contact that is stored, or that this import is going to create: what tells it apart, and its newsletter state.

    Of one that a check is only going to create the id is negative.
    """

    contact_id: int
    email: str | None
    external_id: str | None
    newsletter: str
    prior: Prior | None = None


NOTHING = ImportedContact()


@dataclass(slots=True)
class Person:
    """Somebody a batch is about: the id if they are known, the keys as they will be, and what all their rows say."""

    contact_id: int | None
    keys: dict[str, str | None]
    newsletter: str
    prior: Prior | None = None
    said: ImportedContact = field(default_factory=lambda: NOTHING)
    rows: int = 0


class Identities:
    """The people of a batch. Rows are added in their order, and each finds what those before it have made of things.

    A row is about whoever has its match key; else about whoever has its other key, unless the row and they
    both have a match key; else about somebody new. ``known`` are the contacts that have a key of the batch.
    """

    def __init__(self, known: Iterable[Known], policy: Policy) -> None:
        self._policy = policy
        self._match = policy.match
        self._other = KEYS[1 - KEYS.index(policy.match)]
        self._by_key: dict[str, dict[str, Person]] = {name: {} for name in KEYS}
        self._by_match, self._by_other = self._by_key[self._match], self._by_key[self._other]
        self._given_up: set[tuple[str, str]] = set()
        self._people: list[Person] = []
        for one in known:
            person = Person(
                one.contact_id, {"email": one.email, "external_id": one.external_id}, one.newsletter, one.prior
            )
            if one.email:
                self._by_key["email"][one.email] = person
            if one.external_id:
                self._by_key["external_id"][one.external_id] = person

    def people(self) -> Sequence[Person]:
        """Those whom rows that are written have been about."""
        return self._people

    def must_wait(self, row: ImportedContact) -> bool:
        """Whether the row has a key that somebody gives up in this batch: it is free only when the batch is written."""
        return bool(self._given_up) and any((name, row.columns.get(name)) in self._given_up for name in KEYS)

    def add(self, row: ImportedContact) -> Verdict:
        """Add a row; the verdict says what becomes of it."""
        match, other = row.columns.get(self._match), row.columns.get(self._other)
        person = self._by_match.get(match) if match else None
        by_other = self._by_other.get(other) if other else None
        if person is not None and self._is_left(person):
            return Verdict.LEFT
        if by_other is not None and by_other is not person:
            if person is not None or (match and by_other.keys[self._match]):
                return Verdict.TAKEN
            person = by_other
            if self._is_left(person):
                return Verdict.LEFT
        if person is None:
            if not self._policy.create:
                return Verdict.UNKNOWN
            person = Person(None, {"email": None, "external_id": None}, "")
        self._tell(person, row)
        return Verdict.WRITTEN

    def _is_left(self, person: Person) -> bool:
        return not self._policy.overwrite and person.contact_id is not None and person.prior is not Prior.CREATED

    def _tell(self, person: Person, row: ImportedContact) -> None:
        columns = row.columns
        if "newsletter" in columns or self._policy.consent:
            columns = self._with_newsletter_settled(person, columns)
        # Rows stay as they are: a batch that another writer gets in the way of is written again.
        if person.rows:
            said = person.said
            lists = said.lists + row.lists if row.lists else said.lists
            person.said = ImportedContact(said.columns | columns, said.custom | row.custom, lists)
        else:
            self._people.append(person)
            person.said = row if columns is row.columns else ImportedContact(columns, row.custom, row.lists)
        person.rows += 1
        for name, before in person.keys.items():
            if name in columns and columns[name] != before:
                self._give_key(person, name, before, columns[name])

    def _give_key(self, person: Person, name: str, before: str | None, key: str | None) -> None:
        if before:
            del self._by_key[name][before]
            self._given_up.add((name, before))
        person.keys[name] = key
        if key:
            self._by_key[name][key] = person

    def _with_newsletter_settled(self, person: Person, columns: dict[str, Any]) -> dict[str, Any]:
        """Keep who unsubscribed from being subscribed again, and give the consent to whose row says nothing else."""
        is_kept = person.newsletter == UNSUBSCRIBED and not self._policy.resubscribe
        consent = self._policy.consent
        if "newsletter" in columns:
            if is_kept and columns["newsletter"] != UNSUBSCRIBED:
                columns = {name: value for name, value in columns.items() if name not in NEWSLETTER}
        elif consent and not is_kept and person.newsletter not in (SUBSCRIBED, consent[0]):
            columns = columns | dict(zip(NEWSLETTER, consent, strict=True))
        state = columns.get("newsletter", person.newsletter)
        if state != person.newsletter and "newsletter_at" not in columns:
            # Since when another state held, as a row before may have said, is not since when this one does.
            said = person.said
            kept = {name: value for name, value in said.columns.items() if name != "newsletter_at"}
            person.said = ImportedContact(kept, said.custom, said.lists)
        person.newsletter = state
        return columns
