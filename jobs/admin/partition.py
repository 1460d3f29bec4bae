"""Partitions: the one record that operators edit by hand."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from jobs import messages
from jobs.admin import drill
from jobs.admin.reading import ModelAdmin
from jobs.admin.steering import may_steer
from jobs.forms import new_key
from jobs.models import Partition
from jobs.models.job_rules import LONGEST_TIME_LIMIT
from jobs.models.partition import LONGEST_PENDING

if TYPE_CHECKING:
    PartitionModelForm = forms.ModelForm[Partition]
else:  # generic in the stubs alone
    PartitionModelForm = forms.ModelForm

SHORTEST = timedelta(seconds=1)


class PartitionForm(PartitionModelForm):
    """A partition whose limits do not contradict each other."""

    class Meta:
        model = Partition
        fields = (
            "name", "is_default", "state", "priority", "default_time_limit", "max_time_limit", "grace",
            "max_pending", "output_limit_mb", "nodes",
        )  # fmt: skip
        widgets = {"nodes": forms.CheckboxSelectMultiple}

    def clean_max_time_limit(self) -> timedelta:
        """No job may ask for more than the platform's own longest limit."""
        longest: timedelta = self.cleaned_data["max_time_limit"]
        if not SHORTEST <= longest <= LONGEST_TIME_LIMIT:
            raise forms.ValidationError(
                f"You asked for {longest}; it is from 1 second to {LONGEST_TIME_LIMIT.days} days."
            )
        return longest

    def clean_grace(self) -> timedelta:
        """The time between TERM and KILL."""
        grace: timedelta = self.cleaned_data["grace"]
        if not timedelta() <= grace <= timedelta(hours=1):
            raise forms.ValidationError(f"You asked for {grace}; it is from 0 seconds to 1 hour.")
        return grace

    def clean_max_pending(self) -> timedelta | None:
        """How long a job waits before it expires. None: for ever."""
        longest: timedelta | None = self.cleaned_data["max_pending"]
        if longest is not None and not SHORTEST <= longest <= LONGEST_PENDING:
            raise forms.ValidationError(
                f"You asked for {longest}; it is from 1 second to {LONGEST_PENDING.days} days, or empty: "
                "no job expires."
            )
        return longest

    def clean_is_default(self) -> bool:
        """At most one partition takes the jobs that name none."""
        wanted: bool = self.cleaned_data["is_default"]
        other = Partition.objects.filter(is_default=True).exclude(pk=self.instance.pk).first()
        if wanted and other is not None:
            raise forms.ValidationError(f"{other} is the default partition. Take it away from {other} first.")
        return wanted

    def clean(self) -> dict[str, Any]:
        """The default limit is one that a job may have."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        default, longest = cleaned.get("default_time_limit"), cleaned.get("max_time_limit")
        if default is not None and longest is not None and not SHORTEST <= default <= longest:
            self.add_error(
                "default_time_limit",
                f"You asked for {default}; it is from 1 second to the partition's maximum, {longest}.",
            )
        return cleaned


@admin.register(Partition)
class PartitionAdmin(ModelAdmin):
    """Every partition."""

    form = PartitionForm
    list_display = (
        "name", "is_default", "state", "priority", "default_time_limit", "max_time_limit", "grace",
        "max_pending",
    )  # fmt: skip
    search_fields = ("name",)

    def get_urls(self) -> list[URLPattern]:
        """The button's address before the list's own."""
        ask = path("drill/", self.admin_site.admin_view(drill.ask), name="jobs_partition_drill")
        return [ask, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with the button for those who may use it. Pressed twice, it makes one job."""
        button = {"may_steer": may_steer(request), "drill_key": new_key()}
        return super().changelist_view(request, {**(extra_context or {}), **button})

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's own signature
        """Nodes, limits or state may let a job start: the scheduler looks again."""
        super().save_related(request, form, formsets, change)
        messages.wake_scheduler()
