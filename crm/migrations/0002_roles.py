from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from crm.roles import grant


def make_roles(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    grant(apps, "auth", "contacts", "crm", "django_q", "segments", using=schema_editor.connection.alias)


class Migration(migrations.Migration):
    """The groups viewer, marketer and administrator, and what they may do. Groups stay when this is taken back:
    people may be in them.
    """

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contacts", "0001_initial"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("crm", "0001_initial"),
        ("django_q", "0007_ormq"),
        ("segments", "0001_initial"),
    ]

    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop, elidable=False)]
