"""Registers the app jobs with Django, and its system checks."""

from importlib import import_module

from django.apps import AppConfig
from django.db import connection
from django.db.backends.signals import connection_created

from jobs import fault_actions


class JobsConfig(AppConfig):
    """The app jobs."""

    name = "jobs"

    def ready(self) -> None:
        """Register the checks, and bound the waits of every session."""
        import_module("jobs.checks")
        connection_created.connect(import_module("jobs.contention").limit_waits)
        fault_actions.drop_session = _drop_session


def _drop_session() -> None:
    """As if the server had gone: Django learns of it at its next query."""
    if connection.connection is not None:
        connection.connection.close()
