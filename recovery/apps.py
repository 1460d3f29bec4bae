"""Registers the app recovery with Django."""

from django.apps import AppConfig


class RecoveryConfig(AppConfig):
    """The app recovery."""

    name = "recovery"
