"""Running an import: in batches, each of which is there as a whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts import changes
from contacts.fields import catalogue
from contacts.imports import refused
from contacts.imports.counts import Counts
from contacts.imports.drafting import UnderWay, keep_mapping, opened_table
from contacts.imports.models import Import
from contacts.imports.options import require_ready
from contacts.imports.sources import Row, Table, in_batches
from contacts.imports.states import following
from contacts.imports.work import Work, work_of
from contacts.retention import grouped
from crm import jobs
from crm.models import Job, User

JOB = "contacts.import"
ATTEMPTS = 5
CACHE_KIBIBYTES = 32_768
MANY = 10_000  # rows from which on the database's statistics are gathered anew

Clock = Callable[[], datetime]


def start(import_run: Import, *, user: User | None, now: datetime) -> Job:
    """Let the worker import what a draft says. Raises `NotReady`, and `UnderWay` when it has begun already."""
    require_ready(import_run, catalogue())
    with transaction.atomic():
        job = jobs.start(
            JOB,
            title=_("Import of %(name)s") % {"name": import_run.name},
            subject=f"import:{import_run.pk}",
            params={"import": import_run.pk},
            user=user,
            now=now,
        )
        drafts = Import.objects.filter(pk=import_run.pk, state__in=[Import.State.DRAFT, Import.State.CHECKED])
        if not drafts.update(state=Import.State.RUNNING, job=job, started_at=now, error=""):
            raise UnderWay(_("This import has begun already."))
        refused.forget(import_run)
        keep_mapping(import_run, now=now)
    import_run.refresh_from_db()
    return job


def import_job(job: Job, *, now: datetime, clock: Clock = timezone.now) -> None:
    """Do what is left of the import of a job."""
    with following(job, Import.State.RUNNING) as import_run, little_cache():
        if import_run is not None:
            try:
                _write_rows(import_run, job, clock=clock)
                jobs.progress(job, import_run.rows, import_run.rows, rows_in_words(import_run.rows))
            except jobs.Cancelled:
                _settle(import_run, now=clock())
                raise
            _settle(import_run, now=clock())
            Import.objects.filter(pk=import_run.pk).update(state=Import.State.DONE, finished_at=clock())


@contextmanager
def little_cache() -> Iterator[None]:
    """On SQLite, let the connection keep less in memory than a page may: an import would fill whatever there is."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA cache_size")
        (usual,) = cursor.fetchone()
        cursor.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA cache_size = {int(usual)}")


def _write_rows(import_run: Import, job: Job, *, clock: Clock) -> None:
    """Write the rows that are not written yet. Each batch is one transaction, and so is the position behind it."""
    work = work_of(import_run, catalogue(), rehearsing=False)
    with opened_table(import_run) as table:
        for batch in in_batches(table.rows(skip=import_run.position), settings.IMPORT_BATCH):
            _write_batch(import_run, job, work, batch, clock=clock)
            import_run.refresh_from_db(fields=["position", "rows"])
            total = expected_rows(import_run, table)
            jobs.progress(job, import_run.rows, total, rows_in_words(import_run.rows))


def _write_batch(import_run: Import, job: Job, work: Work, batch: list[Row], *, clock: Clock) -> None:
    reading = work.read(batch)
    attempts = ATTEMPTS
    while True:
        attempts -= 1
        now = clock()
        try:
            with changes.recorded(now=now):
                jobs.hold(job)
                counts, refusals = work.write(reading, now=now)
                refused.keep(import_run, refusals)
                _add(import_run, counts, records=len(batch))
            return
        except OperationalError:
            # Two imports may wait for each other's new contacts; one of them is then turned away, and tries again.
            if not attempts or connection.in_atomic_block:
                raise


def _add(import_run: Import, counts: Counts, *, records: int) -> None:
    added = {name: F(name) + number for name, number in counts.as_json().items() if number}
    Import.objects.filter(pk=import_run.pk).update(position=F("position") + records, **added)


def _settle(import_run: Import, *, now: datetime) -> None:
    """Make right what depends on contacts."""
    import_run.refresh_from_db()
    if connection.vendor == "postgresql" and import_run.rows >= MANY:
        # Until the server does it by itself, it would plan as if there were no new rows.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE contacts_contact, contacts_contactimport, contacts_listmembership, contacts_event")
    changes.settle(now=now)


def expected_rows(import_run: Import, table: Table) -> int:
    """How many rows the file has: as the check counted them, else as what is read of it lets expect."""
    if import_run.check_result:
        return int(import_run.check_result["counts"]["rows"])
    done = table.done()
    return max(import_run.rows, round(import_run.rows / done)) if done else 0


def rows_in_words(number: int) -> str:
    """How many rows are done."""
    return ngettext("%(count)s row", "%(count)s rows", number) % {"count": grouped(number)}
