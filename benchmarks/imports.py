"""How fast contacts and events are imported, beside the bare writing of the same rows.

    python -m benchmarks.imports --contacts 100000 --database postgresql

``--only jobs`` measures the check and the run of an import as a worker does them, with live segments, and
django-import-export over the beginning of the same file; ``--only commands`` imports as the commands do them.

Bare writing is ``executemany`` on SQLite and ``COPY`` on PostgreSQL: rows that are ready go into the same tables, with
their indexes and the triggers of the change log, in transactions of the same size. The CPU time of both, the database
server's included, is taken in one run; the ratio is the figure.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import django

from benchmarks.parts import run_part, scratch_database
from tests.postgres_server import postgres_server

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
ROWS_IN_ONE_TRANSACTION = 5_000
EVENTS_PER_CONTACT = 3
FIRST_NAMES = ["Ana", "José", "Zoë", "Łukasz", "Özlem", "Mei", "Noah", "Emma", "Nkechi", "Søren"]
LAST_NAMES = ["García", "Müller", "Nowak", "Smith", "Okafor", "Rossi", "Şahin", "Silva", "Dubois", "Lindqvist"]
COUNTRIES = ["ES", "FR", "DE", "IT", "PL", "TR", "NG", "SE", "US", "BR"]
TIERS = ["gold", "silver", "bronze"]
CONTACT_COLUMNS = ["external_id", "email", "first_name", "last_name", "date_of_birth", "country", "city"]
CONTACT_COLUMNS += ["newsletter", "tier"]

Row = Sequence[Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--only", choices=["jobs", "commands"])
    options = parser.parse_args()
    if options.only != "commands":
        measure_jobs(options.database, options.contacts)
    if options.only != "jobs":
        measure_commands(options.database, options.contacts)


def measure_jobs(database: str, number: int) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="muster-benchmark-")))
        os.environ |= {"FILES_DIR": str(folder / "files")}
        address = stack.enter_context(scratch_database(database, None))
        for part in ("prepare", "bare", "check", "run", "others"):
            run_part(address, "import_parts", part, str(folder), str(number))
        figures = json.loads((folder / "figures.json").read_text())
    report_jobs(database, figures)


def report_jobs(database: str, figures: dict[str, Any]) -> None:
    def speed(part: str) -> float:
        return float(figures[part]["rows"] / figures[part]["seconds"])

    print(f"{database}, CPU time; {figures['run']['counts']}\n")
    print(f"{'':30} {'rows':>10} {'rows/s':>10} {'ratio to bare':>14} {'peak MB':>8}")
    for part in ("bare", "check", "run", "row by row", "in batches"):
        name = f"django-import-export {part}" if part in ("row by row", "in batches") else part
        peak = figures[part].get("peak")
        ratio = speed(part) / speed("bare")
        print(f"{name:30} {figures[part]['rows']:10,} {speed(part):10,.0f} {ratio:14.3f} {peak or 0:8,.0f}")
    run = figures["run"]
    print(
        f"\nSegments took {run['settling']:.1f} of the run's {run['seconds']:.1f} s; without them the ratio to bare is"
        f" {run['rows'] / (run['seconds'] - run['settling']) / speed('bare'):.2f}. The run is"
        f" {speed('run') / speed('row by row'):.1f} times as fast as django-import-export row by row, and"
        f" {speed('run') / speed('in batches'):.1f} times as in batches.\n",
        flush=True,
    )


def measure_commands(database: str, number: int) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="muster-benchmark-")))
        address = f"sqlite:///{folder}/muster.sqlite3"
        if database == "postgresql":
            address = stack.enter_context(postgres_server())
        os.environ |= {"DJANGO_SETTINGS_MODULE": "crm.settings", "DATABASE_URL": address, "CACHE_URL": "locmemcache://"}
        os.environ |= {"MUSTER_MODE": "development", "DEBUG": "false", "LOG_LEVEL": "WARNING", "TIME_ZONE": "UTC"}
        django.setup()
        report(database, measure(folder, number))


def measure(folder: Path, number: int) -> list[tuple[str, int, float, float]]:
    """What was written, how many rows, and the seconds of CPU that it took Muster and the bare writing."""
    from django.core.management import call_command
    from django.db import connection

    from contacts.models import ContactField

    call_command("migrate", verbosity=0)
    connection.close()
    connection.settings_dict["CONN_MAX_AGE"] = None  # one server process to measure
    options = [{"value": tier, "label": tier.title()} for tier in TIERS]
    ContactField.objects.create(key="tier", label="Tier", type="choice", options=options)

    people, moved = folder / "people.csv", folder / "moved.csv"
    write_csv(people, CONTACT_COLUMNS, made_up_contacts(number))
    write_csv(moved, CONTACT_COLUMNS, made_up_contacts(number, city="Elsewhere"))
    purchases, visits = folder / "purchases.csv", folder / "visits.csv"
    write_csv(purchases, ["external_id", "occurred_at", "value", "quantity"], made_up_events(number))
    write_csv(visits, ["external_id", "occurred_at", "value", "quantity"], made_up_events(number))

    bare_contacts = seconds(lambda: write_bare("contacts_contact", stored_contacts(number)))
    empty("contacts_contact")
    created = seconds(lambda: import_contacts_from(people))
    unchanged = seconds(lambda: import_contacts_from(people))
    updated = seconds(lambda: import_contacts_from(moved))
    events = number * EVENTS_PER_CONTACT
    bare_events = seconds(lambda: write_bare("contacts_event", stored_events(number)))
    empty("contacts_event")
    bought = seconds(lambda: import_events_from(purchases, "purchase"))
    visited = seconds(lambda: import_events_from(visits, "page_visit"))
    return [
        ("contacts created", number, created, bare_contacts),
        ("contacts updated", number, updated, bare_contacts),
        ("contacts unchanged", number, unchanged, bare_contacts),
        ("purchases", events, bought, bare_events),
        ("page visits", events, visited, bare_events),
    ]


def report(database: str, figures: list[tuple[str, int, float, float]]) -> None:
    print(f"{database}, CPU time\n\n{'':20} {'rows':>10} {'rows/s':>10} {'bare rows/s':>12} {'ratio':>6}")
    for name, rows, ours, bare in figures:
        print(f"{name:20} {rows:10,} {rows / ours:10,.0f} {rows / bare:12,.0f} {bare / ours:6.2f}")


def seconds(action: Callable[[], None]) -> float:
    from benchmarks.meter import measured

    with measured() as cost:
        action()
    return cost.cpu / 1_000


# Muster


def import_contacts_from(path: Path) -> None:
    from contacts.fields import catalogue
    from contacts.imports.contacts import import_contacts
    from contacts.imports.mapping import contact_targets, map_columns
    from contacts.imports.sources import detect, open_table

    with path.open("rb") as file:
        table, fields = open_table(file, detect(file, path.name)), catalogue()
        mapping = map_columns(table.columns, [], contact_targets(fields))
        import_contacts(table, mapping, fields, now=NOW, refuse=fail, progress=lambda done: None)


def import_events_from(path: Path, event_type: str) -> None:
    from contacts.imports.events import import_events
    from contacts.imports.mapping import EVENT_TARGETS, map_columns
    from contacts.imports.sources import detect, open_table

    with path.open("rb") as file:
        table = open_table(file, detect(file, path.name))
        mapping = map_columns(table.columns, [("quantity", "properties.quantity")], EVENT_TARGETS)
        import_events(table, mapping, now=NOW, refuse=fail, progress=lambda done: None, event_type=event_type)


def fail(row: Any, reason: str) -> None:
    raise AssertionError(f"line {row.line}: {reason}")


# Bare writing


def write_bare(table: str, rows: tuple[list[str], list[Row]]) -> None:
    from django.db import connection, transaction

    columns, ready = rows
    left = iter(ready)
    while batch := list(islice(left, ROWS_IN_ONE_TRANSACTION)):
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
                    for row in batch:
                        copy.write_row(row)
            else:
                marks = ", ".join(["%s"] * len(columns))
                cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", batch)


def empty(table: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}")
        cursor.execute("DELETE FROM contacts_change")
    connection.ensure_connection()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM FULL ANALYZE {table}")


# Data


def made_up_contacts(number: int, city: str = "") -> Iterator[Row]:
    random = Random(1)
    for index in range(number):
        first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
        born = datetime(1950, 1, 1, tzinfo=UTC) + timedelta(days=random.randrange(20_000))
        yield (
            *(f"C{index}", f"person{index}@example.com", first, last, born.date().isoformat()),
            *(random.choice(COUNTRIES), city or f"City {random.randrange(500)}"),
            *(random.choice(["subscribed", "never"]), random.choice(TIERS)),
        )


def made_up_events(number: int) -> Iterator[Row]:
    random = Random(2)
    for _index in range(number * EVENTS_PER_CONTACT):
        at = NOW - timedelta(seconds=random.randrange(365 * 86_400))
        amount = f"{random.randrange(500, 20_000) / 100:.2f}"
        yield f"C{random.randrange(number)}", at.isoformat(), amount, random.randrange(1, 5)


def stored_contacts(number: int) -> tuple[list[str], list[Row]]:
    """The columns of the contact table and rows for them, as an import would write the made-up contacts."""
    columns = [*CONTACT_COLUMNS[:-1], "custom", "newsletter_at", "created_at", "updated_at"]
    columns += ["phone", "gender", "language", "region", "postal_code", "time_zone"]
    at = NOW.replace(tzinfo=None).isoformat(" ")
    rows = []
    for *values, newsletter, tier in made_up_contacts(number):
        since = None if newsletter == "never" else at
        rows.append((*values, newsletter, f'{{"tier": "{tier}"}}', since, at, at, *[""] * 6))
    return columns, rows


def stored_events(number: int) -> tuple[list[str], list[Row]]:
    """The columns of the event table and rows for them; the contacts have been imported."""
    from contacts.models import Contact

    ids = dict(Contact.objects.values_list("external_id", "pk"))
    received = NOW.replace(tzinfo=None).isoformat(" ")
    rows = [
        (ids[person], "purchase", at.replace("T", " ").removesuffix("+00:00"), received, value, f'{{"quantity": {n}}}')
        for person, at, value, n in made_up_events(number)
    ]
    return ["contact_id", "type", "occurred_at", "received_at", "value", "properties"], rows


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
