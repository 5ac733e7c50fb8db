"""The purchases of a real shop, brought in by the two commands and checked against plain Python over the files.

CDNOW: 23,570 customers and their 69,659 purchases from 1997-01-01 to 1998-06-30, published by Bruce Hardie and Peter
Fader for research. The files are not part of the project; MUSTER_CDNOW names the folder that holds them.
"""

import csv
import os
from collections import defaultdict
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.models import Sum

from contacts.models import Contact, Event

FOLDER = os.environ.get("MUSTER_CDNOW", "")

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.django_db,
    pytest.mark.skipif(not FOLDER, reason="MUSTER_CDNOW does not name the folder of the CDNOW files"),
]


def midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def test_cdnow(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Path(FOLDER)
    customers = [str(folder / "customers.csv"), "--map", "customer_id=external_id"]
    call_command("import_contacts", *customers)
    call_command("import_contacts", *customers)
    chosen = ["customer_id=external_id", "date=occurred_at", "amount=value", "quantity=properties.quantity"]
    call_command("import_events", str(folder / "purchases.csv"), "--type", "purchase", "--map", *chosen)

    history: dict[str, list[tuple[datetime, Decimal, int]]] = defaultdict(list)
    with (folder / "purchases.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            history[row["customer_id"]].append((midnight(row["date"]), Decimal(row["amount"]), int(row["quantity"])))
    expected = {}
    for customer, purchases in history.items():
        days, amounts, _quantities = zip(*purchases, strict=True)
        average = (sum(amounts) / len(amounts)).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        expected[customer] = (len(purchases), sum(amounts), average, min(days), max(days), min(days), max(days))
    fields = ("purchases_count", "purchases_total", "purchases_average", "first_purchase_at", "last_purchase_at")
    rows = Contact.objects.values_list("external_id", *fields, "first_seen_at", "last_seen_at")
    assert {customer: tuple(summary) for customer, *summary in rows} == expected

    assert Contact.objects.count() == 23_570
    assert Event.objects.count() == 69_659
    assert Event.objects.aggregate(total=Sum("value"))["total"].quantize(Decimal("0.01")) == Decimal("2500315.63")
    events = Event.objects.filter(type="purchase").values_list(
        "contact__external_id", "occurred_at", "value", "properties"
    )
    written = sorted((customer, day, amount, properties["quantity"]) for customer, day, amount, properties in events)
    assert written == sorted((customer, *purchase) for customer, purchases in history.items() for purchase in purchases)

    with (folder / "customers.csv").open(encoding="utf-8", newline="") as file:
        first_purchases = {row["customer_id"]: midnight(row["first_purchase_on"]) for row in csv.DictReader(file)}
    assert dict(Contact.objects.values_list("external_id", "first_purchase_at")) == first_purchases
