"""Registers the app jobs with Django, and its system checks."""

from importlib import import_module

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """The app jobs."""

    name = "jobs"

    def ready(self) -> None:
        """Register the checks."""
        import_module("jobs.checks")
