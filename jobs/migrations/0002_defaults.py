"""The default partition and the two roles, so that a fresh platform takes jobs at once."""

from django.db import migrations


def create(apps, schema_editor):
    apps.get_model("jobs", "Partition").objects.get_or_create(name="default", defaults={"is_default": True})
    for role in ("operator", "viewer"):
        apps.get_model("auth", "Group").objects.get_or_create(name=role)


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
