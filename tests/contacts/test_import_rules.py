"""Random files with random options over random contacts: the check, the run, and a plain reading of the rules agree."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.base import ContentFile
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from contacts.imports import drafting
from contacts.imports.models import ContactImport, Import
from contacts.models import Contact, ContactField, ContactList, ListMembership
from segments.models import Segment, Transition
from segments.refresh import audit, refresh_segment
from tests.contacts.import_rules import Somebody, World, follow
from tests.contacts.importing import checked, run
from tests.segments.comparing import undone

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
EARLIER = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = ["email", "external_id", "first_name", "city", "points", "tier", "newsletter", "list"]
FIELDS = ["email", "external_id", "first_name", "city", "points", "newsletter"]
NEWSLETTER = ["never", "subscribed", "unsubscribed", "pending"]

emails = st.sampled_from(["", "a@x.org", "A@X.org", "b@x.org", "c@x.org", "no email", " d@x.org "])
ids = st.sampled_from(["", "1", "2", "3", "4", " 4"])
rows = st.fixed_dictionaries(
    {
        "email": emails,
        "external_id": ids,
        "first_name": st.sampled_from(["", "Ana", "Zoë"]),
        "city": st.sampled_from(["", "Graz", "Łódź"]),
        "points": st.sampled_from(["", "0", "7", "x"]),
        "tier": st.sampled_from(["", "gold", "süß"]),
        "newsletter": st.sampled_from(["", *NEWSLETTER]),
        "list": st.sampled_from(["", "", "yes", "no", "perhaps"]),
    }
)
stored = st.fixed_dictionaries(
    {
        "email": st.sampled_from(["", "a@x.org", "b@x.org", "c@x.org", "d@x.org"]),
        "external_id": st.sampled_from(["", "1", "2", "3", "4"]),
        "first_name": st.sampled_from(["", "Ana"]),
        "city": st.sampled_from(["", "Graz"]),
        "points": st.sampled_from([0, 7]),
        "tier": st.sampled_from(["", "gold"]),
        "newsletter": st.sampled_from(NEWSLETTER),
        "subscribed": st.sampled_from([None, True, False]),
    }
)
options = st.fixed_dictionaries(
    {
        "match": st.sampled_from(["email", "external_id"]),
        "create": st.booleans(),
        "overwrite": st.booleans(),
        "empty": st.sampled_from(["keep", "erase"]),
        "lists": st.booleans(),
        "consent": st.booleans(),
        "resubscribe": st.booleans(),
    }
).filter(lambda chosen: chosen["create"] or chosen["overwrite"])


@pytest.fixture
def contact_list() -> ContactList:
    ContactField.objects.create(key="tier", label="Tier", type="text")
    return ContactList.objects.create(name="News")


@pytest.fixture
def chosen_segment() -> Segment:
    return Segment.objects.create(name="Chosen", kind="static", refreshed_at=EARLIER)


@hypothesis_settings(max_examples=40)
@given(
    people=st.lists(stored, max_size=5),
    content=st.lists(rows, max_size=14),
    chosen=options,
    batch=st.integers(1, 9),
)
def test_check_run_and_rules_agree(
    contact_list: ContactList,
    chosen_segment: Segment,
    settings: Any,
    people: Any,
    content: Any,
    chosen: Any,
    batch: int,
):
    settings.IMPORT_BATCH = batch
    with undone():
        before = store(people, contact_list)
        dynamic_segment()
        expected = follow(before, content, chosen)
        import_run = draft_of(content, chosen, contact_list, chosen_segment)
        untouched = snapshot()
        foreseen = checked(import_run, now=NOW)
        assert snapshot() == untouched, "a check changes nothing"
        foreseen_refusals = refusals(foreseen)
        done = run(foreseen, now=NOW)
        assert done.counts == foreseen.check_result["counts"]
        assert refusals(done) == foreseen_refusals == expected.refused
        assert stored_people(contact_list, chosen_segment) == people_of(expected)
        compare_counts(done, expected)
        assert {run.differences for run in audit(now=NOW)} <= {0}
        moves = Transition.objects.filter(at__gt=EARLIER).values_list("cause", "detail").distinct()
        assert set(moves) <= {("import", "x.csv")}


def store(people: list[dict[str, Any]], contact_list: ContactList) -> list[Somebody]:
    """Write those of the contacts whose keys are not taken."""
    found: list[Somebody] = []
    for one in people:
        subscribed = one["subscribed"]
        values = {name: value for name, value in one.items() if name != "subscribed"}
        taken = [other for other in found for key in ("email", "external_id") if other.values[key] == values[key] != ""]
        if taken:
            continue
        contact = Contact.objects.create(
            **{name: values[name] for name in FIELDS} | {"external_id": values["external_id"] or None},
            custom={"tier": values["tier"]} if values["tier"] else {},
            created_at=EARLIER,
            updated_at=EARLIER,
        )
        if subscribed is not None:
            at = None if subscribed else EARLIER
            contact.list_memberships.create(list=contact_list, subscribed_at=EARLIER, unsubscribed_at=at)
        found.append(Somebody(values, subscribed, contact.pk))
    return found


def dynamic_segment() -> None:
    rules = [{"type": "field", "field": "city", "operator": "is", "value": "Graz"}]
    definition = {"version": 1, "match": "all", "rules": rules}
    segment = Segment.objects.create(name="In Graz", kind="dynamic", definition=definition)
    refresh_segment(segment, now=EARLIER)


def draft_of(content: Any, chosen: Any, contact_list: ContactList, segment: Segment) -> Import:
    text = io.StringIO()
    writer = csv.DictWriter(text, [*COLUMNS, "note"])  # a row without anything would be passed over
    writer.writeheader()
    writer.writerows(row | {"note": "x"} for row in content)
    file = ContentFile(text.getvalue().encode(), name="x.csv")
    import_run = drafting.begin(file, name="x.csv", kind="contacts", user=None, now=NOW)
    targets = [*COLUMNS[:5], "custom.tier", "newsletter", f"list:{contact_list.pk}", ""]
    import_run.mapping = [{"target": target} for target in targets]
    import_run.options = chosen | {
        "lists": [contact_list.pk] if chosen["lists"] else [],
        "destinations": {"segment": segment.pk},
        "consent": {"newsletter": "subscribed", "source": "fair", "on": "2026-02-01"} if chosen["consent"] else None,
        "resubscribe": "they asked for it" if chosen["resubscribe"] else None,
    }
    drafting.save_draft(import_run)
    return import_run


def snapshot() -> list[Any]:
    tables = (Contact, ListMembership, ContactImport, Transition)
    return [list(model._default_manager.order_by("pk").values()) for model in tables]


def refusals(import_run: Import) -> list[tuple[int, str]]:
    return list(import_run.refused_rows.order_by("pk").values_list("line", "kind"))


def stored_people(contact_list: ContactList, segment: Segment) -> list[Any]:
    members = set(segment.members.values_list("pk", flat=True))
    memberships = ListMembership.objects.filter(list=contact_list).values_list("contact_id", "unsubscribed_at")
    subscribed = {contact_id: at is None for contact_id, at in memberships}
    return sorted(
        (
            tuple(
                (getattr(one, name) or "") if name in ("email", "external_id") else getattr(one, name)
                for name in FIELDS
            ),
            one.custom,
            str(subscribed.get(one.pk)),
            one.pk in members,
        )
        for one in Contact.objects.all()
    )


def people_of(world: World) -> list[Any]:
    return sorted(
        (
            tuple(one.values[name] for name in FIELDS),
            {"tier": one.values["tier"]} if one.values["tier"] else {},
            str(one.subscribed),
            one.segment,
        )
        for one in world.people
    )


def compare_counts(done: Import, expected: World) -> None:
    """A contact that rows change and change back is updated or unchanged, whether they share a batch or not."""
    known = [one for one in expected.people if one.id and one.written]
    assert done.created == sum(one.id is None for one in expected.people)
    assert done.updated + done.unchanged == len(known)
    assert sum(one.differs for one in known) <= done.updated <= sum(one.changed for one in known)
    assert (done.left, done.joined, done.refused) == (expected.left, expected.joined, len(expected.refused))
    came = set(ContactImport.objects.filter(import_run=done).values_list("contact_id", flat=True))
    assert {one.id for one in known} <= came
    assert len(came) == len(known) + done.created
