"""What the Start node says of the whole workflow: whom it lets in, how often, what ends a run, and when it may act."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Max
from django.utils import timezone

from contacts.models import Event
from segments.models import Membership
from workflows.graph import Graph

SPANS = {
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
    "weeks": timedelta(weeks=1),
}
LIMITATIONS: dict[str, list[dict[str, Any]]] = {
    "all": [],
    "with_email": [{"type": "field", "field": "email", "operator": "is_set"}],
    "without_email": [{"type": "field", "field": "email", "operator": "is_not_set"}],
    "with_phone": [{"type": "field", "field": "phone", "operator": "is_set"}],
    "newsletter": [{"type": "field", "field": "newsletter", "operator": "is", "value": "subscribed"}],
}
SEGMENT = "segment"
EXISTING, NEW, BOTH = "existing", "new", "both"
NEVER, AFTER, ALWAYS = "never", "after", "always"


@dataclass(frozen=True)
class Rules:
    """The settings of a Start node, with what they mean."""

    settings: Mapping[str, Any]

    @property
    def segment(self) -> int | None:
        """The segment that contacts must belong to."""
        return self.settings.get("segment") if self.settings.get("limitation") == SEGMENT else None

    @cached_property
    def limitation(self) -> dict[str, Any] | None:
        """The definition of those who are let in; None when it is everybody."""
        rules = (
            [{"type": "segment", "segment": self.segment, "operator": "member"}]
            if self.segment
            else LIMITATIONS[self.settings.get("limitation") or "all"]
        )
        return {"version": 1, "match": "all", "rules": rules} if rules else None

    @property
    def which(self) -> str:
        """Whether contacts that exist at the activation are let in, those that are new since, or both."""
        return str(self.settings.get("which") or BOTH)

    @property
    def reentry(self) -> str:
        return str(self.settings.get("reentry") or NEVER)

    @property
    def reentry_span(self) -> timedelta:
        """How long after a start the contact may start again, where that is limited."""
        return SPANS[self.settings.get("reentry_unit") or "days"] * int(self.settings.get("reentry_count") or 1)

    @property
    def exit_segment(self) -> int | None:
        """The segment whose members alone stay in the workflow."""
        return self.segment if self.settings.get("exit_when_left") else None

    @property
    def goal_key(self) -> str:
        """The key of the happening that ends a run, because it has reached what it was for."""
        goal = self.settings.get("goal")
        if goal == SEGMENT and self.settings.get("goal_segment"):
            return f"entered:{self.settings['goal_segment']}"
        if goal == "event" and self.settings.get("goal_event"):
            return f"event:{self.settings['goal_event']}"
        return ""

    def is_goal(self, moment: datetime | None, started_at: datetime) -> bool:
        """Whether what happened at a moment is the goal of a run. The event that began it is not."""
        if moment is None:
            return False
        return moment >= started_at if self.settings.get("goal") == SEGMENT else moment > started_at

    def goals_since(self, contact_ids: Collection[int], since: datetime) -> dict[int, datetime]:
        """When contacts last did what the goal is, by contact, as far as that was not before a moment."""
        if self.settings.get("goal") == SEGMENT:
            members = Membership.objects.filter(
                segment_id=self.settings["goal_segment"], contact_id__in=contact_ids, entered_at__gte=since
            )
            return dict(members.values_list("contact_id", "entered_at"))
        events = Event.objects.filter(
            contact_id__in=contact_ids, type=self.settings["goal_event"], occurred_at__gt=since
        )
        return dict(
            events.order_by().values("contact_id").annotate(last=Max("occurred_at")).values_list("contact_id", "last")
        )

    def may_act_at(self, moment: datetime, zone: ZoneInfo | None = None) -> datetime:
        """``moment`` if the workflow may reach contacts then, or else the next moment from which it may.

        ``zone`` is that of the contact; without one, and where the workflow does not ask for it, it is the account's.
        """
        hours_from, hours_to = _clock(self.settings.get("hours_from")), _clock(self.settings.get("hours_to"))
        blocked = {int(day) for day in self.settings.get("blocked_days") or []}
        if (hours_from is None and hours_to is None and not blocked) or len(blocked) >= 7:
            return moment
        account = timezone.get_default_timezone()
        here = zone if zone and self.settings.get("hours_zone") == "contact" else account
        local = moment.astimezone(here)
        opening, closing = hours_from or time(0), hours_to or time(0)
        for days in range(9):
            day = local.date() + timedelta(days=days)
            if day.weekday() in blocked:
                continue
            opens = datetime.combine(day, opening, tzinfo=here)
            closes = datetime.combine(day, closing, tzinfo=here) if closing else _midnight_after(day, here)
            if local < closes:
                return max(moment, opens.astimezone(moment.tzinfo))
        return moment

    @property
    def keeps_hours(self) -> bool:
        """Whether there are times at which the workflow may not reach contacts."""
        return any(self.settings.get(name) for name in ("hours_from", "hours_to", "blocked_days"))

    @property
    def needs_zone(self) -> bool:
        return self.keeps_hours and self.settings.get("hours_zone") == "contact"


def _midnight_after(day: Any, zone: Any) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(0), tzinfo=zone)


def _clock(text: Any) -> time | None:
    return time.fromisoformat(text) if text else None


def rules_of(graph: Graph) -> Rules:
    """The rules of a workflow."""
    return Rules(graph.start.settings if graph.start else {})
