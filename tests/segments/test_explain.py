"""Why a contact is in a segment or not: what each condition sees, and what the ledger tells."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.events import NewEvent, record
from contacts.models import Contact, ContactField, ContactImport, ContactList, Import, ListMembership
from segments.compiler import matching
from segments.editing import create_segment, fill, save_segment
from segments.explain import Explained, explain
from segments.membership import remove
from segments.models import Cause, Segment, Transition
from segments.versions import token_of
from tests.segments.pages import dynamic, people, static

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
EVER = {"kind": "ever"}


def plus(*rules: dict[str, Any], match: str = "all", name: str = "S") -> Segment:
    definition = {"version": 1, "match": match, "rules": list(rules)}
    segment = create_segment(name=name, kind=Segment.Kind.DYNAMIC_PLUS, definition=definition, now=NOW)
    fill(segment, now=NOW)
    segment.refresh_from_db()
    return segment


def conditions(part: Explained) -> list[Explained]:
    return [one for rule in part.rules for one in ([rule] if rule.seen else conditions(rule))]


def root_of(segment: Segment, contact: Contact, *, now: datetime = NOW) -> Explained:
    root = explain(segment, contact, now=now).root
    assert root
    return root


def seen(rule: dict[str, Any], contact: Contact) -> tuple[bool | None, str, str]:
    """Whether the only condition is met, what it sees, and what is missing."""
    segment = Segment(kind=Segment.Kind.DYNAMIC_PLUS, definition={"version": 1, "match": "all", "rules": [rule]})
    segment.pk = 1
    [one] = root_of(segment, contact).rules
    assert one.seen
    is_found = matching(segment.conditions, now=NOW).filter(pk=contact.pk).exists()
    assert one.met == is_found
    return one.met, one.seen.value, one.missing


def happened(rule: dict[str, Any], contact: Contact) -> list[tuple[str, int]]:
    """The events that the only condition shows: what, and how many days ago; and the number of the others last."""
    segment = Segment(pk=1, kind=Segment.Kind.DYNAMIC_PLUS, definition={"match": "all", "rules": [rule]})
    [one] = root_of(segment, contact).rules
    assert one.seen
    shown = [(entry.title, (NOW - entry.at).days) for entry in one.seen.happened]
    return [*shown, ("others", one.seen.others)] if one.seen.others else shown


def field(key: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"type": "field", "field": key, "operator": operator} | ({} if value is None else {"value": value})


def event(event: str = "purchase", metric: str = "count", operator: str = "at_least", **more: Any) -> dict[str, Any]:
    return {"type": "event", "event": event, "metric": metric, "operator": operator, "window": EVER} | more


def sequence(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "sequence", "steps": list(steps), "window": EVER} | more


def step(event: str, did: bool = True, **more: Any) -> dict[str, Any]:
    return {"event": event, "did": did} | more


def happen(contact: Contact, *events: tuple[str, float], **properties: Any) -> None:
    record(
        [
            NewEvent(kind, NOW - timedelta(days=ago), contact_id=contact.pk, value="10.50", properties=properties)
            for kind, ago in events
        ],
        now=NOW,
    )


@pytest.fixture
def ada() -> Contact:
    ContactField.objects.create(key="tier", label="Tier", type="choice", options=[{"value": "gold", "label": "Gold"}])
    ada = Contact.objects.create(
        first_name="Ada",
        email="ada@example.com",
        country="ES",
        date_of_birth=date(1970, 5, 1),
        points=12,
        custom={"tier": "gold"},
    )
    happen(ada, ("purchase", 5), ("purchase", 40), category="shoes")
    happen(ada, ("purchase", 50), ("purchase", 60), ("cart_add", 61), category="hats")
    return ada


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (field("country", "is", "ES"), (True, "Spain", "")),
        (field("country", "is", "DE"), (False, "Spain", "")),
        (field("country", "is_not", "ES"), (False, "Spain", "")),
        (field("city", "is", "Rome"), (False, "no value", "")),
        (field("city", "is_not", "Rome"), (True, "no value", "")),
        (field("date_of_birth", "on_or_after", "1965-01-01"), (True, "1 May 1970", "")),
        (field("points", "greater_than", 12), (False, "12", "")),
        (field("custom.tier", "is", "gold"), (True, "Gold", "")),
        (event(value=1), (True, "4", "")),
        (event(value=6), (False, "4", "2 more times are needed")),
        (event(operator="greater_than", value=4), (False, "4", "1 more time is needed")),
        (event(operator="at_most", value=2), (False, "4", "")),
        (event("email_opened", value=1), (False, "0", "1 more time is needed")),
        (event("email_opened", operator="equals", value=0), (True, "0", "")),
        (event(value=2, window={"kind": "last", "count": 30, "unit": "days"}), (False, "1", "1 more time is needed")),
        (event(metric="days", value=5), (False, "4", "")),
        (event(metric="sum", property="value", operator="greater_than", value=100), (False, "42", "")),
        (event(metric="average", property="value", operator="equals", value=10.5), (True, "10.50", "")),
        (event(metric="minimum", property="value", operator="is_set"), (True, "10.50", "")),
        (event("email_opened", metric="sum", property="value", operator="is_not_set"), (True, "no value", "")),
        (event(metric="maximum", property="quantity", operator="at_least", value=1), (False, "no value", "")),
        (event(metric="distinct", property="category", operator="equals", value=2), (True, "2", "")),
        (event(metric="first", property="category", operator="is", value="hats"), (True, "hats", "")),
        (event(metric="last", property="category", operator="is", value="hats"), (False, "shoes", "")),
        (event(metric="last", property="category", operator="is_set"), (True, "has a value", "")),
        (event(metric="last", property="gift", operator="is_set"), (False, "no value", "")),
    ],
)
def test_what_a_condition_sees(ada: Contact, rule: dict[str, Any], expected: tuple[bool, str, str]):
    assert seen(rule, ada) == expected


def test_the_newest_events_are_shown_and_the_others_counted(ada: Contact):
    assert happened(event(value=1), ada) == [("Purchased", 5), ("Purchased", 40), ("Purchased", 50), ("others", 1)]
    where = [{"property": "category", "operator": "is", "value": "hats"}]
    assert happened(event(value=1, where=where), ada) == [("Purchased", 50), ("Purchased", 60)]
    assert happened(event(value=1, window={"kind": "last", "count": 30, "unit": "days"}), ada) == [("Purchased", 5)]
    assert happened(event("email_opened", value=1), ada) == []


def test_what_a_list_sees(ada: Contact):
    lists = {name: ContactList.objects.create(name=name).pk for name in ("On", "Ended", "Never")}
    ListMembership.objects.create(list_id=lists["On"], contact=ada, subscribed_at=NOW - timedelta(days=3))
    ListMembership.objects.create(
        list_id=lists["Ended"], contact=ada, subscribed_at=NOW - timedelta(days=3), unsubscribed_at=NOW
    )

    def on(name: str, operator: str = "member", **more: Any) -> Any:
        return seen({"type": "list", "list": lists[name], "operator": operator} | more, ada)

    assert on("On") == (True, "on the list since 7 Mar 2026, 12:00", "")
    assert on("On", "not_member") == (False, "on the list since 7 Mar 2026, 12:00", "")
    window = {"kind": "last", "count": 2, "unit": "days"}
    assert on("On", "joined", window=window) == (False, "on the list since 7 Mar 2026, 12:00", "")
    assert on("Ended") == (False, "unsubscribed on 10 Mar 2026, 12:00", "")
    assert on("Never", "not_member") == (True, "never on the list", "")


def test_what_an_import_sees(ada: Contact):
    spring, autumn = (Import.objects.create(name=name, created_at=NOW, started_at=NOW) for name in ("Spring", "Autumn"))
    ContactImport.objects.create(import_run=spring, contact=ada, created=True, changed=True, written_at=NOW)

    def with_it(import_run: Import, operator: str) -> Any:
        return seen({"type": "import", "import": import_run.pk, "operator": operator}, ada)

    assert with_it(spring, "member") == (True, "came with the import on 10 Mar 2026, 12:00", "")
    assert with_it(autumn, "member") == (False, "did not come with the import", "")


def test_what_a_segment_sees(ada: Contact):
    friends = static("Friends", ada, now=NOW)
    others = static("Others", now=NOW)

    def inside(segment: Segment, operator: str) -> Any:
        return seen({"type": "segment", "segment": segment.pk, "operator": operator}, ada)

    assert inside(friends, "member") == (True, "in the segment since 10 Mar 2026, 12:00", "")
    assert inside(others, "member") == (False, "not in the segment", "")
    assert inside(others, "not_member") == (True, "not in the segment", "")


CART, BOUGHT = step("cart_add"), step("purchase")
WITHIN = {"within": {"count": 2, "unit": "days"}}


@pytest.mark.parametrize(
    ("rule", "expected", "events"),
    [
        (sequence(CART, BOUGHT), (True, "all 2 steps", ""), [("Put into the cart", 61), ("Purchased", 60)]),
        (
            sequence(CART, BOUGHT, BOUGHT, BOUGHT),
            (True, "all 4 steps", ""),
            [("Put into the cart", 61), ("Purchased", 60), ("Purchased", 50), ("Purchased", 40)],
        ),
        (
            sequence(BOUGHT, CART),
            (False, "1 of 2 steps", "then “Put into the cart”"),
            [("Purchased", 60)],
        ),
        (
            sequence(CART, BOUGHT, step("purchase", same="category"), step("purchase", same="category")),
            (False, "3 of 4 steps", "then “Purchased” with the same Category"),
            [("Put into the cart", 61), ("Purchased", 60), ("Purchased", 50)],
        ),
        (
            sequence(CART, BOUGHT, BOUGHT, **WITHIN),
            (False, "2 of 3 steps", "then “Purchased”"),
            [("Put into the cart", 61), ("Purchased", 60)],
        ),
        (
            sequence(CART, step("purchase", did=False), **WITHIN),
            (False, "1 of 2 steps", "“Purchased” happened on 9 Jan 2026, 12:00"),
            [("Put into the cart", 61)],
        ),
        (
            sequence(CART, step("email_opened", did=False), BOUGHT),
            (True, "all 3 steps", ""),
            [("Put into the cart", 61), ("Purchased", 60)],
        ),
        (
            sequence(BOUGHT, step("purchase", did=False), step("email_opened")),
            (False, "1 of 3 steps", "“Purchased” happened on 19 Jan 2026, 12:00"),
            [("Purchased", 60)],
        ),
        (
            sequence(
                BOUGHT,
                step("cart_add", did=False),
                within={"count": 6, "unit": "days"},
                window={"kind": "last", "count": 9, "unit": "days"},
            ),
            (False, "all 2 steps", "the time for it is over on 11 Mar 2026, 12:00"),
            [("Purchased", 5)],
        ),
        (sequence(BOUGHT, step("cart_add", did=False)), (True, "all 2 steps", ""), [("Purchased", 60)]),
        (sequence(step("email_opened"), BOUGHT), (False, "none of 2 steps", "“Opened an email”"), []),
    ],
)
def test_what_a_sequence_sees(
    ada: Contact, rule: dict[str, Any], expected: tuple[bool, str, str], events: list[tuple[str, int]]
):
    assert seen(rule, ada) == expected
    assert happened(rule, ada) == events


def test_groups_say_what_is_missing(ada: Contact):
    spain, germany, rome = field("country", "is", "ES"), field("country", "is", "DE"), field("city", "is", "Rome")
    segment = plus(
        spain,
        {"match": "any", "rules": [germany, rome]},
        {"match": "none", "rules": [spain, rome, {"match": "all", "rules": [spain, germany]}]},
    )
    explanation = explain(segment, ada, now=NOW)
    root = explanation.root
    assert root
    assert (root.met, root.missing) == (False, "1 of 3 are met, and all have to be.")
    first, either, neither = root.rules
    assert (first.met, first.words, first.missing, first.match) == (True, "Country is Spain", "", "")
    assert (either.met, either.missing) == (False, "None of these is met, and one of them has to be.")
    assert (neither.met, neither.missing) == (False, "1 of these is met, and none may be.")
    assert [(one.met, one.unwanted, one.is_right) for one in neither.rules] == [
        (True, True, False),
        (False, True, True),
        (False, True, True),
    ]
    assert [one.is_right for one in root.rules] == [True, False, False]
    assert (explanation.is_member, explanation.is_behind, explanation.since) == (False, False, None)


def test_what_is_broken_is_neither_met_nor_not(ada: Contact):
    segment = plus(field("custom.tier", "is", "gold"), {"match": "any", "rules": [field("country", "is", "ES")]})
    ContactField.objects.all().delete()
    explanation = explain(segment, ada, now=NOW)
    root = explanation.root
    assert root
    assert [one.met for one in (root, *root.rules)] == [None, None, True]
    broken = root.rules[0]
    assert broken.words == "something holds for a deleted field (custom.tier)"
    assert broken.missing == "It names something that was deleted, and cannot be evaluated."
    assert (explanation.is_member, explanation.is_behind) == (True, False)


def test_the_ledger_tells_why(ada: Contact, now: datetime):
    segment = plus(field("country", "is", "ES"))
    Transition.objects.filter(segment=segment).delete()
    causes = [
        (Cause.EDIT, "field:country, field:points", "Country, Points was edited"),
        (Cause.EDIT, "contact", "The contact was created"),
        (Cause.EVENT, "event:purchase", "An event came in: Purchased"),
        (Cause.LIST, "list:999", "The subscription to a list changed"),
        (Cause.SEGMENT, f"segment:{segment.pk}", "It entered or left the segment S"),
        (Cause.TIME, "", "Time passed: a condition came true, or no longer is"),
        (Cause.DEFINITION, "", "The conditions of the segment were changed"),
        (Cause.HAND, "Mara", "Mara did it by hand"),
        (Cause.HAND, "", "Somebody did it by hand"),
        (Cause.IMPORT, "shop.csv", "The import shop.csv did it"),
        (Cause.WORKFLOW, "Welcome", "The workflow Welcome did it"),
        (Cause.REFRESH, "", "The segment was refreshed"),
        (Cause.AUDIT, "", "The audit found a difference and repaired it"),
    ]
    Transition.objects.bulk_create(
        Transition(
            segment=segment,
            contact=ada,
            kind=(Transition.Kind.ENTERED, Transition.Kind.LEFT)[place % 2],
            at=NOW - timedelta(hours=place),
            cause=cause,
            detail=detail,
        )
        for place, (cause, detail, _reason) in enumerate(causes)
    )
    explanation = explain(segment, ada, now=NOW)
    assert [move.reason for move in explanation.moves] == [reason for _cause, _detail, reason in causes]
    assert [move.entered for move in explanation.moves[:3]] == [True, False, True]
    assert {cause for cause, _detail, _reason in causes} == set(Cause)
    assert not explanation.has_earlier


def test_a_static_segment_says_who_did_it(ada: Contact):
    segment = static("Friends", ada, now=NOW)
    later = NOW + timedelta(hours=1)
    remove(segment, Contact.objects.filter(pk=ada.pk), now=later, cause=Cause.HAND, detail="Luca")
    explanation = explain(segment, ada, now=later)
    assert (explanation.root, explanation.is_member, explanation.is_behind) == (None, False, False)
    told = [(move.entered, move.transition.at, move.reason) for move in explanation.moves]
    assert told == [(False, later, "Luca did it by hand"), (True, NOW, "Mara did it by hand")]


def test_the_ledger_is_bounded(ada: Contact):
    segment = static("Friends", now=NOW)
    Transition.objects.bulk_create(
        Transition(segment=segment, contact=ada, kind=Transition.Kind.ENTERED, at=NOW, cause=Cause.HAND)
        for _one in range(21)
    )
    explanation = explain(segment, ada, now=NOW)
    assert (len(explanation.moves), explanation.has_earlier) == (20, True)


def test_memberships_that_lag_behind_are_told(ada: Contact):
    segment = plus(field("country", "is", "ES"))
    definition = {"version": 1, "match": "all", "rules": [field("country", "is", "DE")]}
    save_segment(
        segment,
        name="S",
        description="",
        is_test=False,
        definition=definition,
        now=NOW,
        user=None,
        expected=token_of(segment),
    )
    explanation = explain(segment, ada, now=NOW)
    assert (explanation.is_member, explanation.is_behind) == (True, True)


@pytest.mark.parametrize(
    ("kind", "one", "three"),
    [("field", 4, 4), ("list", 6, 6), ("import", 6, 6), ("segment", 6, 6), ("event", 5, 7), ("sequence", 6, 10)],
)
def test_the_number_of_queries(ada: Contact, kind: str, one: int, three: int):
    friends = [static(name, now=NOW).pk for name in "ABC"]
    lists = [ContactList.objects.create(name=name).pk for name in "ABC"]
    imports = [Import.objects.create(name=name, created_at=NOW, started_at=NOW).pk for name in "ABC"]
    rules = {
        "field": [field("city", "is", name) for name in "ABC"],
        "list": [{"type": "list", "list": pk, "operator": "member"} for pk in lists],
        "import": [{"type": "import", "import": pk, "operator": "member"} for pk in imports],
        "segment": [{"type": "segment", "segment": pk, "operator": "member"} for pk in friends],
        "event": [event(value=count) for count in (1, 2, 3)],
        "sequence": [
            sequence(CART, BOUGHT, window={"kind": "last", "count": days, "unit": "days"}) for days in (70, 80, 90)
        ],
    }[kind]
    for number, expected in ((1, one), (3, three)):
        segment = Segment(pk=99, kind="dynamic_plus", definition={"match": "all", "rules": rules[:number]})
        with CaptureQueriesContext(
            connection,
        ) as queries:
            explain(segment, ada, now=NOW)
        assert len(queries) == expected


def test_everybody_of_a_segment_is_explained_as_the_segment_says():
    now = NOW
    people("Ana", "Luca", "Emma", now=now, city="Rome")
    people("Zoe", now=now)
    segment = dynamic("In Rome", field("city", "is", "rome"), now=now)
    assert {one.first_name: root_of(segment, one, now=now).met for one in Contact.objects.all()} == {
        "Ana": True,
        "Luca": True,
        "Emma": True,
        "Zoe": False,
    }
