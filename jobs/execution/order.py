"""What a wrapper is told: the job's own facts and the environment that it may see, and nothing else."""

from pathlib import Path

from django.conf import settings

from jobs import file_pattern
from jobs.execution import scratch
from jobs.execution.cgroup import Cages
from jobs.execution.job_environment import JobFacts, build
from jobs.execution.spool import AttemptDirectory, Request
from jobs.file_pattern import FileFacts
from jobs.models import Job, ResourceAllocation

LEAST_SLACK = 64
"""MiB above its request, or a tenth of it, before a job is taken for one that uses more than it asked for."""


class GivenUpError(Exception):
    """Others have given an attempt up before it was launched, so it holds nothing here any more."""

    def __init__(self, job_id: int, attempt: int) -> None:
        self.pair = (job_id, attempt)
        super().__init__(f"job={job_id} attempt={attempt}: others have given it up; it is not launched")


def prepare(job: Job, directory: AttemptDirectory, *, cages: Cages | None = None) -> None:
    """Write the request and the script's bytes, exactly as submitted, and make its private directories.

    Raises GivenUpError when the job may run elsewhere by now.
    """
    held = ResourceAllocation.objects.unreleased().filter(job=job, attempt=job.attempt)
    allocation = held.select_related("job").only("attempt", "gpus", "cpu_indices", "job__started_at").first()
    if allocation is None:
        raise GivenUpError(job.pk, job.attempt)
    directory.tell_job(job.submitted_at)
    (directory.path / scratch.NAME).mkdir(mode=0o700)
    work_dir = Path(job.work_dir) if job.work_dir else _own_directory(job)
    facts = _facts(job, allocation, directory, work_dir)
    request = Request(
        job_id=job.pk,
        attempt=job.attempt,
        token=directory.token,
        arguments=list(job.arguments),
        environment=build(facts, job.environment),
        work_dir=str(work_dir),
        time_limit_seconds=job.time_limit.total_seconds(),
        grace_seconds=job.partition.grace.total_seconds(),
        stdin=_place(job, job.stdin_path, work_dir),
        stdout=_place(job, job.stdout_path, work_dir),
        stderr=_place(job, job.stderr_path, work_dir),
        open_mode=job.open_mode,
        cpu_indices=allocation.cpu_indices,
        cgroup=str(_group(job, allocation, cages)) if cages else "",
        warning_signal=job.warning_signal or 0,
        warning_seconds=job.warning_seconds,
        warning_to_shell=job.warning_to_shell,
        output_limit_bytes=job.partition.output_limit_mb * 2**20,
        memory_mb=job.memory_mb,
        memory_slack_mb=max(LEAST_SLACK, job.memory_mb // 10),
        requeue=job.requeue,
        fence_seconds=settings.FENCE_AFTER.total_seconds(),
    )
    directory.write_request(request, job.script.encode())


def _facts(job: Job, allocation: ResourceAllocation, directory: AttemptDirectory, work_dir: Path) -> JobFacts:
    claimed_at = allocation.job.started_at  # the row in hand is older than its claim
    if claimed_at is None:
        raise GivenUpError(job.pk, job.attempt)
    return JobFacts(
        job_id=job.pk,
        attempt=job.attempt,
        token=directory.token,
        name=job.name,
        user=job.owner.get_username(),
        partition=job.partition.name,
        node=settings.NODE_NAME,
        cpus=job.cpus,
        memory_mb=job.memory_mb,
        gpus=tuple(allocation.gpus),
        work_dir=work_dir,
        started_at=claimed_at,
        time_limit=job.time_limit,
        restarts=job.restarts,
        scratch=directory.path / scratch.NAME,
    )


def _place(job: Job, pattern: str, work_dir: Path) -> str:
    """The whole path of a file of its own, below the work directory unless it says otherwise."""
    if not pattern:
        return ""
    facts = FileFacts(
        job_id=job.pk,
        name=job.name,
        user=job.owner.get_username(),
        node=settings.NODE_NAME,
        restarts=job.restarts,
    )
    return str(work_dir / file_pattern.expand(pattern, facts))


def _group(job: Job, allocation: ResourceAllocation, cages: Cages) -> Path:
    """Its empty control group. A job that was promised one does not start without it."""
    name = f"{job.pk}.{allocation.attempt}"
    return cages.make(name, memory_mb=job.memory_mb, cpus=tuple(allocation.cpu_indices))


def _own_directory(job: Job) -> Path:
    """A job that names no work directory gets one to itself."""
    directory: Path = settings.SCRATCH / str(job.pk)
    settings.SCRATCH.mkdir(mode=0o700, exist_ok=True)
    directory.mkdir(mode=0o700, exist_ok=True)
    return directory
