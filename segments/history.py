"""What differs between two definitions: conditions and groups that were added, removed, changed or moved."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from segments.compiler import Definition, words
from segments.context import Context
from segments.faults import Path

Part = dict[str, Any]


class Kind(models.TextChoices):
    """What became of a part of a definition. MATCH is a group whose conditions combine in another way now."""

    ADDED = "added", pgettext_lazy("what became of a condition", "Added")
    REMOVED = "removed", pgettext_lazy("what became of a condition", "Removed")
    CHANGED = "changed", pgettext_lazy("what became of a condition", "Changed")
    MOVED = "moved", pgettext_lazy("what became of a condition", "Moved")
    MATCH = "match", pgettext_lazy("what became of a condition", "Changed")
    ORDER = "order", pgettext_lazy("what became of a condition", "Moved")


MATCHES = {
    "all": gettext_lazy("all of the conditions must hold"),
    "any": gettext_lazy("one of the conditions is enough"),
    "none": gettext_lazy("none of the conditions may hold"),
}


@dataclass(frozen=True)
class Change:
    """One difference. ``before`` and ``after`` are conditions or groups, None where there was or is none.

    ``left`` and ``entered`` are the groups that it was in and is in, each None for the outermost one.
    """

    kind: Kind
    before: Part | None = None
    after: Part | None = None
    left: Part | None = None
    entered: Part | None = None

    def described(self, context: Context) -> ChangeInWords:
        say = _match_in_words if self.kind == Kind.MATCH else words
        if self.kind == Kind.ORDER:
            return ChangeInWords(self.kind, "", _("the same conditions stand in another order"))
        before = say(self.before, context=context) if self.before and self.kind != Kind.MOVED else ""
        after = say(self.after, context=context) if self.after else ""
        return ChangeInWords(self.kind, before, after, self._where(context))

    def _where(self, context: Context) -> str:
        group = self.entered or self.left
        if group is None:
            return ""
        text = _("in the group: %(group)s")
        if self.kind == Kind.MOVED:
            text = _("into the group: %(group)s") if self.entered else _("out of the group: %(group)s")
        return text % {"group": words(group, context=context)}


@dataclass(frozen=True)
class ChangeInWords:
    """A difference as people read it; ``before`` or ``after`` is "" where there is none."""

    kind: Kind
    before: str
    after: str
    where: str = ""


def _match_in_words(group: Part, *, context: Context) -> str:
    return str(MATCHES[group["match"]])


def compare(before: Definition, after: Definition) -> list[Change]:
    """What was done to get from one definition to another one; an empty list when they are the same.

    Conditions are told apart by what they are about: one on the same field, list, segment or event, in the same group,
    is a changed one. Their order means nothing, and is mentioned only where nothing else differs.
    """
    changes = _with_moves(list(_compare_groups(before, after, is_outermost=True)))
    if not changes and before["rules"] != after["rules"]:
        return [Change(Kind.ORDER, before, after)]
    return changes


def in_words(changes: Iterable[Change], *, context: Context) -> list[ChangeInWords]:
    return [change.described(context) for change in changes]


def words_at(definition: Definition, path: Path, *, context: Context) -> str:
    """The condition that a path leads to or into, in words; "" where it leads to no condition."""
    part: Any = definition
    for step in path:
        if isinstance(step, int):
            part = part["rules"][step]
    return "" if "match" in part else words(part, context=context)


def _compare_groups(before: Part, after: Part, *, is_outermost: bool = False) -> Iterator[Change]:
    left, entered = (None, None) if is_outermost else (before, after)
    if before["match"] != after["match"]:
        yield Change(Kind.MATCH, before, after, left, entered)
    gone = _beyond(before["rules"], after["rules"])
    come = _beyond(after["rules"], before["rules"])
    conditions, groups = _about_the_same(gone, come), _most_alike(gone, come)
    for old, new in conditions:
        yield Change(Kind.CHANGED, gone[old], come[new], left, entered)
    for old, new in groups:
        yield from _compare_groups(gone[old], come[new])
    paired = [*conditions, *groups]
    for place, part in enumerate(gone):
        if place not in {old for old, _new in paired}:
            yield Change(Kind.REMOVED, part, None, left, entered)
    for place, part in enumerate(come):
        if place not in {new for _old, new in paired}:
            yield Change(Kind.ADDED, None, part, left, entered)


def _beyond(parts: list[Part], others: list[Part]) -> list[Part]:
    """The parts that the others do not have, one for one."""
    had = Counter(map(_text, others))
    beyond = []
    for part in parts:
        if had[_text(part)]:
            had[_text(part)] -= 1
        else:
            beyond.append(part)
    return beyond


def _text(part: Part) -> str:
    """The same text for the same part, in whatever order its conditions stand."""
    if "match" not in part:
        return json.dumps(part, sort_keys=True)
    return f"{part['match']}[{','.join(sorted(map(_text, part['rules'])))}]"


def _about_the_same(gone: list[Part], come: list[Part]) -> list[tuple[int, int]]:
    """The places of conditions that are about the same, paired in their order."""
    waiting = [place for place, part in enumerate(gone) if "match" not in part]
    pairs = []
    for place, part in enumerate(come):
        old = next((old for old in waiting if "match" not in part and _subject(gone[old]) == _subject(part)), None)
        if old is not None:
            waiting.remove(old)
            pairs.append((old, place))
    return pairs


def _subject(rule: Part) -> tuple[Any, Any]:
    """What a condition is about: the field of a condition on a field, the list of one on a list, and so on."""
    return rule["type"], rule.get(rule["type"])


def _most_alike(gone: list[Part], come: list[Part]) -> list[tuple[int, int]]:
    """The places of groups that have something in common, those paired first that have the most."""
    likeness = {
        (old, new): _likeness(gone[old], come[new])
        for old in range(len(gone))
        for new in range(len(come))
        if "match" in gone[old] and "match" in come[new]
    }
    pairs: list[tuple[int, int]] = []
    for old, new in sorted(likeness, key=lambda pair: (-likeness[pair], sum(pair))):
        if likeness[old, new] and all(old != one and new != other for one, other in pairs):
            pairs.append((old, new))
    return sorted(pairs)


def _likeness(old: Part, new: Part) -> int:
    """How much two groups have in common: a condition that is the same counts double, one about the same once."""
    same = Counter(map(_text, conditions_of(old))) & Counter(map(_text, conditions_of(new)))
    about = Counter(map(_subject, conditions_of(old))) & Counter(map(_subject, conditions_of(new)))
    return same.total() + about.total()


def conditions_of(part: Part) -> Iterator[Part]:
    """The conditions of a group, through all groups in it; a condition's own one."""
    if "match" not in part:
        yield part
        return
    for rule in part["rules"]:
        yield from conditions_of(rule)


def _with_moves(changes: list[Change]) -> list[Change]:
    """What left one group and entered another one, as one change instead of two."""
    departures = [change for change in changes if change.kind == Kind.REMOVED]
    seen = []
    for change in changes:
        if change.kind == Kind.ADDED:
            origin = next((one for one in departures if _is_same(one.before, change.after)), None)
            if origin:
                departures.remove(origin)
                change = replace(change, kind=Kind.MOVED, before=origin.before, left=origin.left)
        seen.append(change)
    return [change for change in seen if change.kind != Kind.REMOVED] + departures


def _is_same(one: Part | None, other: Part | None) -> bool:
    return one is not None and other is not None and _text(one) == _text(other)
