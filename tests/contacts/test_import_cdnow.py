"""A real shop through the wizard's own code: contacts, purchases as events, a segment, and an export equal to the file.

See `test_cdnow` for the files.
"""

from __future__ import annotations

import csv
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.files import File
from django.utils import timezone

from contacts.imports import drafting
from contacts.imports.models import ContactImport, Import
from contacts.models import Contact, Event
from crm.models import User
from segments.models import Cause, Segment, Transition
from segments.refresh import audit, refresh_segment
from tests.contacts.exporting import exported, lines
from tests.contacts.importing import checked, run

pytestmark = [pytest.mark.realdata, pytest.mark.django_db(transaction=True)]

CUSTOMERS, PURCHASES = 23_570, 69_659
REGULAR = 10


def imported(path: Path, *, now: datetime, kind: str, targets: dict[str, str], **options: object) -> Import:
    with path.open("rb") as file:
        import_run = drafting.begin(File(file, name=path.name), name=path.name, kind=kind, user=None, now=now)
    import_run.mapping = [{"target": targets.get(column, "")} for column in import_run.columns]
    import_run.options = import_run.options | options
    drafting.save_draft(import_run)
    foreseen = checked(import_run, now=now)
    done = run(foreseen, now=now)
    assert done.counts == foreseen.check_result["counts"]
    return done


def test_cdnow_in_and_out(cdnow: Path, marketer: User) -> None:
    now = timezone.now()
    rule = {"type": "field", "field": "purchases_count", "operator": "at_least", "value": REGULAR}
    regulars = Segment.objects.create(
        name="Regulars", kind="dynamic", definition={"version": 1, "match": "all", "rules": [rule]}
    )
    refresh_segment(regulars, now=now)

    contacts = {"customer_id": "external_id"}
    done = imported(cdnow / "customers.csv", now=now, kind="contacts", targets=contacts, match="external_id")
    assert (done.created, done.refused, Contact.objects.count()) == (CUSTOMERS, 0, CUSTOMERS)
    targets = contacts | {"date": "occurred_at", "amount": "value", "quantity": "property:quantity:number"}
    done = imported(cdnow / "purchases.csv", now=now, kind="events", targets=targets, event_type="purchase")
    assert (done.created, done.refused, Event.objects.count()) == (PURCHASES, 0, PURCHASES)
    assert ContactImport.objects.filter(import_run=done).count() == CUSTOMERS

    with (cdnow / "purchases.csv").open(encoding="utf-8", newline="") as file:
        bought = [
            (row["customer_id"], row["date"], Decimal(row["amount"]), row["quantity"]) for row in csv.DictReader(file)
        ]
    often: dict[str, int] = {}
    for customer, *_rest in bought:
        often[customer] = often.get(customer, 0) + 1
    expected = {customer for customer, number in often.items() if number >= REGULAR}
    assert set(regulars.members.values_list("external_id", flat=True)) == expected
    entered = Transition.objects.filter(segment=regulars, kind="entered")
    assert set(entered.values_list("cause", "detail")) == {(Cause.IMPORT, "purchases.csv")}
    assert entered.count() == len(expected)
    assert {one.differences for one in audit(now=now)} == {0}

    columns = ("external_id", "occurred_at", "value", "properties.quantity")
    _head, *rows = lines(exported("events", user=marketer, now=now, columns=columns))
    assert sorted((row[0], row[1][:10], Decimal(row[2]), row[3]) for row in rows) == sorted(bought)
