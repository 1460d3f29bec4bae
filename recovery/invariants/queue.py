"""Invariants that the broker answers."""

from jobs.models import Job, Node
from recovery.broker import count_messages


def needless_messages() -> list[str]:
    """Jobs of which more messages wait than were ever sent: one for each number that was won."""
    counts = count_messages(list(Node.objects.values_list("name", flat=True)))
    if counts is None:
        return ["nobody can tell: the broker does not answer"]
    waiting = {job_id: number for job_id, number in counts.items() if job_id < 2**63}
    sent = dict(Job.objects.filter(pk__in=waiting).values_list("pk", "dispatch_seq"))
    return [
        f"job {job_id}: {number} messages wait, {sent.get(job_id, 0)} were sent"
        for job_id, number in sorted(waiting.items())
        if number > sent.get(job_id, 0)
    ]
