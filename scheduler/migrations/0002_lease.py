"""The one row by which schedulers agree on their leader; its lease is over, so the first one takes it."""

from datetime import UTC, datetime

from django.db import migrations


def create(apps, schema_editor):
    lease = apps.get_model("scheduler", "SchedulerLease")
    lease.objects.get_or_create(pk=1, defaults={"until": datetime(2000, 1, 1, tzinfo=UTC)})


class Migration(migrations.Migration):
    dependencies = [("scheduler", "0001_initial")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
