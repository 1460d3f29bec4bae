"""Pages that show records and change none of them, and that stay quick when there are millions."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import connection, models
from django.http import HttpRequest
from django.utils.functional import cached_property

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
    Rows = Paginator[Any]
else:  # generic in the stubs alone
    ModelAdmin, TabularInline, Rows = admin.ModelAdmin, admin.TabularInline, Paginator

COUNTED = 10_000
"""As many rows are counted exactly. Of more, an unfiltered list shows PostgreSQL's estimate; a filtered one
ends there, because nobody pages that far and counting a million rows for each page would cost a second."""


class EstimatedPaginator(Rows):
    """Knows roughly how many pages there are, without counting a large table."""

    @cached_property
    def count(self) -> int:
        """The number of rows, exact up to COUNTED."""
        rows = self.object_list
        assert isinstance(rows, models.QuerySet)  # noqa: S101 - the admin's lists are querysets
        estimate = 0 if rows.query.where else _estimate(rows.model)
        if estimate > COUNTED:
            return estimate
        return min(rows.order_by()[: COUNTED + 1].count(), COUNTED)


def _estimate(model: type[models.Model]) -> int:
    """How many rows PostgreSQL believes that the table has; below zero: it has never looked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table]
        )
        estimate: int = cursor.fetchone()[0]
        return estimate


class Unchanging:
    """Nothing is added, changed or deleted by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds one here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody edits one here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes one here."""
        return False


class ReadingAdmin(Unchanging, ModelAdmin):
    """A list and a page of records. A search for digits looks a record up by its number, by index."""

    show_full_result_count = False
    paginator = EstimatedPaginator
    list_per_page = 100
    list_max_show_all = 200
    sortable_by = ()
    number_field: ClassVar[str] = "pk"

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        """By number; other words by the class's own search fields."""
        term = search_term.strip()
        if term.isascii() and term.isdecimal():
            return queryset.filter(**{self.number_field: term}), False
        return super().get_search_results(request, queryset, term)


class ReadingInline(Unchanging, TabularInline):
    """Records of another record, on its page."""

    extra = 0
    max_num = 0
    can_delete = False
    show_change_link = True
