import django.db.models.deletion
from django.db import migrations, models

from crm.roles import grant


def grant_roles(apps, schema_editor):
    grant(apps, "campaigns", using=schema_editor.connection.alias)


class Migration(migrations.Migration):
    """Contents of emails, and each email to one contact."""

    initial = True

    dependencies = [
        ('contacts', '0008_arrivals'),
        ('crm', '0004_jobs'),
    ]

    operations = [
        migrations.CreateModel(
            name='Content',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(editable=False, max_length=64, unique=True)),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('source', models.CharField(blank=True, max_length=100, verbose_name='source')),
                ('workflow', models.CharField(blank=True, max_length=200, verbose_name='workflow')),
                ('kind', models.CharField(choices=[('newsletter', 'Newsletter: only to subscribers'), ('transactional', 'Transactional: what the contact asked for or must know')], default='newsletter', max_length=16, verbose_name='kind')),
                ('subject', models.CharField(max_length=500, verbose_name='subject')),
                ('preheader', models.CharField(blank=True, max_length=500, verbose_name='preheader')),
                ('body', models.TextField(verbose_name='body')),
                ('sender_name', models.CharField(blank=True, max_length=200, verbose_name='sender name')),
                ('reply_to', models.EmailField(blank=True, max_length=254, verbose_name='reply to')),
                ('created_at', models.DateTimeField(verbose_name='created')),
            ],
            options={
                'verbose_name': 'content of emails',
                'verbose_name_plural': 'contents of emails',
                'ordering': ['-id'],
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['source'], name='campaigns_content_source')],
            },
        ),
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=100, unique=True, verbose_name='key')),
                ('to', models.EmailField(blank=True, max_length=254, verbose_name='to')),
                ('event_id', models.BigIntegerField(null=True, verbose_name='event')),
                ('values', models.JSONField(blank=True, default=dict, verbose_name='values')),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('sending', 'Being sent'), ('sent', 'Sent'), ('skipped', 'Skipped'), ('failed', 'Failed'), ('in_doubt', 'In doubt')], default='queued', max_length=16, verbose_name='state')),
                ('reason', models.CharField(blank=True, choices=[('', '–'), ('no_email', 'The contact has no email address.'), ('bounced', 'Emails to the address came back.'), ('complained', 'The contact marked an email as spam.'), ('unsubscribed', 'The contact does not subscribe to the newsletter.'), ('capped', 'The contact has received as many emails today as one may.'), ('refused', 'The mail server refused it for good.'), ('gave_up', 'The mail server put it off too often.'), ('not_rendered', "The content cannot be filled with the contact's values."), ('left', 'It may have been sent; somebody decided to leave it.')], max_length=16, verbose_name='reason')),
                ('detail', models.TextField(blank=True, verbose_name='detail')),
                ('priority', models.PositiveSmallIntegerField(default=1, verbose_name='priority')),
                ('due_at', models.DateTimeField(verbose_name='due')),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('claim', models.UUIDField(editable=False, null=True)),
                ('claimed_at', models.DateTimeField(editable=False, null=True)),
                ('created_at', models.DateTimeField(verbose_name='created')),
                ('sent_at', models.DateTimeField(null=True, verbose_name='sent')),
                ('opened_at', models.DateTimeField(null=True, verbose_name='opened')),
                ('clicked_at', models.DateTimeField(null=True, verbose_name='clicked')),
                ('bounced_at', models.DateTimeField(null=True, verbose_name='bounced')),
                ('recorded', models.BooleanField(default=False, editable=False, verbose_name='recorded as event')),
                ('is_test', models.BooleanField(default=False, verbose_name='test')),
                ('contact', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='contacts.contact', verbose_name='contact')),
                ('content', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='campaigns.content')),
            ],
            options={
                'verbose_name': 'message',
                'verbose_name_plural': 'messages',
                'ordering': ['-id'],
                'default_permissions': ('view', 'change'),
                'indexes': [models.Index(fields=['contact', 'created_at'], name='campaigns_message_contact'), models.Index(condition=models.Q(('state', 'queued')), fields=['priority', 'due_at', 'id'], name='campaigns_message_due'), models.Index(condition=models.Q(('state', 'sending')), fields=['claimed_at'], name='campaigns_message_sending'), models.Index(condition=models.Q(('state', 'in_doubt')), fields=['id'], name='campaigns_message_in_doubt'), models.Index(condition=models.Q(('recorded', False), ('state', 'sent')), fields=['id'], name='campaigns_message_to_record'), models.Index(condition=models.Q(('sent_at__isnull', False)), fields=['sent_at'], name='campaigns_message_sent')],
            },
        ),
        migrations.RunPython(grant_roles, migrations.RunPython.noop, elidable=False),
    ]
