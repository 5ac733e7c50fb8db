import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from crm.roles import grant


def grant_roles(apps, schema_editor):
    grant(apps, "segments", using=schema_editor.connection.alias)


class Migration(migrations.Migration):
    """The ad account, the audiences of segments, who is in them, and the record of what was sent."""

    dependencies = [
        ('contacts', '0005_exports'),
        ('crm', '0004_jobs'),
        ('segments', '0006_keep_versions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='FacebookAudience',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('account_id', models.CharField(max_length=32, verbose_name='ad account')),
                ('audience_id', models.CharField(max_length=32, verbose_name='audience')),
                ('name', models.CharField(max_length=255, verbose_name='name')),
                ('in_step', models.BooleanField(default=False, verbose_name='keep in step')),
                ('created_at', models.DateTimeField(verbose_name='created')),
                ('compared_at', models.DateTimeField(null=True, verbose_name='last compared')),
                ('segment', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='facebook_audiences', to='segments.segment', verbose_name='segment')),
            ],
            options={
                'verbose_name': 'Facebook audience',
                'verbose_name_plural': 'Facebook audiences',
                'ordering': ['name', 'id'],
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='FacebookConnection',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('account_id', models.CharField(max_length=32, verbose_name='ad account')),
                ('account_name', models.CharField(max_length=255, verbose_name='name of the ad account')),
                ('access_token', models.TextField()),
                ('app_secret', models.TextField(blank=True)),
                ('connected_at', models.DateTimeField(verbose_name='connected')),
                ('connected_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='connected by')),
            ],
            options={
                'verbose_name': 'Facebook connection',
                'verbose_name_plural': 'Facebook connections',
                'default_permissions': ('view', 'change'),
            },
        ),
        migrations.CreateModel(
            name='FacebookExport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('send', 'Sent'), ('step', 'Kept in step'), ('file', 'File downloaded')], max_length=8, verbose_name='what')),
                ('segment_name', models.CharField(blank=True, max_length=200, verbose_name='segment')),
                ('audience_name', models.CharField(blank=True, max_length=255, verbose_name='audience')),
                ('started_at', models.DateTimeField(verbose_name='started')),
                ('finished_at', models.DateTimeField(null=True, verbose_name='finished')),
                ('received', models.PositiveBigIntegerField(default=0, verbose_name='taken')),
                ('invalid', models.PositiveBigIntegerField(default=0, verbose_name='invalid')),
                ('removed', models.PositiveBigIntegerField(default=0, verbose_name='removed')),
                ('error', models.TextField(blank=True, verbose_name='error')),
                ('audience', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='exports', to='segments.facebookaudience')),
                ('job', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='crm.job', verbose_name='job')),
                ('segment', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='facebook_exports', to='segments.segment')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who')),
            ],
            options={
                'verbose_name': 'export to Facebook',
                'verbose_name_plural': 'exports to Facebook',
                'ordering': ['-id'],
                'default_permissions': ('view', 'add'),
            },
        ),
        migrations.CreateModel(
            name='FacebookMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.CharField(blank=True, max_length=64)),
                ('phone', models.CharField(blank=True, max_length=64)),
                ('external_id', models.CharField(blank=True, max_length=255)),
                ('fingerprint', models.CharField(blank=True, max_length=32)),
                ('contact_updated_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(null=True)),
                ('audience', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='members', to='segments.facebookaudience')),
                ('contact', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='facebook_memberships', to='contacts.contact')),
            ],
            options={
                'verbose_name': 'member of a Facebook audience',
                'verbose_name_plural': 'members of Facebook audiences',
                'ordering': ['-id'],
                'default_permissions': ('view',),
            },
        ),
        migrations.AddConstraint(
            model_name='facebookaudience',
            constraint=models.UniqueConstraint(fields=('audience_id',), name='segments_one_segment_per_facebook_audience', violation_error_message='Another segment fills this audience.'),
        ),
        migrations.AddConstraint(
            model_name='facebookconnection',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='segments_one_facebook_connection'),
        ),
        migrations.AddIndex(
            model_name='facebookexport',
            index=models.Index(fields=['segment', '-id'], name='segments_facebook_of_segment'),
        ),
        migrations.AddIndex(
            model_name='facebookexport',
            index=models.Index(fields=['audience', '-id'], name='segments_facebook_of_audience'),
        ),
        migrations.AddIndex(
            model_name='facebookmember',
            index=models.Index(condition=models.Q(('phone', ''), _negated=True), fields=['audience', 'phone'], name='segments_facebook_phone'),
        ),
        migrations.AddIndex(
            model_name='facebookmember',
            index=models.Index(fields=['audience', 'id'], name='segments_facebook_member_order'),
        ),
        migrations.AddConstraint(
            model_name='facebookmember',
            constraint=models.UniqueConstraint(fields=('audience', 'contact'), name='segments_facebook_member_once'),
        ),
        migrations.RunPython(grant_roles, migrations.RunPython.noop, elidable=False),
    ]
