from django.db import migrations, models


class Migration(migrations.Migration):
    """What the ledger shall name for the refresh that a segment waits for."""

    dependencies = [
        ('segments', '0007_facebook'),
    ]

    operations = [
        migrations.AddField(
            model_name='segment',
            name='refresh_cause',
            field=models.CharField(blank=True, choices=[('edit', 'Contact edited'), ('event', 'Event'), ('list', 'List subscription'), ('segment', 'Another segment'), ('time', 'Time passed'), ('definition', 'Definition changed'), ('hand', 'By hand'), ('import', 'Import'), ('workflow', 'Workflow'), ('refresh', 'Refresh'), ('audit', 'Repaired by audit')], max_length=16),
        ),
        migrations.AddField(
            model_name='segment',
            name='refresh_detail',
            field=models.CharField(blank=True, max_length=200),
        ),
    ]
