"""Registers the app recovery with Django, and its signal handlers."""

from importlib import import_module

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class RecoveryConfig(AppConfig):
    """The app recovery."""

    name = "recovery"

    def ready(self) -> None:
        """Connect the handlers; Celery and the agent send their signals in the worker only."""
        import_module("recovery.signals")
        operators = import_module("recovery.operators")
        # By the time of auth's own turn, the permissions of our apps, which stand before it, are there.
        post_migrate.connect(operators.grant, sender=apps.get_app_config("auth"))
