"""API tokens: who has one, when it was last used; to revoke one. They are made on the account page."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from jobs.admin.reading import ReadingAdmin
from jobs.models import ApiToken


@admin.register(ApiToken)
class ApiTokenAdmin(ReadingAdmin):
    """Every token. To delete one is to revoke it."""

    list_display = ("name", "user", "created_at", "last_used_at")
    list_select_related = ("user",)
    fields = ("name", "user", "created_at", "last_used_at")
    search_fields = ("=user__username",)
    search_help_text = "A user's name."

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """To revoke is to delete."""
        return admin.ModelAdmin.has_delete_permission(self, request, obj)
