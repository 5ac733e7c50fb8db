"""Whom the rows of a batch are about: contacts that are stored, each other, or somebody new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

KEYS = ("email", "external_id")


@dataclass(slots=True)
class ImportedContact:
    """What a row says of a contact: values by column, as `contacts.imports.cleaning` makes them, and custom fields."""

    columns: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str | None, str | None]:
        return self.columns.get("email"), self.columns.get("external_id")


@dataclass(slots=True)
class Person:
    """Somebody a batch is about: the id if they are stored, the keys as they will be, and what all their rows say."""

    contact_id: int | None
    keys: dict[str, str | None]
    said: ImportedContact = field(default_factory=ImportedContact)
    rows: int = 0


class Identities:
    """The people of a batch. Rows are added in their order, and each finds what those before it have made of things.

    A row is about whoever has its ``match`` key; else about whoever has its other key, unless the row and they
    both have a first key; else about somebody new. ``stored`` are the contacts that have a key of the batch: id, email
    and external id.
    """

    def __init__(self, stored: Iterable[tuple[int, str | None, str | None]], *, match: str) -> None:
        self._match = match
        self._other = KEYS[1 - KEYS.index(match)]
        self._by_key: dict[tuple[str, str], Person] = {}
        self._given_up: set[tuple[str, str]] = set()
        self._people: list[Person] = []
        for contact_id, email, external_id in stored:
            person = Person(contact_id, {"email": email, "external_id": external_id})
            for name, key in person.keys.items():
                if key:
                    self._by_key[name, key] = person

    def people(self) -> Sequence[Person]:
        """Those whom rows have been about."""
        return self._people

    def must_wait(self, row: ImportedContact) -> bool:
        """Whether the row has a key that somebody gives up in this batch: it is free only when the batch is written."""
        return bool(self._given_up) and any((name, row.columns.get(name)) in self._given_up for name in KEYS)

    def add(self, row: ImportedContact) -> bool:
        """Add a row; False when it is refused, because its other key belongs to somebody else."""
        match, other = row.columns.get(self._match), row.columns.get(self._other)
        by_match = self._by_key.get((self._match, match)) if match else None
        by_other = self._by_key.get((self._other, other)) if other else None
        person = by_match
        if by_other is not None and by_other is not by_match:
            if by_match is not None or (match and by_other.keys[self._match]):
                return False
            person = by_other
        self._tell(person or Person(None, dict.fromkeys(KEYS)), row)
        return True

    def _tell(self, person: Person, row: ImportedContact) -> None:
        if not person.rows:
            self._people.append(person)
        person.rows += 1
        person.said.columns |= row.columns
        person.said.custom |= row.custom
        for name, key in zip(KEYS, row.keys, strict=True):
            before = person.keys[name]
            if key and key != before:
                if before:
                    del self._by_key[name, before]
                    self._given_up.add((name, before))
                person.keys[name] = key
                self._by_key[name, key] = person
