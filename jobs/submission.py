"""The one way by which a request becomes a job, whichever way it came in: read the rules, parse, submit."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from jobs import lifecycle, spec
from jobs.errors import InvalidSpec
from jobs.models import Job, Partition
from jobs.models.roles import is_operator
from jobs.resources import Capacity, format_duration
from jobs.states import Source

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LONGEST_KEY: Final = 128
KEY_FIELD: Final = "Idempotency-Key"


def submit(
    raw: Mapping[str, object],
    user: "User",
    *,
    source: Source,
    key: str | None = None,
    rerun_of: Job | None = None,
) -> tuple[Job, bool]:
    """Answer the job and whether it is new: the same key with the same request is the first job again.

    Raises InvalidSpec when a field is odd, IdempotencyConflict when the key was used for another request.
    """
    _check_key(key)
    wanted = spec.parse(raw, *partition_rules())
    _check_priority(wanted.priority, user)
    return lifecycle.submit(wanted, user, source=source, key=key, rerun_of=rerun_of)


def rerun(job: Job, user: "User", *, source: Source, key: str | None = None) -> Job:
    """T22: the same request as a new job of `user`. It is checked again: the rules may have changed since.

    Asked again with the same key, it is the first rerun. Raises as `submit` does.
    """
    if not job.is_final:
        raise InvalidSpec({"job": [f"Job {job.pk} has not ended yet. Cancel it, or wait for its end."]})
    again, _ = submit(request_of(job, user), user, source=source, key=key, rerun_of=job)
    return again


def request_of(job: Job, user: "User") -> dict[str, object]:
    """What was asked for in `job`, as `user` may ask for it: without a priority that only operators give."""
    return {
        "script": job.script,
        "name": job.name,
        "cpus": job.cpus,
        "memory": job.memory_mb,
        "gpus": job.gpus,
        "time_limit": format_duration(job.time_limit),
        "partition": job.partition.name,
        "work_dir": job.work_dir,
        "arguments": job.arguments,
        "environment": job.environment,
        "stdin_path": job.stdin_path,
        "stdout_path": job.stdout_path,
        "stderr_path": job.stderr_path,
        "open_mode": job.open_mode,
        "signal": str(job.warning or ""),
        "requeue": job.requeue,
        "max_attempts": job.max_attempts,
        "priority": job.priority if is_operator(user) else min(job.priority, 0),
    }


def partition_rules() -> tuple[list[spec.PartitionRule], str]:
    """The limits of every partition with its nodes, and the name of the default one."""
    partitions = list(Partition.objects.prefetch_related("nodes"))
    default = next((partition.name for partition in partitions if partition.is_default), "")
    return [_rule(partition) for partition in partitions], default


def _rule(partition: Partition) -> spec.PartitionRule:
    return spec.PartitionRule(
        name=partition.name,
        default_time_limit=partition.default_time_limit,
        max_time_limit=partition.max_time_limit,
        nodes=tuple(
            spec.NodeSize(node.name, Capacity(node.cpus, node.memory_mb, node.gpus))
            for node in partition.nodes.all()
        ),
    )


def _check_key(key: str | None) -> None:
    if key is not None and not (key.isprintable() and 1 <= len(key) <= LONGEST_KEY):
        asked = f"{len(key)} characters" if key.isprintable() else "a character that cannot be printed"
        raise InvalidSpec(
            {KEY_FIELD: [f"The key has {asked}; it must be 1 to {LONGEST_KEY} printable characters."]}
        )


def _check_priority(priority: int, user: "User") -> None:
    if priority > 0 and not is_operator(user):
        raise InvalidSpec(
            {
                "priority": [
                    f"You asked for priority {priority}; only operators give more than 0. Leave it out."
                ]
            }
        )
