"""Part of a benchmark: contacts written to a file in one way, by the bare database or as an export."""

import csv
import resource
from pathlib import Path

from django.db import connection

from benchmarks.meter import measured, on_cpu, use_one_process
from benchmarks.people import NOW
from contacts.exports import running
from contacts.exports.snapshot import Snapshot
from contacts.models import Export
from crm.models import Job, User

COLUMNS = {
    "email": "email",
    "external_id": "external_id",
    "first_name": "first_name",
    "last_name": "last_name",
    "phone": "phone",
    "date_of_birth": "date_of_birth",
    "country": "country",
    "city": "city",
    "newsletter": "newsletter",
    "created_at": "created_at",
    "purchases_total": "purchases_total",
    "custom.tier": "custom ->> 'tier'",
}
SELECT = f"SELECT {', '.join(COLUMNS.values())} FROM contacts_contact ORDER BY id"
FETCHED = 2_000


def main(way: str, place: str) -> None:
    """Print seconds of CPU and of the clock, the most memory in MB, and the size of the file in MB."""
    use_one_process()
    if way == "bare":
        with measured() as cost:
            write_bare(Path(place))
        size = Path(place).stat().st_size
    else:
        pk = started(way)
        servers: list[float] = []
        count_servers_of_snapshots(servers)
        with measured() as cost:
            size = write(pk)
        cost.server += sum(servers)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{cost.cpu / 1_000:.3f} {cost.wall / 1_000:.1f} {memory:.0f} {size / 1_000_000:.1f}")


def write_bare(place: Path) -> None:

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with place.open("wb") as file, cursor.copy(f"COPY ({SELECT}) TO STDOUT WITH (FORMAT csv, HEADER)") as copy:
                for data in copy:
                    file.write(data)
            return
        with place.open("w", encoding="utf-8", newline="") as plain:
            writer = csv.writer(plain)
            writer.writerow(COLUMNS)
            cursor.execute(SELECT)
            while rows := cursor.fetchmany(FETCHED):
                writer.writerows(rows)


def started(way: str) -> int:
    """An export that waits for a worker; its id."""
    format, _with, more = way.partition(" with ")
    user, _new = User.objects.get_or_create(username="benchmark", is_superuser=True)
    columns = [*COLUMNS, *(["lists", "segments"] if more else [])]
    options = {
        "delimiter": ["comma"],
        "encoding": ["utf-8"],
        "dates": ["iso"],
        "harmless": ["on"],
        "moments": ["exact"],
    }
    export = Export.objects.create(
        type="contacts",
        options={"whose": ["all"]},
        columns=columns,
        format=format,
        format_options=options,
        title="Contacts",
        user=user,
        created_at=NOW,
    )
    running.start(export, user=user, now=NOW)
    return export.pk


def write(pk: int) -> int:
    """Do the job; returns the size of the file."""
    export = Export.objects.get(pk=pk)
    running.export_job(Job.objects.get(pk=export.job_id), now=NOW)
    export.refresh_from_db()
    return export.size


def count_servers_of_snapshots(servers: list[float]) -> None:
    """Have every snapshot add what its own server process computed, in milliseconds, before it ends."""
    close = Snapshot.close

    def close_and_count(self: Snapshot) -> None:
        if connection.vendor == "postgresql":
            servers.append(on_cpu(self._connection.connection.info.backend_pid))
        close(self)

    Snapshot.close = close_and_count  # type: ignore[method-assign]
