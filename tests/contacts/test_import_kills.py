"""Workers that are killed at random moments: whatever is left to do is done, and nothing twice."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.utils import timezone

from contacts.editing import update_contact
from contacts.imports import running
from contacts.imports.models import ContactImport, Import
from contacts.models import Contact, Event, ListMembership
from crm.models import Job
from segments.models import Membership, Segment, Transition
from segments.refresh import audit, refresh_segment
from tests.contacts.import_processes import PATIENCE, finish, kill_after, start_worker, take_back
from tests.contacts.importing import draft

pytestmark = pytest.mark.django_db(transaction=True)

IMPORTS = 20
ROWS = 60
BATCH = 5


@pytest.fixture(autouse=True)
def small_batches(settings: Any) -> None:
    settings.IMPORT_BATCH = BATCH


def test_twenty_imports_whose_workers_are_killed(django_db_serialized_rollback: None) -> None:
    """Ten of contacts, into a static segment and a list, and ten of events without keys, while a segment is live."""
    random = Random(7)
    now = timezone.now()
    chosen = Segment.objects.create(name="Chosen", kind="static", refreshed_at=now)
    definition = {
        "version": 1,
        "match": "all",
        "rules": [{"type": "field", "field": "city", "operator": "is", "value": "Graz"}],
    }
    in_graz = Segment.objects.create(name="In Graz", kind="dynamic", definition=definition)
    refresh_segment(in_graz, now=now)
    kills = 0
    for number in range(IMPORTS // 2):
        kills += import_contacts(number, chosen, random)
        kills += import_events(number, random)
    assert kills >= IMPORTS // 4, "mostly more than one each; it depends on what else the machine does"
    assert Contact.objects.count() == IMPORTS // 2 * (ROWS - ROWS // 10)
    assert Membership.objects.filter(segment=chosen).count() == Contact.objects.count()
    assert Transition.objects.filter(segment=chosen, kind="entered", cause="import").count() == Contact.objects.count()
    assert set(in_graz.members) == set(Contact.objects.filter(city="Graz"))
    assert {run.differences for run in audit(now=timezone.now())} <= {0}
    assert not ListMembership.objects.exists()


def import_contacts(number: int, chosen: Segment, random: Random) -> int:
    """Every tenth row is bad, every third contact is known and stays as it is."""
    now = timezone.now()
    known = [Contact(external_id=f"{number}-{row}", city="Linz") for row in range(0, ROWS, 3) if row % 10]
    Contact.objects.bulk_create(known)
    lines = [
        f"{number}-{row},{'no email' if row % 10 == 0 else ''},{'Graz' if row % 2 else 'Wien'}" for row in range(ROWS)
    ]
    import_run = draft(
        "\n".join(["external_id,email,city", *lines]),
        now=now,
        name=f"people {number}.csv",
        targets=["external_id", "email", "city"],
        match="external_id",
        overwrite=True,
        destinations={"segment": chosen.pk},
    )
    kills, done = run_with_kills(import_run, random)
    refused = list(done.refused_rows.order_by("pk").values_list("line", flat=True))
    assert refused == [row + 2 for row in range(0, ROWS, 10)]
    created = ROWS - ROWS // 10 - len(known)
    assert done.counts == counts(rows=ROWS, created=created, updated=len(known), refused=len(refused))
    came = ContactImport.objects.filter(import_run=done)
    assert (came.filter(created=True).count(), came.filter(created=False, changed=True).count()) == (
        created,
        len(known),
    )
    stored = Contact.objects.filter(external_id__startswith=f"{number}-").values_list("external_id", "city")
    assert sorted(stored) == sorted(
        (f"{number}-{row}", "Graz" if row % 2 else "Wien") for row in range(ROWS) if row % 10
    )
    return kills


def import_events(number: int, random: Random) -> int:
    """Of contacts that are there, and of some that are not."""
    now = timezone.now()
    lines = [f"{number}-{row},2026-01-01,{row}" for row in range(ROWS)]
    import_run = draft(
        "\n".join(["external_id,occurred_at,value", *lines]),
        now=now,
        kind="events",
        targets=["external_id", "occurred_at", "value"],
        event_type="purchase",
    )
    kills, done = run_with_kills(import_run, random)
    assert done.counts == counts(rows=ROWS, created=ROWS - ROWS // 10, refused=ROWS // 10)
    events = Event.objects.filter(contact__external_id__startswith=f"{number}-")
    values = sorted(int(value) for value in events.values_list("value", flat=True))
    assert values == [row for row in range(ROWS) if row % 10]
    assert set(events.values_list("contact__purchases_count", flat=True)) == {1}
    return kills


def run_with_kills(import_run: Import, random: Random) -> tuple[int, Import]:
    """Kill the worker up to three times, each time a little later, and then let one finish."""
    job = running.start(import_run, user=None, now=timezone.now() - timedelta(seconds=5))
    kills = 0
    for _attempt in range(3):
        if not kill_after(start_worker(job), random.uniform(0.02, 0.25)):
            break
        kills += 1
        take_back(job)
    job.refresh_from_db()
    if job.state == Job.State.DONE:
        return kills, Import.objects.get(pk=import_run.pk)
    return kills, finish(job)


def counts(**numbers: int) -> dict[str, int]:
    names = ("rows", "created", "updated", "unchanged", "left", "joined", "refused")
    return dict.fromkeys(names, 0) | numbers


def test_two_imports_at_once_and_edits_meanwhile(django_db_serialized_rollback: None) -> None:
    """The same people in two files, in opposite orders; somebody edits one of them all the time."""
    now = timezone.now()
    edited = Contact.objects.create(email="edited@x.org", created_at=now, updated_at=now)
    people = [f"p{row}@x.org,Graz" for row in range(ROWS)]
    files = [["edited@x.org,Graz", *people], [*reversed(people), "edited@x.org,Wien"]]
    imports = [draft("\n".join(["email,city", *lines]), now=now, overwrite=True) for lines in files]
    started = [running.start(import_run, user=None, now=now) for import_run in imports]
    workers = [start_worker(job) for job in started]
    edits = 0
    while any(worker.is_alive() for worker in workers) and edits < ROWS:
        edits += 1
        update_contact(edited, {"points": edits}, now=timezone.now())
    for worker in workers:
        worker.join(PATIENCE)
    first, second = Import.objects.order_by("pk")
    assert [first.state, second.state] == ["done", "done"], (first.error, second.error)
    assert first.created + second.created == ROWS
    assert first.unchanged + second.unchanged == ROWS
    assert (first.updated, second.updated) == (1, 1)
    assert sorted(Contact.objects.values_list("email", flat=True)) == sorted(
        ["edited@x.org", *(line.split(",")[0] for line in people)]
    )
    edited.refresh_from_db()
    assert (edited.points, edited.city in ("Graz", "Wien")) == (edits, True)
