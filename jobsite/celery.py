"""The Celery application. Its choices and their reasons are in jobsite/settings.py."""

import os

from celery import Celery

from jobsite.seclusion import seclude_celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobsite.settings")

seclude_celery()

app = Celery("jobsite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add("jobs.execution.bootstep:AgentStep")
