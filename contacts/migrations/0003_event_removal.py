from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from crm.roles import grant


def give_to_roles(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    grant(apps, "contacts", using=schema_editor.connection.alias)


class Migration(migrations.Migration):
    """When old events were removed, and that administrators may do so."""

    dependencies = [
        ('contacts', '0002_list_current_index'),
        ('crm', '0002_roles'),
    ]

    operations = [
        migrations.CreateModel(
            name='EventRemoval',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('before', models.DateTimeField(verbose_name='events from before')),
                ('begun_at', models.DateTimeField(verbose_name='begun')),
                ('removed', models.PositiveBigIntegerField(default=0, verbose_name='events removed')),
            ],
            options={
                'verbose_name': 'removal of events',
                'verbose_name_plural': 'removals of events',
                'ordering': ['-id'],
            },
        ),
        migrations.RunPython(give_to_roles, migrations.RunPython.noop, elidable=False),
    ]
