"""The wiring: settings, environment, Celery, URLs, embedded servers. It knows everyone; nobody imports it.

The Celery application is imported here so that every process that reads the settings publishes to our broker.
"""

from jobsite.celery import app as celery_app

__all__ = ["celery_app"]
