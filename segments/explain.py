"""Why a contact is in a segment or not: what every condition sees of it, and when it entered and left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import Contact
from segments.causes import reasons_of
from segments.compiler import MATCHES, Definition, parts_of, words
from segments.conditions import CONDITIONS
from segments.context import Context
from segments.faults import DefinitionError
from segments.models import Membership, Segment, Transition
from segments.seen import Observed, Seen
from segments.statements import Statement, statement, verdicts

LEDGER = 20


@dataclass(frozen=True)
class Explained:
    """A group or a condition of the definition, for one contact.

    ``met`` is None for what cannot be evaluated any more, such as a condition on a field that was deleted. A condition
    has what was ``seen``; a group has its ``match`` and what it is made of in ``rules``.
    """

    words: str
    met: bool | None
    match: str = ""
    rules: list[Explained] = field(default_factory=list)
    seen: Seen | None = None
    unwanted: bool = False

    @property
    def is_right(self) -> bool:
        """Whether it does what the group that it is in asks of it: in a group of which none may hold, it is not met."""
        return self.met is not None and self.met != self.unwanted

    @property
    def missing(self) -> str:
        """What would have to be different; nothing for what is met."""
        if self.met:
            return ""
        if self.met is None:
            return _("It names something that was deleted, and cannot be evaluated.")
        if self.seen:
            return self.seen.missing
        right = sum(rule.is_right for rule in self.rules)
        if self.match == "any":
            return _("None of these is met, and one of them has to be.")
        if self.match == "none":
            wrong = len(self.rules) - right
            text = ngettext(
                "%(count)d of these is met, and none may be.", "%(count)d of these are met, and none may be.", wrong
            )
            return text % {"count": wrong}
        return _("%(count)d of %(total)d are met, and all have to be.") % {"count": right, "total": len(self.rules)}


@dataclass(frozen=True)
class Move:
    """The contact entered or left, and why."""

    transition: Transition
    reason: str

    @property
    def entered(self) -> bool:
        return self.transition.kind == Transition.Kind.ENTERED


@dataclass(frozen=True)
class Explanation:
    """Why a contact is in a segment or not.

    ``since`` is when it entered, None for a contact that is not in. ``root`` is the definition, None for a static
    segment. ``moves`` are the latest in the ledger, the newest first; ``has_earlier`` says that they are not all.
    """

    segment: Segment
    contact: Contact
    now: datetime
    since: datetime | None
    root: Explained | None
    moves: list[Move]
    has_earlier: bool

    @property
    def is_member(self) -> bool:
        return self.since is not None

    @property
    def is_behind(self) -> bool:
        """Whether the memberships do not say yet what the conditions say at this moment."""
        return self.root is not None and self.root.met is not None and self.root.met != self.is_member


def explain(segment: Segment, contact: Contact, *, now: datetime) -> Explanation:
    """Explain a contact, member or not, at ``now``.

    All groups and conditions are asked of the database in one statement. What they see takes one more query for all
    lists, one for all imports, one for all segments, one for each condition on an activity, and a few for each step of
    a sequence.
    """
    ledger = Transition.objects.filter(segment=segment, contact=contact).order_by("-at", "-pk")
    moves = list(ledger[: LEDGER + 1])
    reasons = reasons_of(moves[:LEDGER])
    membership = Membership.objects.filter(segment=segment, contact=contact)
    return Explanation(
        segment=segment,
        contact=contact,
        now=now,
        since=membership.values_list("entered_at", flat=True).first(),
        root=None if segment.is_static else _explained(segment.conditions, contact, now=now),
        moves=[Move(move, reasons[move.pk]) for move in moves[:LEDGER]],
        has_earlier=len(moves) > LEDGER,
    )


def _explained(definition: Definition, contact: Contact, *, now: datetime) -> Explained:
    context = Context(now=now)
    verdict = _verdicts(definition, contact, context, now=now)
    return _tree(definition, verdict, Observed(contact), context)


def _tree(part: Definition, verdict: Iterator[bool | None], observed: Observed, context: Context) -> Explained:
    met = next(verdict)
    if "match" not in part:
        seen = None if met is None else CONDITIONS[part["type"]].seen(part, observed, context)
        return Explained(words(part, context=context), met, seen=seen)
    rules = [_tree(rule, verdict, observed, context) for rule in part["rules"]]
    if part["match"] == "none":
        rules = [replace(rule, unwanted=True) for rule in rules]
    return Explained(words(part, context=context), met, part["match"], rules)


def _verdicts(definition: Definition, contact: Contact, context: Context, *, now: datetime) -> Iterator[bool | None]:
    """Whether each part of the definition holds, from the whole to its last condition; None for what is broken."""
    few = Context(now=now, few=True)
    few.catalogue = context.catalogue
    parts = [_statement(part, few) for part in parts_of(definition)]
    sound = {place: one for place, one in enumerate(parts) if one}
    holds = {place for place, _contact in verdicts(sound, [contact.pk], now=now)}
    return iter([place in holds if place in sound else None for place in range(len(parts))])


def _statement(part: Definition, context: Context) -> Statement | None:
    whole = part if "match" in part else {"match": MATCHES[0], "rules": [part]}
    try:
        return statement(whole, context)
    except (DefinitionError, LookupError, TypeError, ValueError):
        return None
