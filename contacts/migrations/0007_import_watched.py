from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('contacts', '0006_text_in_json'),
    ]

    operations = [
        migrations.AddField(
            model_name='import',
            name='watched',
            field=models.BooleanField(default=False, editable=False),
        ),
    ]
