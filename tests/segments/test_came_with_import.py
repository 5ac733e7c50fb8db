"""Conditions on imports: who came with one, kept right by change, in words, and the filter of the contact list."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts import changes
from contacts.deletion import delete_contacts
from contacts.models import Change, Contact, ContactImport, Import
from segments.causes import causes_of, reasons_of
from segments.compiler import describe, validate
from segments.faults import DefinitionError
from segments.models import Cause, Membership, Segment, Transition
from segments.refresh import apply_changes, refresh_segment
from tests.segments import definitions
from tests.segments.asking import holding
from tests.segments.comparing import DEEP, account_time_zone, matched, new_segment, read, refreshed, undone
from tests.segments.pages import people
from tests.segments.processes import eventually
from tests.segments.records import contacts_as_read

pytestmark = pytest.mark.django_db


@pytest.fixture
def spring(now: datetime) -> Import:
    return Import.objects.create(name="spring.csv", state="done", created_at=now, started_at=now)


def came(import_run: Import, *contacts: Contact, now: datetime, created: bool = False) -> None:
    with changes.recorded(now=now):
        ContactImport.objects.bulk_create(
            ContactImport(import_run=import_run, contact=one, created=created, changed=False, written_at=now)
            for one in contacts
        )


def rule(import_run: Import, operator: str = "member") -> dict[str, Any]:
    return {"type": "import", "import": import_run.pk, "operator": operator}


def definition(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "match": "all", "rules": list(rules)}


def names(segment: Segment) -> set[str]:
    return set(Contact.objects.filter(memberships__segment=segment).values_list("first_name", flat=True))


def test_who_came_and_who_did_not(spring: Import, now: datetime):
    autumn = Import.objects.create(name="autumn.csv", created_at=now, started_at=now)
    one, two, three = (Contact.objects.create(external_id=name) for name in ("one", "two", "three"))
    came(spring, one, two, now=now)
    came(autumn, two, three, now=now)
    assert holding(rule(spring), now=now) == {"one", "two"}
    assert holding(rule(spring, "not_member"), now=now) == {"three"}
    assert holding(rule(spring), rule(autumn), now=now) == {"two"}
    assert holding(rule(spring), rule(autumn), match="none", now=now) == set()


def test_members_follow_who_comes_and_goes(spring: Import, now: datetime, django_capture_on_commit_callbacks):
    ana, luca, emma = people("Ana", "Luca", "Emma", now=now)
    came(spring, ana, now=now)
    inside, outside = new_segment(definition(rule(spring))), new_segment(definition(rule(spring, "not_member")))
    assert (refreshed(inside, now=now), refreshed(outside, now=now)) == ({ana.pk}, {luca.pk, emma.pk})
    with django_capture_on_commit_callbacks(execute=True):
        came(spring, luca, now=now)
    assert (names(inside), names(outside)) == ({"Ana", "Luca"}, {"Emma"})
    with django_capture_on_commit_callbacks(execute=True), changes.recorded(now=now):
        ContactImport.objects.filter(contact=ana).delete()
    assert (names(inside), names(outside)) == ({"Luca"}, {"Ana", "Emma"})
    with django_capture_on_commit_callbacks(execute=True):
        delete_contacts(Contact.objects.filter(pk=luca.pk), now=now)
    assert (names(inside), names(outside)) == (set(), {"Ana", "Emma"})
    assert not Change.objects.exists()


def test_only_imports_that_somebody_asks_for_are_logged(spring: Import, now: datetime):
    ana, luca = people("Ana", "Luca", now=now)
    Change.objects.all().delete()
    came(spring, ana, now=now)
    ContactImport.objects.all().delete()
    assert not Change.objects.exists()
    changes.watch_imports([spring.pk])
    came(spring, ana, luca, now=now)
    ContactImport.objects.update(changed=True)
    ContactImport.objects.filter(contact=luca).delete()
    logged = sorted(Change.objects.values_list("contact_id", "key"))
    key = f"import:{spring.pk}"
    assert logged == [(ana.pk, key), (luca.pk, key), (luca.pk, key)]


def test_a_refresh_watches_the_imports_that_it_reads(spring: Import, now: datetime):
    segment = new_segment(definition(rule(spring)))
    refresh_segment(segment, now=now)
    spring.refresh_from_db()
    assert spring.watched


@pytest.mark.django_db(transaction=True)
def test_nobody_is_missed_between_an_import_and_a_first_refresh(spring: Import, now: datetime):
    """A batch is under way when somebody begins to watch: they wait for it, and read what it wrote."""
    if connection.vendor == "sqlite":
        return  # there writers come one after the other
    ana = Contact.objects.create(first_name="Ana")
    segment = new_segment(definition(rule(spring)))
    written, seen_waiting = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            ContactImport.objects.create(
                import_run=spring, contact=ana, created=False, changed=False, written_at=timezone.now()
            )
            written.set()
            assert seen_waiting.wait(30)
        connection.close()

    def refresh() -> None:
        refresh_segment(segment, now=now)
        connection.close()

    writer, refresher = threading.Thread(target=write), threading.Thread(target=refresh)
    writer.start()
    assert written.wait(30)
    refresher.start()
    eventually(is_waiting, "the refresh waits for the batch")
    seen_waiting.set()
    writer.join()
    refresher.join()
    assert names(segment) == {"Ana"}


def is_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def test_tables_can_be_altered_although_triggers_read_them(transactional_db: None, spring: Import):
    """As migrations do: on SQLite a table is made anew, which a trigger of another one that reads it would forbid."""
    changes.drop_import_triggers()
    field = Import._meta.get_field("name")
    with connection.schema_editor() as editor:
        editor.alter_field(Import, field, _longer(field, 300), strict=True)
    with connection.schema_editor() as editor:
        editor.alter_field(Import, _longer(field, 300), field, strict=True)
    changes.install_triggers()
    changes.watch_imports([spring.pk])
    came_with = {"import_run": spring, "created": False, "changed": False, "written_at": spring.created_at}
    ContactImport.objects.create(contact=Contact.objects.create(), **came_with)
    assert Change.objects.filter(key=f"import:{spring.pk}").count() == 1
    assert Import.objects.get().name == "spring.csv"


def _longer(field: Any, length: int) -> Any:
    longer = field.clone()
    longer.max_length = length
    longer.set_attributes_from_name(field.name)
    longer.model = field.model
    return longer


@settings(max_examples=15 * DEEP)
@given(data=st.data())
def test_random_definitions_over_random_imports(data: st.DataObject):
    """By the query, in full and by change, alone and together with segments, as the plain reading has it."""
    now = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
    with undone(), account_time_zone("UTC"):
        contacts = [Contact.objects.create().pk for _ in range(5)]
        imports = [Import.objects.create(name=name, created_at=now, started_at=now).pk for name in "ABC"]
        pairs = st.sets(st.tuples(st.sampled_from(imports), st.sampled_from(contacts)))
        write(data.draw(pairs), now=now)
        segments: list[Segment] = []
        for _ in range(data.draw(st.integers(1, 3))):
            rules = [definitions.import_rules(imports)]
            rules += [definitions.segment_rules([one.pk for one in segments])] if segments else []
            drawn = data.draw(definitions.dynamic_plus(st.one_of(*rules)))
            segment = new_segment(validate(drawn, kind=Segment.Kind.DYNAMIC_PLUS))
            expected = read(segment.conditions, contacts_as_read(), now=now)
            assert matched(segment.conditions, now=now) == expected
            assert refreshed(segment, now=now) == expected
            segments.append(segment)
        write(data.draw(pairs), now=now)
        apply_changes(now=now)
        for segment in segments:
            assert members_of(segment) == read(segment.conditions, contacts_as_read(), now=now)


def write(pairs: set[tuple[int, int]], *, now: datetime) -> None:
    """Make who came with which import be exactly this."""
    for row in ContactImport.objects.all():
        if (row.import_run_id, row.contact_id) in pairs:
            pairs.remove((row.import_run_id, row.contact_id))
        else:
            row.delete()
    for import_id, contact_id in pairs:
        ContactImport.objects.create(
            import_run_id=import_id, contact_id=contact_id, created=False, changed=False, written_at=now
        )


def members_of(segment: Segment) -> set[int]:
    return set(Membership.objects.filter(segment=segment).values_list("contact_id", flat=True))


# In words


def test_the_sentence(spring: Import):
    text = describe(definition(rule(spring), rule(spring, "not_member")))
    assert "they came with the import spring.csv" in text
    assert "they did not come with the import spring.csv" in text


def test_why_somebody_entered(spring: Import, now: datetime, django_capture_on_commit_callbacks):
    [ana] = people("Ana", now=now)
    segment = new_segment(definition(rule(spring)))
    refresh_segment(segment, now=now)
    with django_capture_on_commit_callbacks(execute=True):
        came(spring, ana, now=now)
    transition = Transition.objects.get(segment=segment)
    assert (transition.cause, transition.detail) == (Cause.IMPORT, f"import:{spring.pk}")
    assert causes_of([transition]) == {transition.pk: "Import: spring.csv"}
    assert reasons_of([transition]) == {transition.pk: "The import spring.csv did it"}
    transition.detail = "import: of May, 2"
    assert causes_of([transition]) == {transition.pk: "Import: import: of May, 2"}


def test_an_import_that_is_gone(spring: Import, now: datetime):
    segment = new_segment(definition(rule(spring)))
    spring.delete()
    with pytest.raises(DefinitionError, match="import that was deleted"):
        refresh_segment(segment, now=now)
    assert "(deleted)" in describe(definition(rule(spring) | {"import": 99}))


# The pages


def test_the_editor_offers_imports_of_contacts_that_were_begun(marketer_client: Client, spring: Import, now: datetime):
    Import.objects.create(name="draft.csv", created_at=now)
    Import.objects.create(name="orders.csv", kind="events", created_at=now, started_at=now)
    segment = new_segment(definition(rule(spring, "not_member")), "Not in spring")
    refresh_segment(segment, now=now)
    text = marketer_client.get(f"/segments/{segment.pk}/edit/").text
    assert f'<option value="{spring.pk}" selected>spring.csv</option>' in text
    assert "did not come with the import" in text
    assert "draft.csv" not in text
    assert "orders.csv" not in text


def test_the_contact_list_shows_who_came(marketer_client: Client, viewer_client: Client, spring: Import, now: datetime):
    ana, _luca = people("Ana", "Luca", now=now)
    came(spring, ana, now=now)
    page = marketer_client.get("/contacts/", {"import": spring.pk})
    assert ("Ana" in page.text, "Luca" in page.text, "spring.csv" in page.text) == (True, False, True)
    page = viewer_client.get("/contacts/", {"import": spring.pk})
    assert ("Ana" in page.text, "Luca" in page.text, "spring.csv" in page.text) == (True, True, False)
