from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from crm.models import Job


def url_of_test(job: "Job") -> str:
    """The page that shows the test of a workflow as it happens."""
    return reverse("workflows:test_of", args=[job.params["workflow"], job.params["number"]])


class WorkflowsConfig(AppConfig):
    name = "workflows"
    verbose_name = _("Workflows")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from contacts.personal_data import HOLDERS
        from crm.jobs import KINDS, PERIODIC, Kind, Periodic
        from workflows import contact_data, contact_pages, testing, uses
        from workflows import nodes as nodes  # registers every kind
        from workflows.site import contact_data as site_data
        from workflows.site import event_types

        uses.register()
        contact_pages.register()
        KINDS.add(
            Kind(
                testing.TEST_JOB,
                testing.do_test,
                _("Test of a workflow"),
                cancellable=True,
                retryable=False,
                url=url_of_test,
            )
        )
        PERIODIC.add(Periodic("workflows: work", "workflows.tasks.work", minutes=1))
        PERIODIC.add(Periodic("workflows: deliver", "workflows.tasks.deliver", minutes=1))
        PERIODIC.add(Periodic("workflows: clean up", "workflows.tasks.clean_up", cron="45 3 * * *"))
        HOLDERS.add(contact_data.Runs())
        HOLDERS.add(site_data.WebContents())
        event_types.register()
