"""A plain reading of the rules of imports: one row after the other, in memory, without any of Muster's code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

KEYS = ("email", "external_id")
TEXTS = ("first_name", "city")


@dataclass
class Somebody:
    """A contact: values by field, with "" or None for no value; whom the import has not created has an ``id``."""

    values: dict[str, Any]
    subscribed: bool | None = None  # to the list; None for never
    id: int | None = None
    written: bool = False
    changed: bool = False
    segment: bool = False
    before: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.before = dict(self.values)

    @property
    def differs(self) -> bool:
        return self.values != self.before


@dataclass
class World:
    """What is there after an import, and what became of its rows."""

    people: list[Somebody]
    left: int = 0
    joined: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)

    def whose(self, key: str, value: str | None) -> Somebody | None:
        return next((one for one in self.people if value and one.values[key] == value), None)


def follow(people: list[Somebody], rows: list[dict[str, str]], options: dict[str, Any]) -> World:
    """Import the rows, each of which has a text for every column. The header is line 1."""
    world = World(people)
    for line, row in enumerate(rows, start=2):
        row = {name: text.strip() for name, text in row.items()}
        if reason := _follow(world, row, options):
            world.refused.append((line, reason))
    return world


def _follow(world: World, row: dict[str, str], options: dict[str, Any]) -> str:
    if not row["points"].isdecimal() and row["points"]:
        return "invalid"
    if row["list"] not in ("", "yes", "no") or row["email"] == "no email":
        return "invalid"
    row["email"] = row["email"].lower()
    if not row["email"] and not row["external_id"]:
        return "no_key"
    match = options["match"]
    other = KEYS[1 - KEYS.index(match)]
    person = world.whose(match, row[match])
    by_other = world.whose(other, row[other])
    if person and not person.written and person.id and not options["overwrite"]:
        world.left += 1
        return ""
    if by_other and by_other is not person:
        if person or (row[match] and by_other.values[match]):
            return "taken"
        person = by_other
        if person.id and not options["overwrite"]:
            world.left += 1
            return ""
    if person is None:
        if not options["create"]:
            return "unknown"
        nothing = {"email": "", "external_id": "", "first_name": "", "city": "", "points": 0, "tier": ""}
        person = Somebody({**nothing, "newsletter": "never"})
        world.people.append(person)
    world.joined += person.written
    person.written = person.segment = True
    _tell(person, row, options)
    return ""


def _tell(person: Somebody, row: dict[str, str], options: dict[str, Any]) -> None:
    values = dict(person.values)
    erases = options["empty"] == "erase"
    for name in ("email", "external_id", "first_name", "city", "tier"):
        if row[name] or (erases and name != options["match"]):
            values[name] = row[name]
    if row["points"]:
        values["points"] = int(row["points"])
    is_kept = values["newsletter"] == "unsubscribed" and not options["resubscribe"]
    if row["newsletter"]:
        values["newsletter"] = values["newsletter"] if is_kept else row["newsletter"]
    elif options["consent"] and not is_kept and values["newsletter"] != "subscribed":
        values["newsletter"] = "subscribed"
    person.changed |= values != person.values
    person.values = values
    if (options["lists"] or row["list"] == "yes") and (person.subscribed is not False or options["resubscribe"]):
        person.subscribed = True
