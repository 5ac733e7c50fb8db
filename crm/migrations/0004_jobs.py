import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from crm.roles import grant


def give_to_roles(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    grant(apps, "crm", using=schema_editor.connection.alias)


def know_the_old(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Nobody is told now of jobs that were over before."""
    jobs = apps.get_model("crm", "Job").objects.using(schema_editor.connection.alias)
    jobs.filter(state__in=["done", "failed"]).update(seen=True)


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0003_api_keys'),
    ]

    operations = [
        migrations.CreateModel(
            name='JobLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('text', models.TextField(verbose_name='text')),
            ],
            options={
                'verbose_name': "line of a job's log",
                'verbose_name_plural': "lines of jobs' logs",
                'ordering': ['id'],
            },
        ),
        migrations.AddField(
            model_name='job',
            name='attempts',
            field=models.PositiveSmallIntegerField(default=0, verbose_name='attempts'),
        ),
        migrations.AddField(
            model_name='job',
            name='cancel_requested_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='cancelling asked for'),
        ),
        migrations.AddField(
            model_name='job',
            name='claim',
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='job',
            name='queued_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='job',
            name='seen',
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name='job',
            name='speed',
            field=models.FloatField(blank=True, null=True, verbose_name='speed'),
        ),
        migrations.AddField(
            model_name='job',
            name='worker',
            field=models.CharField(blank=True, max_length=100, verbose_name='worker'),
        ),
        migrations.AlterField(
            model_name='job',
            name='state',
            field=models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='queued', max_length=16, verbose_name='state'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['user', 'id'], name='crm_job_user'),
        ),
        migrations.AddField(
            model_name='jobline',
            name='job',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='crm.job', verbose_name='job'),
        ),
        migrations.RunPython(know_the_old, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(give_to_roles, migrations.RunPython.noop, elidable=False),
    ]
