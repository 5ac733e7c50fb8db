from django.db import migrations

from contacts.typed_json import create_on_postgresql


class Migration(migrations.Migration):
    """A function on PostgreSQL that tells whether a value in JSON is a text."""

    dependencies = [('contacts', '0005_exports')]

    operations = [migrations.RunPython(create_on_postgresql, migrations.RunPython.noop)]
