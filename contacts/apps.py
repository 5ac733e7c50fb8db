from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class ContactsConfig(AppConfig):
    name = "contacts"
    verbose_name = _("Contacts")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from contacts import bulk, retention
        from contacts import contact_data as contact_data  # registers what it holds
        from contacts.changes import drop_import_triggers, install_triggers
        from contacts.exports import running as exports
        from contacts.folding import register_on_sqlite
        from contacts.imports import checking, undoing
        from contacts.imports import running as imports
        from contacts.imports.states import url_of as import_url
        from crm.jobs import KINDS, PERIODIC, Kind, Periodic

        KINDS.add(Kind(bulk.JOB, bulk.bulk_job, _("Action on many contacts"), cancellable=True, url=bulk.url_of))
        KINDS.add(
            Kind(
                retention.JOB, retention.removal_job, _("Removal of old events"), cancellable=True, url=retention.url_of
            )
        )
        KINDS.add(Kind(exports.JOB, exports.export_job, _("Export"), cancellable=True, url=exports.url_of))
        PERIODIC.add(Periodic("contacts: old exports", "contacts.exports.tasks.remove_old", minutes=60))
        KINDS.add(Kind(checking.JOB, checking.check_job, _("Check of an import"), cancellable=True, url=import_url))
        KINDS.add(Kind(imports.JOB, imports.import_job, _("Import"), cancellable=True, url=import_url))
        KINDS.add(Kind(undoing.JOB, undoing.undo_job, _("Undoing of an import"), url=import_url))
        PERIODIC.add(Periodic("contacts: imports", "contacts.imports.tasks.follow_jobs", minutes=1))
        PERIODIC.add(Periodic("contacts: old imports", "contacts.imports.tasks.remove_old", cron="30 3 * * *"))
        connection_created.connect(register_on_sqlite, dispatch_uid="contacts.folding")
        pre_migrate.connect(drop_import_triggers, sender=self, dispatch_uid="contacts.changes")
        post_migrate.connect(install_triggers, sender=self, dispatch_uid="contacts.changes")
