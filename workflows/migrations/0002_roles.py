from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from crm.roles import grant


def grant_roles(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    grant(apps, "workflows", using=schema_editor.connection.alias)


class Migration(migrations.Migration):
    """What the roles may do with workflows."""

    dependencies = [("workflows", "0001_initial"), ("crm", "0004_jobs")]

    operations = [migrations.RunPython(grant_roles, migrations.RunPython.noop, elidable=False)]
