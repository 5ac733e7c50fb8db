"""What a condition is, and the registry of all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.db.models.expressions import Combinable

from crm.registry import Registry
from segments.context import Context
from segments.rule_form import Rule, RuleForm
from segments.seen import Observed, Seen

Subjects = list[tuple[str, list[tuple[str, str]]]]


@dataclass(frozen=True)
class Indexable:
    """An expression over the JSON of contacts, or of the events of a type."""

    expression: Combinable
    event: str | None = None


class Condition:
    """A kind of rule. A rule that reaches `condition` and the methods after it has passed its form."""

    key: str
    label: Any
    form: type[RuleForm]
    entries: frozenset[str]  # what a rule may have besides its type
    dynamic = True  # whether dynamic segments offer it, or only dynamic plus

    def subjects(self, context: Context) -> Subjects:
        """What such a condition can be about, under the headings that people know: the first choice in the editor."""
        raise NotImplementedError

    def subject(self, rule: Rule) -> str:
        """What a stored rule is about, as one of the `subjects`."""
        return self.key

    def given_by(self, subject: str) -> dict[str, str] | None:
        """The form's data that choosing a subject gives; None for a subject that is not of this kind."""
        return {} if subject == self.key else None

    def unpack(self, rule: Rule, context: Context) -> dict[str, Any]:
        """The form's data for a stored rule. Raises `EntryError` when the rule's JSON has the wrong shape."""
        raise NotImplementedError

    def condition(self, rule: Rule, context: Context) -> Q:
        """The contacts that match."""
        raise NotImplementedError

    def describe(self, rule: Rule, context: Context) -> str:
        """The rule as part of a sentence."""
        raise NotImplementedError

    def seen(self, rule: Rule, observed: Observed, context: Context) -> Seen:
        """What the rule compares of one contact; ``context`` has the moment. Whether it is met is not said here."""
        raise NotImplementedError

    def cautions(self, rule: Rule, context: Context) -> list[str]:
        """What people should know before they trust the rule; ``context`` has the moment."""
        return []

    def depends_on(self, rule: Rule) -> set[str]:
        """The keys of the changes that can change the answer."""
        raise NotImplementedError

    def crossing(self, rule: Rule, since: datetime, now: datetime, context: Context) -> Q | None:
        """The contacts for whom the answer may have changed only because time passed; None when there are none."""
        return None

    def reads_events_before(self, rule: Rule, moment: datetime, now: datetime) -> bool:
        """Whether the answer at ``now``, or a later one, depends on events from before a moment."""
        return False

    def indexable(self, rule: Rule, context: Context) -> Iterator[Indexable]:
        """What an index of would find the few contacts or events that match."""
        return iter(())

    def relative(self, rule: Rule, context: Context) -> bool:
        """Whether the answer depends on the moment."""
        return False


CONDITIONS: Registry[Condition] = Registry("condition")
