"""What each job of a round does, and what it tells the witness: a file that the product never reads.

Every line is appended at once and synced, so that what was told stays told, whoever is killed afterwards.
"""

from datetime import timedelta
from pathlib import Path
from typing import Final

from tests.chaos.schedule import PlannedJob, Work

LOUD_MB: Final = 100
DEAF_LIMIT: Final = timedelta(seconds=2)
OTHERS_LIMIT: Final = timedelta(minutes=20)
"""So long that none but the deaf ever comes to its limit."""

_TELL = """tell() {{
  printf '%s %s %s %s %s %s\\n' "$1" "$SLURM_JOB_ID" "$JOBSITE_ATTEMPT" "$$" "$(date +%s%N)" "$2" |
    dd of={witness} oflag=append conv=notrunc,fsync status=none
}}
"""


def request(job: PlannedJob, witness: Path, *, bare_daemons: bool = True) -> dict[str, object]:
    """The body of its submission.

    Half of the daemons drop their environment where control groups hold them. Where there are none, such a
    daemon of a killed wrapper is out of reach, which the platform says of such a node.
    """
    limit = DEAF_LIMIT if job.work is Work.DEAF else OTHERS_LIMIT
    minutes, seconds = divmod(int(limit.total_seconds()), 60)
    return {
        "name": f"chaos-{job.number}",
        "script": script(job, witness, bare_daemons=bare_daemons),
        "memory": 64,
        "gpus": job.gpus,
        "time_limit": f"{minutes}:{seconds:02}",
        "requeue": job.requeue,
    }


def script(job: PlannedJob, witness: Path, *, bare_daemons: bool = True) -> str:
    """It tells of its start with its process, and of its end with its exit code."""
    lines = [
        "#!/bin/sh",
        _TELL.format(witness=witness) + "tell start -",
        _works(job, bare=bare_daemons and job.number % 2 == 1),
        f"tell end {job.exit_code}",
        f"exit {job.exit_code}",
    ]
    return "\n".join(lines) + "\n"


def _works(job: PlannedJob, *, bare: bool) -> str:
    match job.work:
        case Work.DEAF:
            return "trap '' TERM\nsleep 60"
        case Work.DAEMON:  # it stays in the job's directory, by which it can be found
            dropped = "env -i PATH=/usr/bin:/bin " if bare else ""
            return f"{dropped}setsid sh -c 'sleep 600 & sleep 600' >/dev/null 2>&1 &\nsleep {job.seconds}"
        case Work.LOUD:
            return f"head -c {LOUD_MB}M /dev/zero || exit 99"
        case _:
            return f"sleep {job.seconds}"
