from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WorkflowsConfig(AppConfig):
    name = "workflows"
    verbose_name = _("Workflows")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from contacts.personal_data import HOLDERS
        from crm.jobs import PERIODIC, Periodic
        from workflows import contact_data, uses
        from workflows import nodes as nodes  # registers every kind
        from workflows.site import contact_data as site_data
        from workflows.site import event_types

        uses.register()
        PERIODIC.add(Periodic("workflows: work", "workflows.tasks.work", minutes=1))
        PERIODIC.add(Periodic("workflows: deliver", "workflows.tasks.deliver", minutes=1))
        HOLDERS.add(contact_data.Runs())
        HOLDERS.add(site_data.WebContents())
        event_types.register()
