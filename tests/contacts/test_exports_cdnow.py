"""The purchases of a real shop, brought in from files and taken out again: the same rows (see `test_cdnow`)."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command

from crm.models import User
from segments.editing import create_segment
from segments.models import Segment
from segments.refresh import refresh_segment
from tests.contacts.exporting import exported, lines

FOLDER = os.environ.get("MUSTER_CDNOW", "")

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not FOLDER, reason="MUSTER_CDNOW does not name the folder of the CDNOW files"),
]


def test_a_segment_and_its_purchases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_files: None, marketer: User, now: datetime
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path(FOLDER)
    call_command("import_contacts", str(folder / "customers.csv"), "--map", "customer_id=external_id")
    chosen = ["customer_id=external_id", "date=occurred_at", "amount=value", "quantity=properties.quantity"]
    call_command("import_events", str(folder / "purchases.csv"), "--type", "purchase", "--map", *chosen)

    purchases: dict[str, list[tuple[datetime, Decimal, int]]] = defaultdict(list)
    with (folder / "purchases.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            day = datetime.fromisoformat(row["date"]).replace(tzinfo=UTC)
            purchases[row["customer_id"]].append((day, Decimal(row["amount"]), int(row["quantity"])))
    regulars = {customer: done for customer, done in purchases.items() if len(done) >= 10}

    rule = {"type": "field", "field": "purchases_count", "operator": "at_least", "value": 10}
    definition = {"version": 1, "match": "all", "rules": [rule]}
    segment = create_segment(name="Regulars", kind=Segment.Kind.DYNAMIC, definition=definition, now=now)
    refresh_segment(segment, now=now)
    whose = {"whose": ["segment"], "segment": [str(segment.pk)]}

    columns = ("external_id", "purchases_count", "purchases_total", "first_purchase_at", "segments")
    head, *rows = lines(exported(user=marketer, now=now, rows=whose, columns=columns))
    assert head == ["External id", "Number of purchases", "Total of purchases", "First purchase", "Segments"]
    found = {row[0]: (int(row[1]), Decimal(row[2]), datetime.fromisoformat(row[3]), row[4]) for row in rows}
    assert found == {
        customer: (len(done), sum(amount for _day, amount, _quantity in done), min(done)[0], "Regulars")
        for customer, done in regulars.items()
    }

    columns = ("external_id", "occurred_at", "value", "properties.quantity")
    _head, *rows = lines(exported("events", user=marketer, now=now, rows=whose, columns=columns))
    written = [(row[0], datetime.fromisoformat(row[1]), Decimal(row[2]), int(row[3])) for row in rows]
    assert sorted(written) == sorted((customer, *one) for customer, done in regulars.items() for one in done)
