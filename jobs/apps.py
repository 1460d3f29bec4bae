"""Registers the app jobs with Django, and its system checks."""

from importlib import import_module

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class JobsConfig(AppConfig):
    """The app jobs."""

    name = "jobs"

    def ready(self) -> None:
        """Register the checks, and bound the waits of every session."""
        import_module("jobs.checks")
        connection_created.connect(import_module("jobs.contention").limit_waits)
