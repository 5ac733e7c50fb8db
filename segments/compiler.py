"""The one interpreter of definitions: it checks them, compiles them to a Django ``Q``, and puts them into words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from contacts.models import Contact, ContactQuerySet
from crm.registry import UnknownKey
from segments.conditions import CONDITIONS
from segments.context import Context
from segments.faults import DefinitionError, EntryError, Fault, Path
from segments.logic import combined
from segments.models import Segment

Definition = dict[str, Any]

VERSION = 1
DEEPEST = 8
MOST_CONDITIONS = 250
MATCHES = ("all", "any", "none")


def validate(definition: Any, *, kind: str, context: Context | None = None) -> Definition:
    """The definition as it is stored: checked, and with its values in their one form.

    ``kind`` is the segment's: a dynamic segment is one ``all`` group of conditions on fields and lists, a dynamic plus
    one nests groups. Raises `DefinitionError` with every fault and the path to it.
    """
    checker = _Checker(kind, context or Context())
    group = checker.group(definition, (), depth=1)
    if isinstance(definition, dict) and definition.get("version") != VERSION:
        checker.fault(("version",), _("The version of a definition is %(version)s.") % {"version": VERSION})
    if checker.conditions > MOST_CONDITIONS:
        checker.fault(("rules",), _("A segment has at most %(most)s conditions.") % {"most": MOST_CONDITIONS})
    if checker.faults:
        raise DefinitionError(checker.faults)
    return {"version": VERSION, **group}


class _Checker:
    def __init__(self, kind: str, context: Context) -> None:
        self.plus = kind == Segment.Kind.DYNAMIC_PLUS
        self.context = context
        self.faults: list[Fault] = []
        self.conditions = 0

    def fault(self, path: Path, message: str) -> None:
        self.faults.append(Fault(path, message))

    def group(self, group: Any, path: Path, depth: int) -> Definition:
        if not isinstance(group, dict):
            self.fault(path, _("A group is an object with “match” and “rules”."))
            return {}
        allowed = {"match", "rules", "version"} if not path else {"match", "rules"}
        for name in sorted(set(group) - allowed, key=str):
            self.fault((*path, str(name)), _("A group has no such entry."))
        match, rules = group.get("match"), group.get("rules")
        if match not in (MATCHES if self.plus else ("all",)):
            self.fault((*path, "match"), _("Choose how the rules of the group combine."))
        if depth > DEEPEST:
            self.fault(path, _("Groups nest at most %(deepest)s deep.") % {"deepest": DEEPEST})
            return {}
        if not isinstance(rules, list) or not rules:
            self.fault((*path, "rules"), _("Add at least one condition."))
            return {}
        return {
            "match": match,
            "rules": [self.rule(rule, (*path, "rules", place), depth) for place, rule in enumerate(rules)],
        }

    def rule(self, rule: Any, path: Path, depth: int) -> Definition:
        if self.plus and isinstance(rule, dict) and "match" in rule:
            return self.group(rule, path, depth + 1)
        self.conditions += 1
        if self.conditions > MOST_CONDITIONS:
            return {}
        try:
            condition = CONDITIONS[rule.get("type")] if isinstance(rule, dict) else None
        except UnknownKey:
            condition = None
        if condition is None or not (condition.dynamic or self.plus):
            self.fault((*path, "type"), _("There is no such condition for this type of segment."))
            return {}
        for name in sorted(set(rule) - {"type", *condition.entries}, key=str):
            self.fault((*path, str(name)), _("A rule of this kind has no such entry."))
        try:
            data = condition.unpack(rule, self.context)
        except EntryError as error:
            self.fault((*path, *error.place), str(error))
            return {}
        form = condition.form(data, context=self.context)
        if not form.is_valid():
            for place, message in form.faults():
                self.fault((*path, *place), message)
            return {}
        return form.rule()


def compile(definition: Definition, *, now: datetime | None, context: Context | None = None) -> Q:
    """The contacts that the definition holds for at ``now``, as a condition on Contact.

    The definition must have passed `validate`. Without ``now`` the SQL carries parameters that are bound later
    (`segments.clock.Late`). Raises `DefinitionError` when something that the definition names is gone.
    """
    context = context or Context(now=now)
    try:
        return _group(definition, context)
    except (UnknownKey, KeyError) as error:
        raise DefinitionError([Fault((), str(error))]) from error


def _group(group: Definition, context: Context) -> Q:
    parts = [
        _group(rule, context) if "match" in rule else CONDITIONS[rule["type"]].condition(rule, context)
        for rule in group["rules"]
    ]
    return combined(group["match"], parts)


def matching(definition: Definition, *, now: datetime) -> ContactQuerySet:
    """The contacts that the definition holds for at ``now``."""
    return Contact.objects.filter(compile(definition, now=now))


def rules(definition: Definition) -> Iterator[dict[str, Any]]:
    """The conditions of a definition, through all its groups."""
    for rule in definition["rules"]:
        if "match" in rule:
            yield from rules(rule)
        else:
            yield rule


def parts_of(part: Definition) -> Iterator[Definition]:
    """The groups and conditions of a definition or of a part of it, each group before what is in it."""
    yield part
    for rule in part.get("rules", ()):
        yield from parts_of(rule)


def depends_on(definition: Definition) -> set[str]:
    """The keys of the changes that can change who matches, such as ``field:country``, ``list:3`` or ``segment:7``."""
    return set().union(*(CONDITIONS[rule["type"]].depends_on(rule) for rule in rules(definition)))


def is_relative(definition: Definition, context: Context) -> bool:
    """Whether who matches can change only because time passes."""
    return any(CONDITIONS[rule["type"]].relative(rule, context) for rule in rules(definition))


def crossing(definition: Definition, *, since: datetime, now: datetime, context: Context) -> Q | None:
    """The contacts for whom the answer may have changed between two moments though nobody wrote.

    None when there can be no such contact.
    """
    crossings = [CONDITIONS[rule["type"]].crossing(rule, since, now, context) for rule in rules(definition)]
    crossed = [condition for condition in crossings if condition]
    return combined("any", crossed) if crossed else None


def describe(definition: Definition, *, context: Context | None = None) -> str:
    """The definition as a sentence that people can read and share."""
    context = context or Context()
    return _("Contacts for whom %(conditions)s.") % {"conditions": _words(definition, context, top=True)}


def words(part: Definition, *, context: Context) -> str:
    """A condition or a group as a part of a sentence. One that can no longer be read is there too, and says so."""
    if "match" in part:
        return _words(part, context)
    try:
        return CONDITIONS[part["type"]].describe(part, context)
    except (LookupError, TypeError, ValueError):
        return _("something holds that can no longer be read")


def _words(group: Definition, context: Context, *, top: bool = False) -> str:
    parts = [words(rule, context=context) for rule in group["rules"]]
    joined = (_(" and ") if group["match"] == "all" else _(" or ")).join(parts)
    if group["match"] == "none":
        joined = _("none of this holds: %(conditions)s") % {"conditions": joined}
    stands_alone = top or (len(parts) == 1 and group["match"] != "none")
    return joined if stands_alone else f"({joined})"
