"""What the group of operators may do in the admin. Who gets there at all is decided by the staff status."""

from typing import Any, Final

from django.apps import apps as global_apps

from jobs.models.roles import OPERATORS

VIEWED: Final = {
    "jobs": (
        "job",
        "resourceallocation",
        "node",
        "nodelease",
        "partition",
        "jobevent",
        "nodeevent",
        "apitoken",
    ),
    "scheduler": ("schedulerlease",),
    "recovery": ("recoveryrun", "recoveryaction"),
}
BEYOND_VIEWING: Final = ("add_partition", "change_partition", "delete_apitoken")


def grant(apps: Any = global_apps, **_: Any) -> None:
    """Give the group its permissions, once they are there. Django makes them after all migrations.

    `manage.py flush` announces the same without saying which apps.
    """
    group, _new = apps.get_model("auth", "Group").objects.get_or_create(name=OPERATORS)
    permissions = apps.get_model("auth", "Permission").objects
    for label, names in VIEWED.items():
        viewing = [f"view_{name}" for name in names]
        group.permissions.add(*permissions.filter(content_type__app_label=label, codename__in=viewing))
    beyond = permissions.filter(content_type__app_label="jobs", codename__in=BEYOND_VIEWING)
    group.permissions.add(*beyond)
