from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WorkflowsConfig(AppConfig):
    name = "workflows"
    verbose_name = _("Workflows")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from crm.jobs import PERIODIC, Periodic
        from workflows import nodes as nodes  # registers every kind

        PERIODIC.add(Periodic("workflows: work", "workflows.tasks.work", minutes=1))
