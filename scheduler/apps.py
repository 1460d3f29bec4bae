"""Registers the app scheduler with Django."""

from django.apps import AppConfig


class SchedulerConfig(AppConfig):
    """The app scheduler."""

    name = "scheduler"
