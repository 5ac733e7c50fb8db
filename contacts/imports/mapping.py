"""Which column of a file goes to which field: as somebody said, or else by its name."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from contacts.fields import Catalogue
from contacts.folding import fold

PROPERTY = re.compile(r"properties\.(?P<key>[a-z][a-z0-9_]{0,62})(:(?P<kind>text|number|boolean))?")


class MappingError(ValueError):
    """The columns cannot be mapped to fields; the text says why."""


def _open(target: str) -> str:
    return ""


@dataclass(frozen=True)
class Targets:
    """What columns can be mapped to.

    ``names`` gives each target the names by which a column finds it. ``pattern`` matches further targets, and
    ``pattern_example`` shows how they look. ``closed`` says why nothing can be imported into a field that exists.
    """

    names: Mapping[str, Sequence[str]]
    pattern: re.Pattern[str] | None = None
    pattern_example: str = ""
    closed: Callable[[str], str] = _open

    def check(self, target: str) -> None:
        """Raises `MappingError` when this is not a target."""
        if target in self.names or (self.pattern and self.pattern.fullmatch(target)):
            return
        if reason := self.closed(target):
            raise MappingError(reason)
        known = [*self.names, *([self.pattern_example] if self.pattern else [])]
        message = _("There is no field “%(field)s”. The fields are: %(known)s.")
        raise MappingError(message % {"field": target, "known": ", ".join(known)})


@dataclass(frozen=True)
class ColumnMapping:
    """``places`` gives the target fields their places among the columns; the ``ignored`` columns are not imported."""

    places: Mapping[str, int]
    ignored: Sequence[str]


def contact_targets(fields: Catalogue) -> Targets:
    """The fields of a contact that can be imported."""

    def closed(key: str) -> str:
        if key not in fields:
            return ""
        if fields[key].archived:
            return _("The field “%s” is archived: nothing can be imported into it.") % key
        return _("Muster keeps the field “%s” up to date itself: nothing can be imported into it.") % key

    names = {
        field.key: [field.key, str(field.label), *([field.json_key] if field.is_custom else [])]
        for field in fields.editable()
    }
    return Targets(names, closed=closed)


EVENT_TARGETS = Targets(
    {
        name: [name]
        for name in ("external_id", "email", "visitor_key", "contact_id", "type", "occurred_at", "value", "key")
    },
    PROPERTY,
    "properties.…",
)


def map_columns(columns: Sequence[str], chosen: Sequence[tuple[str, str]], targets: Targets) -> ColumnMapping:
    """Map the columns as ``chosen`` in pairs of column and target, and the rest by their names without regard to case.

    A column chosen for "" is ignored. Raises `MappingError`.
    """
    places: dict[str, int] = {}
    taken: set[int] = set()
    for name, target in chosen:
        place = _place_of(name, columns)
        if place in taken:
            raise MappingError(_("The column “%s” is mapped twice.") % name)
        taken.add(place)
        if target:
            targets.check(target)
            _put(target, place, places, columns)
    by_name = {_plain(name): target for target, names in reversed(list(targets.names.items())) for name in names}
    for place, name in enumerate(columns):
        target = by_name.get(_plain(name), "")
        if target and place not in taken and target not in dict(chosen).values():
            _put(target, place, places, columns)
    ignored = [name for place, name in enumerate(columns) if place not in places.values()]
    return ColumnMapping(places, ignored)


def _put(target: str, place: int, places: dict[str, int], columns: Sequence[str]) -> None:
    if target in places:
        message = _("The columns “%(one)s” and “%(other)s” both go to the field “%(field)s”.")
        raise MappingError(message % {"one": columns[places[target]], "other": columns[place], "field": target})
    places[target] = place


def _place_of(name: str, columns: Sequence[str]) -> int:
    same = [place for place, column in enumerate(columns) if column == name]
    similar = same or [place for place, column in enumerate(columns) if _plain(column) == _plain(name)]
    if len(similar) == 1:
        return similar[0]
    if similar:
        raise MappingError(_("There are several columns “%s”.") % name)
    message = _("There is no column “%(column)s”. The columns are: %(columns)s.")
    raise MappingError(message % {"column": name, "columns": ", ".join(columns)})


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", fold(name)).strip()
