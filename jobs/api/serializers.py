"""A job as the API shows it: its fields are listed one by one, so that no new column is told by accident."""

from typing import Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.fields import DEFAULT_ATTEMPTS
from jobs.models import Job, ResourceAllocation
from jobs.presentation import reasons
from jobs.presentation.exit_status import exit_status
from jobs.states import OpenMode

LISTED_COLUMNS: Final = (
    "id", "name", "owner__username", "partition__name", "cpus", "memory_mb", "gpus", "time_limit", "work_dir",
    "priority", "hold", "state", "phase", "reason", "detail", "exit_code", "exit_signal", "attempt",
    "node__name", "submitted_at", "eligible_at", "placed_at", "started_at", "ended_at", "limit_at",
    "cancel_requested_at", "source", "rerun_of_id",
)  # fmt: skip


class ListedJobSerializer(serializers.Serializer[Job]):
    """A job without its script, which may be large. Only ever read: nothing here can be written."""

    id = serializers.IntegerField(read_only=True)
    url = serializers.SerializerMethodField(help_text="The job's page.")
    name = serializers.CharField(read_only=True)
    owner = serializers.CharField(source="owner.username", read_only=True)
    partition = serializers.CharField(source="partition.name", read_only=True)
    cpus = serializers.IntegerField(read_only=True)
    memory_mb = serializers.IntegerField(read_only=True)
    gpus = serializers.IntegerField(read_only=True)
    time_limit = serializers.SerializerMethodField(help_text="In seconds.")
    work_dir = serializers.CharField(read_only=True, help_text="Empty: a private scratch directory.")
    priority = serializers.IntegerField(read_only=True)
    hold = serializers.CharField(read_only=True, help_text="Who holds it: user, admin, or nobody.")
    state = serializers.CharField(read_only=True)
    phase = serializers.CharField(read_only=True)
    reason = serializers.CharField(read_only=True)
    detail = serializers.CharField(read_only=True, help_text="The reason as a sentence.")
    exit_code = serializers.IntegerField(read_only=True, allow_null=True)
    exit_signal = serializers.IntegerField(read_only=True, allow_null=True)
    exit_status = serializers.SerializerMethodField(help_text='Code and signal, such as "1:0" and "0:9".')
    attempt = serializers.IntegerField(read_only=True)
    node = serializers.CharField(source="node.name", read_only=True, allow_null=True)
    submitted_at = serializers.DateTimeField(read_only=True)
    eligible_at = serializers.DateTimeField(read_only=True)
    placed_at = serializers.DateTimeField(read_only=True, allow_null=True)
    started_at = serializers.DateTimeField(read_only=True, allow_null=True)
    ended_at = serializers.DateTimeField(read_only=True, allow_null=True)
    limit_at = serializers.DateTimeField(read_only=True, allow_null=True)
    cancel_requested_at = serializers.DateTimeField(read_only=True, allow_null=True)
    source = serializers.CharField(read_only=True)  # type: ignore[assignment]  # the field, not an argument
    rerun_of = serializers.IntegerField(source="rerun_of_id", read_only=True, allow_null=True)

    @extend_schema_field(serializers.URLField)
    def get_url(self, job: Job) -> str:
        """The address of the job's page."""
        address: str = self.context["request"].build_absolute_uri(job.get_absolute_url())
        return address

    @extend_schema_field(serializers.CharField)
    def get_exit_status(self, job: Job) -> str:
        """Empty when neither is known."""
        return exit_status(job.exit_code, job.exit_signal)

    @extend_schema_field(serializers.IntegerField)
    def get_time_limit(self, job: Job) -> int:
        """Whole seconds."""
        return int(job.time_limit.total_seconds())


class AllocationSerializer(serializers.Serializer[ResourceAllocation]):
    """What the present attempt was given, and how it was held to that."""

    gpus = serializers.ListField(child=serializers.IntegerField(), read_only=True)
    cpu_indices = serializers.ListField(
        child=serializers.IntegerField(), read_only=True, help_text="Empty: it is bound to none."
    )
    enforcement = serializers.DictField(read_only=True, help_text="By limit: level, means, sentence.")
    usage = serializers.ListField(read_only=True, help_text="Points of [seconds, CPUs, MiB].")


class JobSerializer(ListedJobSerializer):
    """A job with its script, its files, its use and its end."""

    script = serializers.CharField(read_only=True)
    stdin_path = serializers.CharField(read_only=True)
    stdout_path = serializers.CharField(read_only=True, help_text="Empty: the platform keeps the output.")
    stderr_path = serializers.CharField(read_only=True, help_text="Empty: it joins the output.")
    open_mode = serializers.CharField(read_only=True)
    signal = serializers.CharField(source="warning", read_only=True, allow_null=True)
    requeue = serializers.BooleanField(read_only=True)
    max_attempts = serializers.IntegerField(read_only=True)
    advice = serializers.SerializerMethodField(help_text="What can be done about it; empty: nothing need be.")
    core_dumped = serializers.BooleanField(read_only=True)
    last_words = serializers.CharField(read_only=True, help_text="The last lines of its error output.")
    cpu_seconds = serializers.FloatField(read_only=True, allow_null=True)
    max_rss_mb = serializers.FloatField(read_only=True, allow_null=True, help_text="Peak of its whole tree.")
    allocation = serializers.SerializerMethodField(
        help_text="Of its present attempt; null before it has one."
    )

    @extend_schema_field(serializers.CharField)
    def get_advice(self, job: Job) -> str:
        """The same as on its page."""
        return reasons.advice(job)

    @extend_schema_field(AllocationSerializer(allow_null=True))
    def get_allocation(self, job: Job) -> dict[str, object] | None:
        """Released or not."""
        held = job.allocations.filter(attempt=job.attempt).first()
        return None if held is None else AllocationSerializer(held).data


class JobPageSerializer(serializers.Serializer[dict[str, object]]):
    """Some jobs, newest first."""

    results = ListedJobSerializer(many=True)
    next = serializers.IntegerField(
        allow_null=True, help_text="Give it as `before` for the page that follows."
    )


class JobRequestSerializer(serializers.Serializer[dict[str, object]]):
    """What can be asked for. It only describes: jobs.spec reads the request and says what is odd."""

    script = serializers.CharField(help_text="At most 1 MiB.")
    name = serializers.CharField(required=False, max_length=128)
    cpus = serializers.IntegerField(required=False, default=1)
    memory = serializers.CharField(required=False, default="1G", help_text="A size, or MiB as a number.")
    gpus = serializers.IntegerField(required=False, default=0)
    time_limit = serializers.CharField(required=False, help_text='Such as "1h"; minutes as a number.')
    partition = serializers.CharField(required=False)
    work_dir = serializers.CharField(required=False, help_text="An absolute path; without it, a scratch one.")
    arguments = serializers.ListField(child=serializers.CharField(), required=False)
    environment = serializers.DictField(child=serializers.CharField(), required=False)
    stdin_path = serializers.CharField(required=False, help_text="A file to read; a pattern of sbatch(1).")
    stdout_path = serializers.CharField(required=False, help_text="Without it, the platform keeps it.")
    stderr_path = serializers.CharField(required=False, help_text="Without it, it joins the output.")
    open_mode = serializers.ChoiceField(list(OpenMode), required=False, default=OpenMode.TRUNCATE)
    signal = serializers.CharField(required=False, help_text='Before the limit: "USR1@60", "B:TERM@30".')
    requeue = serializers.BooleanField(required=False, default=False, help_text="Again, if its node is lost.")
    max_attempts = serializers.IntegerField(required=False, default=DEFAULT_ATTEMPTS)
    hold = serializers.BooleanField(required=False, default=False)
    priority = serializers.IntegerField(required=False, default=0, help_text="Above 0: operators only.")
