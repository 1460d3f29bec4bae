"""How bytes that a job has written leave the web: as a file to keep, never as a page to open."""

from typing import Final

from jobs.models import Job

DOWNLOAD_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "no-store",
}


def headers_of(job: Job, stream: str) -> dict[str, str]:
    """The headers of an answer that holds a stream of this job, or a piece of it."""
    name = f'attachment; filename="job-{job.pk}.{stream}"'
    return {**DOWNLOAD_HEADERS, "Content-Disposition": name}
