"""Where the columns of a file seem to go, by their names and by what their values look like."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.core.exceptions import ValidationError

from contacts.fields import Catalogue, Field
from contacts.folding import fold
from contacts.imports.cleaning import cleaner
from contacts.imports.looks import Look, look_at
from contacts.imports.words import CONTACT_COLUMNS, EVENT_COLUMNS, words
from contacts.models import EVENT_TYPE, FIELD_KEY, ContactList

VALUES_TRIED = 50
ENOUGH = 0.5
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
NOT_LETTERS = re.compile(r"[\W_]+")
PREFIX_OF_PROPERTY = re.compile(r"propert(y|ies)\s*[.: ]\s*", re.IGNORECASE)
BY_VALUES = {"email": "email", "phone": "phone"}  # types that tell which field is meant
PROPERTY_KINDS = {"integer": "number", "decimal": "number", "boolean": "boolean"}
DATES = ("date", "datetime")
TEXTS = ("text", "long_text", "choice")

Fits = Callable[[int, str], bool]
"""Whether the values of the column at a place could go to a target."""


@dataclass(frozen=True)
class ColumnGuess:
    """Where a column seems to go: a target of an import's mapping, or "".

    ``dates`` is the order of its dates: None where it has none, and where the values do not tell whether day or month
    comes first, which is what ``unclear`` says. ``decimal`` is the sign before the fraction of its numbers. ``type``
    and ``options`` are what a custom field for it would have.
    """

    target: str
    dates: str | None
    decimal: str
    type: str
    unclear: bool
    options: list[str]


def guess(
    columns: Sequence[str], samples: Sequence[Sequence[str]], *, kind: str, fields: Catalogue
) -> list[ColumnGuess]:
    """A guess for each column. ``samples`` are the cells of rows, as many as can be had: a few thousand tell more.

    ``kind`` is contacts or events. No two columns get one target.
    """
    looks = [look_at(row[place] for row in samples) for place in range(len(columns))]
    looks = _told_by_others(looks)
    targets = _events(columns, looks) if kind == "events" else _contacts(columns, looks, fields)
    return [
        ColumnGuess(targets.get(place, ""), look.dates, look.decimal or ".", look.type, look.unclear, look.options)
        for place, look in enumerate(looks)
    ]


def plain(name: str) -> str:
    """The name of a column as names are compared: small letters without accents, one space between words."""
    apart = CAMEL.sub(" ", name) if not name.isupper() else name
    letters = unicodedata.normalize("NFKD", fold(apart))
    return NOT_LETTERS.sub(" ", "".join(letter for letter in letters if not unicodedata.combining(letter))).strip()


def _told_by_others(looks: Sequence[Look]) -> list[Look]:
    """What the values of a column leave open is as in the other columns of the file, where all of these agree."""
    orders = {look.dates for look in looks if look.dates in ("dmy", "mdy")}
    signs = {look.decimal for look in looks if look.decimal}
    order = orders.pop() if len(orders) == 1 else None
    sign = signs.pop() if len(signs) == 1 else None
    told = []
    for look in looks:
        if look.unclear and order:
            look = replace(look, dates=order, unclear=False)
        told.append(look if look.decimal else replace(look, decimal=sign))
    return told


def _contacts(columns: Sequence[str], looks: Sequence[Look], fields: Catalogue) -> dict[int, str]:
    own = {
        field.key: [*_names(field), *map(plain, words(CONTACT_COLUMNS.get(field.key, "")))]
        for field in fields.editable()
    }
    taken = _by_name(columns, own, lambda place, key: _could_be(fields, key, columns[place], looks[place]))
    _by_list(columns, looks, taken)
    for place, look in enumerate(looks):
        target = BY_VALUES.get(look.type) or _place_named(look, fields)
        if place not in taken and target and target not in taken.values():
            taken[place] = target
    return taken


def _events(columns: Sequence[str], looks: Sequence[Look]) -> dict[int, str]:
    own = {target: [plain(target), *map(plain, words(text))] for target, text in EVENT_COLUMNS.items()}
    taken = _by_name(columns, own, lambda place, key: _is_possible(key, looks[place]))
    for target, types in (("email", ("email",)), ("occurred_at", DATES)):
        places = [place for place, look in enumerate(looks) if place not in taken and look.type in types]
        if target not in taken.values() and places:
            taken[places[0]] = target
    of_contacts = {plain(word) for text in CONTACT_COLUMNS.values() for word in words(text)}
    for place, name in enumerate(columns):
        if place not in taken and plain(name) not in of_contacts and (key := _property(name)):
            target = f"property:{key}:{PROPERTY_KINDS.get(looks[place].type, 'text')}"
            if not any(known.startswith(f"property:{key}:") for known in taken.values()):
                taken[place] = target
    return taken


def _by_name(columns: Sequence[str], own: Mapping[str, Sequence[str]], fits: Fits) -> dict[int, str]:
    """Targets by the places of columns with one of their names; of several columns the one with the better name."""
    found: list[tuple[int, int, str]] = []
    for place, name in enumerate(map(plain, columns)):
        for target, names in own.items():
            if name in names:
                found.append((names.index(name), place, target))
    taken: dict[int, str] = {}
    for _rank, place, target in sorted(found):
        if place not in taken and target not in taken.values() and fits(place, target):
            taken[place] = target
    return taken


def _by_list(columns: Sequence[str], looks: Sequence[Look], taken: dict[int, str]) -> None:
    """Columns of yes and no that are called like a contact list."""
    candidates = [place for place, look in enumerate(looks) if place not in taken and look.type == "boolean"]
    if not candidates:
        return
    lists = {plain(name): f"list:{pk}" for pk, name in ContactList.objects.order_by("-pk").values_list("pk", "name")}
    for place in candidates:
        name = plain(columns[place])
        target = lists.get(name) or lists.get(name.removeprefix("list "))
        if target and target not in taken.values():
            taken[place] = target


def _names(field: Field) -> list[str]:
    """What Muster itself calls a field."""
    return list(dict.fromkeys(map(plain, [field.key, field.json_key, str(field.label)])))


def _could_be(fields: Catalogue, key: str, name: str, look: Look) -> bool:
    """Whether the column could go to a field whose name, or one of whose names, it has.

    Dates that cannot be read, and texts under the very name of the field, do: they are refused with a reason.
    """
    field = fields[key]
    if field.type.family in DATES and (look.dates or look.unclear):
        return True
    if field.type.family == "text" and look.type in TEXTS and plain(name) in _names(field):
        return True
    return _reads(fields, key, look)


def _reads(fields: Catalogue, key: str, look: Look) -> bool:
    """Whether the field could keep at least half of these values; it could keep none that are there."""
    tried = look.values[:VALUES_TRIED]
    clean = cleaner(fields[key], dates=look.dates or "iso", decimal=look.decimal or ".")
    good = 0
    for text in tried:
        try:
            clean(text)
        except ValidationError:
            continue
        good += 1
    return good >= ENOUGH * len(tried)


def _place_named(look: Look, fields: Catalogue) -> str:
    """Country or time zone, when the values are nothing else."""
    if len(look.values) < 2 or look.type not in TEXTS:
        return ""
    could_be = {
        "country": all(len(text) != 2 or text.isupper() for text in look.values),
        "time_zone": all("/" in text for text in look.values),
    }
    return next((key for key, is_one in could_be.items() if is_one and _reads(fields, key, look)), "")


def _is_possible(target: str, look: Look) -> bool:
    """Whether the values could be what this part of an event needs."""
    if not look.values:
        return True
    if target == "occurred_at":
        return bool(look.dates or look.unclear)
    if target == "value":
        return look.type in ("integer", "decimal")
    if target == "email":
        return look.type == "email"
    if target == "contact_id":
        return look.type == "integer"
    if target == "type":
        return sum(bool(EVENT_TYPE.fullmatch(text)) for text in look.values) >= ENOUGH * len(look.values)
    return look.type not in (*DATES, "boolean")


def _property(name: str) -> str:
    """A key for the property that a column is, or ""."""
    key = plain(PREFIX_OF_PROPERTY.sub("", name, count=1)).replace(" ", "_")
    return key if FIELD_KEY.fullmatch(key) else ""
