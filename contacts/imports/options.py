"""What is to be done with the rows of an import: the options that somebody chose, and whether they can be followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from contacts.event_types import is_event_type
from contacts.fields import Catalogue
from contacts.imports.destinations import DESTINATIONS
from contacts.imports.models import Import
from contacts.models import FIELD_KEY, Contact, ContactList

KEYS = ("email", "external_id")
REFERENCES = ("contact_id", "external_id", "email", "visitor_key")
EVENT_TARGETS = (*REFERENCES, "occurred_at", "type", "value", "key")
PROPERTY_KINDS = ("text", "number", "boolean")
LIST = "list:"
PROPERTY = "property:"


@dataclass(frozen=True)
class Problem:
    """Why an import cannot begin. ``place`` is the option, or ``mapping``."""

    place: str
    text: str


class NotReady(ValueError):
    """The columns or options of an import do not allow it to begin; ``problems`` say why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(problem.text for problem in problems))
        self.problems = problems


@dataclass(frozen=True)
class Consent:
    """The newsletter state that the contacts of the file agreed to: where (``source``) and on which day."""

    newsletter: str
    source: str
    on: date


@dataclass(frozen=True)
class Options:
    """What is to be done.

    ``match`` is the key by which contacts are found. ``create`` lets new contacts be created and ``overwrite`` known
    ones be changed; without it they are left as they are, and put nowhere. ``empty`` says whether an empty cell keeps
    what is stored or erases it. ``lists`` and ``destinations`` are where the contacts are put. Who unsubscribed is
    subscribed again only with a reason: ``resubscribe``. ``event_type`` is for rows of events without a type.
    """

    match: str = "email"
    create: bool = True
    overwrite: bool = False
    empty: str = "keep"
    lists: tuple[int, ...] = ()
    destinations: Mapping[str, int] = field(default_factory=dict)
    consent: Consent | None = None
    resubscribe: str = ""
    event_type: str = ""

    @property
    def erases(self) -> bool:
        return self.empty == "erase"

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Options:
        """The options as an import keeps them; what is missing is as usual. Raises ValueError for what cannot be."""
        known = {name: stored[name] for name in cls.__dataclass_fields__ if stored.get(name) is not None}
        if known.get("consent"):
            consent = known["consent"]
            on = date.fromisoformat(consent["on"])
            known["consent"] = Consent(consent["newsletter"], consent["source"], on)
        known["lists"] = tuple(known.get("lists", ()))
        return cls(**known)

    def as_json(self) -> dict[str, Any]:
        stored = asdict(self) | {"lists": list(self.lists), "destinations": dict(self.destinations)}
        if self.consent:
            stored["consent"]["on"] = self.consent.on.isoformat()
        return stored


@dataclass(frozen=True)
class Column:
    """A column that is imported: its place among the columns of the file, its name, where it goes, how it is read."""

    place: int
    name: str
    target: str
    dates: str = "iso"
    decimal: str = "."


def columns_of(import_run: Import) -> list[Column]:
    """The columns of the file that go somewhere."""
    return [
        Column(place, name, entry["target"], entry.get("dates") or "iso", entry.get("decimal") or ".")
        for place, (name, entry) in enumerate(zip(import_run.columns, import_run.mapping, strict=True))
        if entry["target"]
    ]


def problems_of(import_run: Import, fields: Catalogue) -> list[Problem]:
    """Why the import cannot begin; empty when it can."""
    try:
        options = Options.from_json(import_run.options)
    except (KeyError, TypeError, ValueError):
        return [Problem("options", _("The options cannot be read. Choose them again."))]
    if len(import_run.mapping) != len(import_run.columns):
        return [Problem("mapping", _("The columns of the file have changed. Associate them again."))]
    columns = columns_of(import_run)
    problems = [*_repeated(columns)]
    if import_run.kind == Import.Kind.EVENTS:
        return [*problems, *_problems_of_events(columns, options)]
    return [*problems, *_problems_of_contacts(columns, options, fields)]


def require_ready(import_run: Import, fields: Catalogue) -> None:
    """Raise `NotReady` unless the import can begin."""
    if problems := problems_of(import_run, fields):
        raise NotReady(problems)


def _repeated(columns: Sequence[Column]) -> list[Problem]:
    first: dict[str, Column] = {}
    message = _("The columns “%(one)s” and “%(other)s” go to the same place.")
    return [
        Problem("mapping", message % {"one": first[column.target].name, "other": column.name})
        for column in columns
        if first.setdefault(column.target, column) is not column
    ]


def _problems_of_contacts(columns: Sequence[Column], options: Options, fields: Catalogue) -> list[Problem]:
    problems = []
    targets = [column.target for column in columns]
    lists = {*options.lists, *(int(one.removeprefix(LIST)) for one in targets if one.startswith(LIST))}
    known_lists = set(ContactList.objects.filter(pk__in=lists).values_list("pk", flat=True)) if lists else set()
    for column in columns:
        if not column.target.startswith(LIST) and not is_importable(column.target, fields):
            text = _("The column “%(column)s” goes to a field that nothing can be imported into.")
            problems.append(Problem("mapping", text % {"column": column.name}))
    if options.match not in KEYS or options.match not in targets:
        text = _("No column goes to the field by which contacts are found: %(field)s.")
        label = fields[options.match].label if options.match in fields else options.match
        problems.append(Problem("match", text % {"field": label}))
    if not options.create and not options.overwrite:
        problems.append(Problem("create", _("Neither new contacts nor existing ones: nothing would be imported.")))
    if options.empty not in ("keep", "erase"):
        problems.append(Problem("empty", _("Empty cells either keep or erase what is stored.")))
    if lists - known_lists:
        problems.append(Problem("lists", _("A list has been deleted meanwhile. Choose again.")))
    return [*problems, *_problems_of_destinations(options), *_problems_of_consent(options)]


def _problems_of_destinations(options: Options) -> list[Problem]:
    gone = [
        key
        for key, id in options.destinations.items()
        if key not in DESTINATIONS or id not in dict(DESTINATIONS[key].options())
    ]
    text = _("Where the contacts were to be added has been deleted meanwhile. Choose again.")
    return [Problem(key, text) for key in gone]


def _problems_of_consent(options: Options) -> list[Problem]:
    if not options.consent:
        return []
    problems = []
    if options.consent.newsletter not in (Contact.Newsletter.SUBSCRIBED, Contact.Newsletter.PENDING):
        problems.append(Problem("consent", _("A consent subscribes, or waits for the confirmation.")))
    if not options.consent.source.strip():
        problems.append(Problem("consent", _("Say where the contacts gave their consent.")))
    return problems


def _problems_of_events(columns: Sequence[Column], options: Options) -> list[Problem]:
    problems = []
    targets = {column.target for column in columns}
    for column in columns:
        if column.target not in EVENT_TARGETS and not is_property(column.target):
            text = _("The column “%(column)s” goes to something that events do not have.")
            problems.append(Problem("mapping", text % {"column": column.name}))
    if "occurred_at" not in targets:
        problems.append(Problem("mapping", _("No column says when the events happened.")))
    if not targets.intersection(REFERENCES):
        problems.append(Problem("mapping", _("No column says whose events these are.")))
    if options.event_type and not is_event_type(options.event_type):
        text = _("The type must be made of a-z, 0-9 and _, and start with a letter.")
        problems.append(Problem("event_type", text))
    if not options.event_type and "type" not in targets:
        problems.append(Problem("event_type", _("Nothing says of which type the events are.")))
    return problems


def is_importable(key: str, fields: Catalogue) -> bool:
    """Whether a contact field of this key can be imported into."""
    return key in fields and fields[key].editable and not fields[key].archived


def is_property(target: str) -> bool:
    """Whether the target is a property of events, such as ``property:quantity:number``."""
    key, _colon, kind = target.removeprefix(PROPERTY).rpartition(":")
    return target.startswith(PROPERTY) and kind in PROPERTY_KINDS and FIELD_KEY.fullmatch(key) is not None
