"""Parts of the benchmark of imports: ``prepare``, ``bare``, ``check``, ``run`` and ``others``, each in its own process.

All find the file and the figures of the parts before in one folder.
"""

from __future__ import annotations

import csv
import json
import resource
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from django.db import connection, transaction

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(days=90)
ROWS_IN_ONE_TRANSACTION = 5_000
EXISTING, BAD = 5, 100  # every fifth contact is there, every hundredth row is bad
SEGMENTS = 20
FIRST_NAMES = ["Ana", "José", "Zoë", "Łukasz", "Özlem", "Mei", "Noah", "Emma", "Nkechi", "Søren"]
LAST_NAMES = ["García", "Müller", "Nowak", "Smith", "Okafor", "Rossi", "Şahin", "Silva", "Dubois", "Lindqvist"]
COUNTRIES = ["ES", "FR", "DE", "IT", "PL", "TR", "NG", "SE", "US", "BR"]
COLUMNS = ["external_id", "email", "first_name", "last_name", "date_of_birth", "gender", "language", "country"]
COLUMNS += ["city", "postal_code", "newsletter", "tier"]
TIERS = ["gold", "silver", "bronze"]

Row = list[str]


def main(part: str, folder: str, contacts: str) -> None:
    {"prepare": prepare, "bare": bare, "check": check, "run": run, "others": others}[part](Path(folder), int(contacts))


def rows(number: int, *, clean: bool = False) -> Iterator[Row]:
    """The rows of the file; bad ones have a date that does not exist."""
    random = Random(1)
    for index in range(number):
        born = datetime(1950, 1, 1, tzinfo=UTC) + timedelta(days=random.randrange(20_000))
        row = [f"C{index}", f"person{index}@example.com", random.choice(FIRST_NAMES), random.choice(LAST_NAMES)]
        row += [born.date().isoformat(), random.choice(["female", "male", "other"]), random.choice(["en", "es", "de"])]
        row += [random.choice(COUNTRIES), f"City {random.randrange(500)}", f"{random.randrange(99_999):05}"]
        row += [random.choice(["subscribed", "never"]), random.choice(TIERS)]
        if index % BAD == 0:
            if clean:
                continue
            row[4] = "1970-02-30"
        yield row


def prepare(folder: Path, number: int) -> None:
    """The file, the contacts that are there already, and live segments."""
    from django.core.management import call_command

    from contacts.models import ContactField
    from segments.models import Segment
    from segments.refresh import refresh_segment

    call_command("migrate", verbosity=0)
    options = [{"value": tier, "label": tier.title()} for tier in TIERS]
    ContactField.objects.create(key="tier", label="Tier", type="choice", options=options)
    with (folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows(number))
    write_bare((row for row in rows(number) if int(row[0][1:]) % EXISTING == 1), city="Elsewhere")
    forget_changes()
    for place, (name, definition) in enumerate(definitions().items()):
        segment = Segment.objects.create(name=f"{place} {name}", kind="dynamic", definition=definition)
        refresh_segment(segment, now=NOW)
    if connection.vendor == "postgresql":
        connection.cursor().execute("ANALYZE")


def definitions() -> dict[str, Any]:
    """Twenty definitions over the fields of the file."""

    def all_of(*rules: dict[str, Any]) -> dict[str, Any]:
        return {"version": 1, "match": "all", "rules": [{"type": "field", **rule} for rule in rules]}

    of_country = [all_of({"field": "country", "operator": "is", "value": country}) for country in COUNTRIES]
    of_tier = [all_of({"field": "custom.tier", "operator": "is", "value": tier}) for tier in TIERS]
    others = [
        all_of({"field": "newsletter", "operator": "is", "value": "subscribed"}),
        all_of({"field": "last_name", "operator": "starts_with", "value": "s"}),
        all_of({"field": "date_of_birth", "operator": "before", "value": "1970-01-01"}),
        all_of({"field": "city", "operator": "is", "value": "City 7"}),
        all_of({"field": "gender", "operator": "is_not", "value": "other"}),
        all_of(
            {"field": "language", "operator": "is", "value": "es"},
            {"field": "country", "operator": "is_any_of", "value": ["ES", "US"]},
        ),
        all_of({"field": "email", "operator": "ends_with", "value": "9@example.com"}),
    ]
    found = [*of_country, *of_tier, *others]
    assert len(found) == SEGMENTS
    return {f"Segment {place}": definition for place, definition in enumerate(found)}


def write_bare(ready: Iterator[Row], city: str = "") -> int:
    """Write rows with nothing but ``executemany`` or ``COPY``; the triggers of the change log are there."""
    columns = [*COLUMNS[:-1], "custom", "newsletter_at", "created_at", "updated_at", "phone", "region", "time_zone"]
    at = EARLIER.replace(tzinfo=None).isoformat(" ")
    marks = ", ".join(["%s"] * len(columns))
    written = 0
    while batch := [
        (*row[:8], city or row[8], *row[9:11], f'{{"tier": "{row[11]}"}}', at, at, at, "", "", "")
        for row in islice(ready, ROWS_IN_ONE_TRANSACTION)
    ]:
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY contacts_contact ({', '.join(columns)}) FROM STDIN") as copy:
                    for row in batch:
                        copy.write_row(row)
            else:
                cursor.executemany(f"INSERT INTO contacts_contact ({', '.join(columns)}) VALUES ({marks})", batch)
        written += len(batch)
    return written


def bare(folder: Path, number: int) -> None:
    """Write the clean rows of the file alone, and take them away again."""
    from benchmarks.meter import measured

    ready = list(rows(number, clean=True))
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept AS SELECT * FROM contacts_contact")
        cursor.execute("DELETE FROM contacts_contact")
        cursor.execute("DELETE FROM contacts_change")
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM FULL contacts_contact")
    with measured() as cost:
        written = write_bare(iter(ready))
    keep(folder, "bare", rows=written, seconds=cost.cpu / 1_000)
    restore()


def restore() -> None:
    from contacts.models import Contact

    columns = [f'"{field.column}"' for field in Contact._meta.concrete_fields if not field.generated]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM contacts_contact")
        cursor.execute(f"INSERT INTO contacts_contact ({', '.join(columns)}) SELECT {', '.join(columns)} FROM kept")
        cursor.execute("DROP TABLE kept")
        cursor.execute("DELETE FROM contacts_change")
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM FULL ANALYZE contacts_contact")
            cursor.execute("VACUUM ANALYZE contacts_change")


def forget_changes() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM contacts_change")


def check(folder: Path, number: int) -> None:
    import_run = draft(folder)
    job_of(folder, "check", import_run, number)


def run(folder: Path, number: int) -> None:
    """Run the import that was checked. Bringing the segments up to date is measured apart, too."""
    from contacts.models import Import

    job_of(folder, "run", Import.objects.get(), number)


def draft(folder: Path) -> Any:
    from django.core.files import File

    from contacts.imports import drafting

    path = folder / "people.csv"
    with path.open("rb") as file:
        import_run = drafting.begin(File(file, name="people.csv"), name="People", kind="contacts", user=None, now=NOW)
    import_run.mapping = [{"target": "custom.tier" if name == "tier" else name} for name in COLUMNS]
    import_run.options = import_run.options | {"match": "external_id", "overwrite": True}
    drafting.save_draft(import_run)
    return import_run


def job_of(folder: Path, part: str, import_run: Any, number: int) -> None:
    from benchmarks.meter import measured, use_one_process
    from contacts import changes
    from contacts.imports import checking, running
    from crm import jobs
    from crm.models import Job

    settling = {"seconds": 0.0}
    settle = changes.settle

    def measured_settle(**options: Any) -> None:
        with measured() as cost:
            settle(**options)
        settling["seconds"] = cost.cpu / 1_000

    changes.settle = measured_settle
    module, function = {"check": (checking, checking.check_job), "run": (running, running.import_job)}[part]
    use_one_process()
    started = module.start(import_run, user=None, now=NOW)
    Job.objects.filter(pk=started.pk).update(state=Job.State.RUNNING)
    job = Job.objects.get(pk=started.pk)
    with measured() as cost:
        function(job, now=NOW)
    jobs.finish(job, Job.State.DONE, now=NOW)
    import_run.refresh_from_db()
    counts = import_run.check_result["counts"] if part == "check" else import_run.counts
    assert counts["rows"] == number, counts
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    keep(folder, part, rows=number, seconds=cost.cpu / 1_000, settling=settling["seconds"], peak=peak, counts=counts)


def others(folder: Path, number: int) -> None:
    """The same file in django-import-export's own way: row by row, and in its batches."""
    import tablib
    from import_export import resources

    from benchmarks.meter import measured
    from contacts.models import Contact

    for name, use_bulk, most in (("row by row", False, 2_000), ("in batches", True, 5_000)):

        class Contacts(resources.ModelResource):
            class Meta:
                model = Contact
                import_id_fields = ["external_id"]
                fields = COLUMNS[:-1]
                use_bulk = name == "in batches"
                batch_size = 1_000
                skip_diff = name == "in batches"

        with (folder / "people.csv").open(encoding="utf-8", newline="") as file:
            lines = "".join(islice(file, min(most, number) + 1))
        data = tablib.Dataset().load(lines, format="csv")
        with transaction.atomic():
            with measured() as cost:
                Contacts().import_data(data, raise_errors=False)
            transaction.set_rollback(True)
        keep(folder, name, rows=len(data), seconds=cost.cpu / 1_000)
        assert use_bulk == Contacts._meta.use_bulk


def keep(folder: Path, part: str, **figures: Any) -> None:
    path = folder / "figures.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(known | {part: figures}))


if __name__ == "__main__":
    main(*sys.argv[1:])
