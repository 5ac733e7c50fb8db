"""Part of a benchmark: what one edit of a contact costs until its segments are right."""

from typing import Any

from benchmarks.meter import Cost, measured
from benchmarks.people import COUNTRIES, NOW, forget_segments
from benchmarks.report import ONE_AT_A_TIME, one_at_a_time, table
from contacts.editing import update_contact
from contacts.models import Contact
from segments.compiler import matching, validate
from segments.models import Membership, Segment, Transition
from segments.refresh import refresh_due

WARM_UP = 10  # edits before the measured ones, in which the process compiles what it then keeps
CASES = ((0, 0), (20, 20), (200, 20), (200, 200))  # segments, and how many of them have a rule on the edited field

# What stands beside the rule on the country, or in its place.
OTHERS: list[tuple[str, str, Any]] = [
    ("date_of_birth", "on_or_after", "1999-01-01"),
    ("custom.tier", "is_not", "gold"),
    ("newsletter", "is", "subscribed"),
    ("first_name", "starts_with", "mar"),
    ("custom.score", "greater_than", "95"),
    ("last_purchase_at", "in_last", {"count": 30, "unit": "days"}),
    ("date_of_birth", "anniversary_in_next", {"count": 7, "unit": "days"}),
    ("last_name", "does_not_contain", "z"),
]


def main(edits: str) -> None:
    rows = []
    for segments, concerned in CASES:
        _make(segments, concerned)
        first, costs, moves = _edit(int(edits))
        rows.append([f"{segments}, of which {concerned}", *one_at_a_time(first, costs, moves)])
    table(
        f"One edit of a contact: median of {edits} (ms)",
        ["segments, with a rule on the field", *ONE_AT_A_TIME],
        rows,
    )


def _make(segments: int, concerned: int) -> None:
    """Segments of a few thousand members each, no two of them alike."""
    forget_segments()
    for number in range(segments):
        rules: list[dict[str, Any]] = []
        if number < concerned:
            wanted = sorted({COUNTRIES[number % len(COUNTRIES)], COUNTRIES[number * 7 % len(COUNTRIES)]})
            rules.append({"type": "field", "field": "country", "operator": "is_any_of", "value": wanted})
        field, operator, value = OTHERS[number % len(OTHERS)]
        rules.append({"type": "field", "field": field, "operator": operator, "value": value})
        points = {"from": number % 97, "to": number % 97 + 3}
        rules.append({"type": "field", "field": "points", "operator": "between", "value": points})
        definition = {"version": 1, "match": "all", "rules": rules}
        Segment.objects.create(
            name=f"Segment {number}",
            kind=Segment.Kind.DYNAMIC,
            definition=validate(definition, kind="dynamic"),
            stale=True,
        )
    refresh_due(now=NOW)


def _edit(edits: int) -> tuple[Cost, list[Cost], int]:
    """Move contacts to another country.

    Returns the cost of the first edit, those of the measured ones, and how many moves these led to.
    """
    contacts = Contact.objects.filter(country__gt="").order_by("pk")
    step = max(1, Contact.objects.count() // (edits + WARM_UP) - 1)
    chosen = [contacts.filter(pk__gt=number * step)[0] for number in range(edits + WARM_UP)]
    countries = sorted(set(COUNTRIES))
    costs = []
    for number, contact in enumerate(chosen):
        if number == WARM_UP:
            before = Transition.objects.count()
        country = countries[(countries.index(contact.country) + 1 + number % 3) % len(countries)]
        with measured() as cost:
            update_contact(contact, {"country": country}, now=NOW)
        costs.append(cost)
    stop_unless_right([contact.pk for contact in chosen])
    return costs[0], costs[WARM_UP:], Transition.objects.count() - before


def stop_unless_right(contact_ids: list[int]) -> None:
    """Stop unless the contacts are members of exactly the segments whose definitions hold for them."""
    for segment in Segment.objects.all():
        holds = matching(segment.conditions, now=NOW).filter(pk__in=contact_ids).values_list("pk", flat=True)
        members = Membership.objects.filter(segment=segment, contact_id__in=contact_ids)
        if set(holds) != set(members.values_list("contact_id", flat=True)):
            raise SystemExit(f"{segment} is not right after the edits.")
