"""Checking an import: everything that the run does, but nothing is written to contacts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts.fields import catalogue
from contacts.imports import refused
from contacts.imports.counts import Counts
from contacts.imports.drafting import UnderWay, opened_table
from contacts.imports.models import Import
from contacts.imports.options import require_ready
from contacts.imports.refused import Refusal
from contacts.imports.running import Clock, expected_rows, little_cache, rows_in_words
from contacts.imports.sources import in_batches
from contacts.imports.states import following
from contacts.imports.work import work_of
from crm import jobs
from crm.models import Job, User

JOB = "contacts.import_check"


def start(import_run: Import, *, user: User | None, now: datetime) -> Job:
    """Let the worker check a draft. Raises `NotReady`, and `UnderWay` when it is being checked or has begun."""
    require_ready(import_run, catalogue())
    with transaction.atomic():
        job = jobs.start(
            JOB,
            title=_("Check of %(name)s") % {"name": import_run.name},
            subject=f"import:{import_run.pk}",
            params={"import": import_run.pk},
            user=user,
            now=now,
        )
        drafts = Import.objects.filter(pk=import_run.pk, state__in=[Import.State.DRAFT, Import.State.CHECKED])
        if not drafts.update(state=Import.State.CHECKING, job=job, check_result=None, error=""):
            raise UnderWay(_("This import is being checked, or has begun already."))
    import_run.refresh_from_db()
    return job


def check_job(job: Job, *, now: datetime, clock: Clock = timezone.now) -> None:
    """Check the import of a job, from its first row on, and keep what was found as `check_result`.

    That is ``counts`` (as `Counts.as_json` gives them), ``reasons`` (how many rows were refused, by ``kind`` and
    ``column``, with the first as an ``example``), and the moment, ``at``.
    """
    with following(job, Import.State.CHECKING) as import_run, little_cache():
        if import_run is None:
            return
        counts, reasons = _check(import_run, job, clock=clock)
        result = {"counts": counts.as_json(), "reasons": reasons.as_json(), "at": clock().isoformat()}
        Import.objects.filter(pk=import_run.pk).update(state=Import.State.CHECKED, check_result=result)


def _check(import_run: Import, job: Job, *, clock: Clock) -> tuple[Counts, Reasons]:
    refused.forget(import_run)
    work = work_of(import_run, catalogue(), rehearsing=True)
    counts, reasons = Counts(), Reasons()
    with opened_table(import_run) as table:
        for batch in in_batches(table.rows(), settings.IMPORT_BATCH):
            found, refusals = work.write(work.read(batch), now=clock())
            refused.keep(import_run, refusals)
            reasons.add(refusals)
            counts += found
            import_run.rows = counts.rows
            jobs.progress(job, counts.rows, expected_rows(import_run, table), rows_in_words(counts.rows))
    return counts, reasons


class Reasons:
    """Why rows were refused, counted by kind and column."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], dict[str, Any]] = {}

    def add(self, refusals: list[Refusal]) -> None:
        for one in refusals:
            first = {"kind": one.kind, "column": one.column, "count": 0, "example": one.reason[:300]}
            found = self._found.setdefault((one.kind, one.column), first)
            found["count"] += 1

    def as_json(self) -> list[dict[str, Any]]:
        """The most frequent first."""
        return sorted(self._found.values(), key=lambda one: -one["count"])
