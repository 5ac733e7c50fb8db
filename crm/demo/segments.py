"""The segments of the demo shop."""

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef

from contacts.models import Contact, ContactList
from crm.models import User
from segments.editing import create_segment, fill
from segments.gallery import TEMPLATES
from segments.membership import add
from segments.models import Cause, Membership, Segment

BY_HAND_AT_ONCE = 2
FROM_TEMPLATES = {
    "abandoned_carts": {"days": 7, "wait": 1},
    "loyal_customers": {"times": 3, "months": 12},
    "inactive_subscribers": {"days": 90},
}


def make_segments(lists: dict[str, ContactList], user: User, *, now: datetime) -> None:
    """Make the segments, those with conditions filled and two static ones empty."""
    for name, description, rules in _dynamic(lists):
        definition = {"version": 1, "match": "all", "rules": rules}
        segment = create_segment(
            name=name, kind=Segment.Kind.DYNAMIC, description=description, definition=definition, user=user, now=now
        )
        fill(segment, user=user, now=now)
    for key, values in FROM_TEMPLATES.items():
        template = TEMPLATES[key]
        segment = create_segment(
            name=str(template.name),
            kind=template.kind,
            description=str(template.does),
            definition=template.definition(values),
            user=user,
            now=now,
        )
        fill(segment, user=user, now=now)
    for name, description, is_test in (
        ("Trade fair guests", "Invited to our stand at the outdoor fair.", False),
        ("Testers", "They get every newsletter before the others.", True),
    ):
        create_segment(
            name=name, kind=Segment.Kind.STATIC, description=description, is_test=is_test, user=user, now=now
        )


def add_by_hand(user: User, *, now: datetime) -> None:
    """Put the best customers that are not in one yet into the static segments, as a person would by hand."""
    for segment in Segment.objects.static().order_by("name"):
        of_static = Membership.objects.filter(segment__in=Segment.objects.static(), contact=OuterRef("pk"))
        best = Contact.objects.filter(~Exists(of_static), email__isnull=False).order_by("-purchases_total", "pk")
        chosen = list(best.values_list("pk", flat=True)[:BY_HAND_AT_ONCE])
        add(segment, Contact.objects.filter(pk__in=chosen), now=now, cause=Cause.HAND, detail=user.username)


def _dynamic(lists: dict[str, ContactList]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    def field(key: str, operator: str, value: Any = None) -> dict[str, Any]:
        rule = {"type": "field", "field": key, "operator": operator}
        return rule if value is None else rule | {"value": value}

    def on_list(name: str, operator: str = "member") -> dict[str, Any]:
        return {"type": "list", "list": lists[name].pk, "operator": operator}

    subscribed = field("newsletter", "is", "subscribed")
    return [
        (
            "Newsletter readers in Spain and Portugal",
            "For campaigns in the south-west.",
            [subscribed, field("country", "is_any_of", ["ES", "PT"])],
        ),
        ("Good customers", "They have bought for 300 or more.", [field("purchases_total", "at_least", "300")]),
        (
            "Lapsed customers",
            "Their last purchase was three months ago or longer: win them back.",
            [subscribed, field("last_purchase_at", "more_than_ago", {"count": 3, "unit": "months"})],
        ),
        (
            "New and curious",
            "Came in the last 30 days and have not bought yet.",
            [field("created_at", "in_last", {"count": 30, "unit": "days"}), field("purchases_count", "equals", 0)],
        ),
        (
            "Birthday in the next 7 days",
            "A voucher waits for them.",
            [field("date_of_birth", "anniversary_in_next", {"count": 7, "unit": "days"}), subscribed],
        ),
        (
            "Gold members without offers",
            "Loyal, but not on the list Offers.",
            [field("custom.tier", "is", "gold"), on_list("Offers", "not_member")],
        ),
    ]
