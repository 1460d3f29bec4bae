"""The admin's own frame: its name, the way to Flower, and the platform's one login."""

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator

from jobs.models.roles import is_operator
from recovery import alert


class JobsiteAdminSite(AdminSite):
    """Django's admin, with a link to Flower."""

    site_header = "Jobsite administration"
    site_title = "Jobsite"
    index_title = "Jobs, nodes and recovery"

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page of the admin may show."""
        told = alert.unseen() if self.has_permission(request) else ""
        return {
            **super().each_context(request),
            "flower_url": settings.FLOWER_URL,
            "recovery_alert": told,
            "may_steer_recovery": bool(told) and is_operator(request.user),
        }

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send people to the platform's login: one door, with one limit on how often it may be tried."""
        wanted = request.GET.get("next") or reverse("admin:index", current_app=self.name)
        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index", current_app=self.name))
        if request.user.is_authenticated:
            raise PermissionDenied(
                "Your account may not use the admin. An operator can give it the staff status."
            )
        return redirect_to_login(wanted)
