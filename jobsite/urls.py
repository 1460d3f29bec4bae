"""Every address of the platform."""

from django.contrib import admin
from django.urls import include, path

from jobsite import health
from recovery.api import RecoveryView
from recovery.metrics.view import MetricsView

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/recovery/", RecoveryView.as_view(), name="recovery"),
    path("api/v1/", include("jobs.api.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("readyz", health.readyz, name="readyz"),
    path("", include("jobs.urls")),
]

handler400 = "jobs.views.refusals.bad_request"
handler403 = "jobs.views.refusals.forbidden"
handler404 = "jobs.views.refusals.not_found"
handler500 = "jobs.views.refusals.broken"
