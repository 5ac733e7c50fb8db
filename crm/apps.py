from typing import Any

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.core.management import call_command
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = _("Muster")
    default_auto_field = "django.db.models.BigAutoField"
    default = True

    def ready(self) -> None:
        from crm.jobs import PERIODIC, Periodic

        PERIODIC.add(Periodic("jobs: sweep", "crm.tasks.sweep_jobs", minutes=1))
        PERIODIC.add(Periodic("jobs: clean up", "crm.tasks.remove_old_jobs", cron="15 3 * * *"))
        post_migrate.connect(make_cache_table, sender=self, dispatch_uid="crm.cache")


def make_cache_table(*, using: str, **_signal: Any) -> None:
    """Make the table of a cache in the database: background work is queued through it, also before the first start."""
    call_command("createcachetable", database=using, verbosity=0)


class MusterAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "crm.admin_site.MusterAdminSite"
