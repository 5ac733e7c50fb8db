from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = _("Campaigns")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from campaigns import contact_data
        from contacts.personal_data import HOLDERS
        from crm.jobs import PERIODIC, Periodic

        HOLDERS.add(contact_data.Emails())
        PERIODIC.add(Periodic("campaigns: send", "campaigns.tasks.send", minutes=1))
