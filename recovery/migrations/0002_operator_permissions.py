"""What the group of operators may do in the admin. Whether a person gets there at all is their staff status.

Django makes permissions only after all migrations have run, so that this one makes them first.
"""

from django.contrib.auth.management import create_permissions
from django.db import migrations

VIEWED = {
    "jobs": ("job", "resourceallocation", "node", "nodelease", "partition", "jobevent", "nodeevent", "apitoken"),
    "scheduler": ("schedulerlease",),
    "recovery": ("recoveryrun", "recoveryaction"),
}
BEYOND_VIEWING = ("add_partition", "change_partition", "delete_apitoken")


def grant(apps, schema_editor):
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name="operator")
    permissions = apps.get_model("auth", "Permission").objects
    for label, names in VIEWED.items():
        config = apps.get_app_config(label)
        hidden, config.models_module = config.models_module, config.models_module or True
        create_permissions(config, apps=apps, verbosity=0)
        config.models_module = hidden
        wanted = [f"view_{name}" for name in names]
        group.permissions.add(*permissions.filter(content_type__app_label=label, codename__in=wanted))
    group.permissions.add(
        *permissions.filter(content_type__app_label="jobs", codename__in=BEYOND_VIEWING)
    )


class Migration(migrations.Migration):
    dependencies = [
        ("recovery", "0001_initial"),
        ("jobs", "0002_defaults"),
        ("scheduler", "0002_lease"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
