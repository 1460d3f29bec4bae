"""Registers the platform's own admin with Django, in the place of django.contrib.admin."""

from django.contrib.admin.apps import AdminConfig


class JobsiteAdminConfig(AdminConfig):
    """Makes it the admin."""

    default_site = "jobsite.admin_site.JobsiteAdminSite"
