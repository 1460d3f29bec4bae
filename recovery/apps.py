"""Registers the app recovery with Django, and its signal handlers."""

from importlib import import_module

from django.apps import AppConfig


class RecoveryConfig(AppConfig):
    """The app recovery."""

    name = "recovery"

    def ready(self) -> None:
        """Connect the handlers; Celery and the agent send their signals in the worker only."""
        import_module("recovery.signals")
