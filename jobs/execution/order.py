"""What a wrapper is told: the job's own facts and the environment that it may see, and nothing else."""

from django.conf import settings

from jobs.execution.job_environment import JobFacts, build
from jobs.execution.settle import Station
from jobs.execution.spool import Request
from jobs.models import Job, ResourceAllocation


def request_of(job: Job, station: Station) -> tuple[Request, bytes]:
    """The request and the script's bytes, exactly as submitted."""
    raise NotImplementedError
