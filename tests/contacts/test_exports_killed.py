"""Workers that are killed in the middle of an export: the file is whole in the end, and never half there."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from random import Random
from time import monotonic

import pytest
from django.utils import timezone
from openpyxl import load_workbook

from contacts.exports.models import Export
from contacts.exports.snapshot import Snapshot
from contacts.lists import subscribe
from contacts.models import Contact, ContactList
from crm.models import Job, User
from tests.contacts.exporting import content, files, lines, started
from tests.contacts.import_processes import PATIENCE, kill_after, start_worker, take_back

pytestmark = pytest.mark.django_db(transaction=True)

EXPORTS = 20
CONTACTS = 60
MOST_KILLS = 2


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch, own_files: None) -> None:
    """Every chunk of five contacts asks for their lists, and tells how far it is."""
    monkeypatch.setattr(Snapshot.chunks, "__defaults__", (5,))
    monkeypatch.setattr("contacts.exports.running.BETWEEN_REPORTS", 0.0)


def emails_in(export: Export) -> Iterator[str]:
    if export.format == "jsonl":
        return (json.loads(line)["email"] for line in content(export).decode().splitlines())
    if export.format == "xlsx":
        rows = load_workbook(io.BytesIO(content(export)), read_only=True)["Export"].iter_rows(values_only=True)
        return (str(email) for email, _lists in list(rows)[1:])
    return (email for email, _lists in lines(export)[1:])


def write_with_kills(export: Export, seconds: float, random: Random) -> int:
    """Kill the worker at most `MOST_KILLS` times within the time that it takes; returns how often."""
    job = Job.objects.get(pk=export.job_id)
    for kills in range(MOST_KILLS):
        if not kill_after(start_worker(job), random.uniform(0, seconds)):
            return kills
        if export.key.hex in files():
            assert len(list(emails_in(export))) == CONTACTS
        take_back(job)
    worker = start_worker(job)
    worker.join(PATIENCE)
    assert worker.exitcode == 0
    return MOST_KILLS


def test_twenty_exports_whose_workers_are_killed(django_db_serialized_rollback: None, marketer: User) -> None:
    random, now = Random(11), timezone.now()
    Contact.objects.bulk_create(Contact(email=f"{number}@example.com") for number in range(CONTACTS))
    subscribe(ContactList.objects.create(name="News"), Contact.objects.all(), now=now)
    everybody = set(Contact.objects.values_list("email", flat=True))
    undisturbed = started(user=marketer, now=now, columns=("email", "lists"))
    begun = monotonic()
    start_worker(Job.objects.get(pk=undisturbed.job_id)).join(PATIENCE)
    seconds = monotonic() - begun
    done, kills = [undisturbed], 0
    for number in range(EXPORTS):
        export = started(
            user=marketer, now=now, columns=("email", "lists"), format=("csv", "xlsx", "jsonl")[number % 3]
        )
        kills += write_with_kills(export, seconds, random)
        done.append(export)
    assert kills >= EXPORTS // 4, "how many it hits depends on what else the machine does"
    for export in done:
        export.refresh_from_db()
        assert (export.state, export.rows, export.size) == (Export.State.READY, CONTACTS, len(content(export)))
        found = list(emails_in(export))
        assert (len(found), set(found)) == (CONTACTS, everybody)
    assert files() == {export.key.hex for export in done}
