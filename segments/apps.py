from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from crm.models import Job


def url_of_segment(job: "Job") -> str:
    """The page of the segment that a job is about."""
    return reverse("segments:detail", args=[job.params["segment"]])


class SegmentsConfig(AppConfig):
    name = "segments"
    verbose_name = _("Segments")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from contacts.changes import READERS, Reader
        from contacts.exports.contact_rows import NAMES
        from contacts.exports.types import EXPORT_TYPES
        from contacts.imports.destinations import DESTINATIONS
        from contacts.personal_data import HOLDERS
        from contacts.retention import EVENT_READERS, LEDGERS
        from crm.jobs import KINDS, PERIODIC, Kind, Periodic
        from segments import contact_data, contact_pages, copying, editing, exporting, importing, refresh, retention
        from segments.facebook import contact_data as facebook_data
        from segments.facebook import in_step, sending
        from segments.facebook import uses as facebook_uses
        from segments.uses import USES

        HOLDERS.add(contact_data.Segments())
        HOLDERS.add(facebook_data.Audiences())
        USES.add(facebook_uses.SOURCE)
        contact_pages.register()
        NAMES.add(exporting.SegmentNames())
        EXPORT_TYPES.add(exporting.Segments())
        EXPORT_TYPES.add(exporting.Transitions())
        READERS.add(Reader("segments", refresh.at_commit, refresh.apply_changes, refresh.settle))
        DESTINATIONS.add(importing.StaticSegments())
        EVENT_READERS.add(retention.READER)
        LEDGERS.add(retention.LEDGER)
        KINDS.add(Kind(refresh.REFRESH_JOB, editing.refresh_job, _("Refresh of a segment"), url=url_of_segment))
        KINDS.add(
            Kind(copying.MEMBERS_JOB, copying.copy_members_job, _("Copy of a segment's members"), url=url_of_segment)
        )
        KINDS.add(Kind(sending.JOB, sending.send_job, _("Export to Facebook"), cancellable=True, url=sending.url_of))
        PERIODIC.add(Periodic("segments: changes", "segments.tasks.apply_changes", minutes=1))
        PERIODIC.add(Periodic("segments: time", "segments.tasks.apply_time", minutes=1))
        PERIODIC.add(Periodic("segments: audit", "segments.tasks.audit", cron="30 2 * * *"))
        PERIODIC.add(Periodic("segments: indexes", "segments.tasks.keep_indexes", minutes=15))
        PERIODIC.add(Periodic("segments: clean up", "segments.tasks.clean_up", cron="0 3 * * *"))
        PERIODIC.add(Periodic("segments: facebook", "segments.tasks.keep_facebook_in_step", minutes=in_step.EVERY))
