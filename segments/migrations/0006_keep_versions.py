from collections.abc import Iterator

from django.db import migrations
from django.db.models import Model

from crm.roles import grant


def keep_versions(apps, schema_editor):
    """The definition that each segment has, as its newest version; those before it were not kept."""
    alias = schema_editor.connection.alias
    segment_version = apps.get_model("segments", "SegmentVersion")
    segments = apps.get_model("segments", "Segment").objects.using(alias).exclude(kind="static")

    def versions() -> Iterator[Model]:
        for segment in segments.iterator():
            is_first = segment.version == 1
            yield segment_version(
                segment_id=segment.pk,
                version=segment.version,
                kind=segment.kind,
                definition=segment.definition,
                saved_at=segment.created_at if is_first else segment.updated_at,
                saved_by_id=segment.created_by_id if is_first else segment.updated_by_id,
            )

    segment_version.objects.using(alias).bulk_create(versions(), batch_size=500)


def grant_roles(apps, schema_editor):
    grant(apps, "segments", using=schema_editor.connection.alias)


class Migration(migrations.Migration):
    """What versions of segments hold from the beginning, and who may see them."""

    dependencies = [
        ("crm", "0002_roles"),
        ("segments", "0005_segment_version"),
    ]

    operations = [
        migrations.RunPython(keep_versions, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(grant_roles, migrations.RunPython.noop, elidable=False),
    ]
