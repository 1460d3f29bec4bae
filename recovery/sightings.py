"""What a node sees of one of its running jobs, as the ledger keeps it."""

from dataclasses import asdict
from typing import Final

from jobs.execution.station import Station
from jobs.execution.verdict import Verdict, decide
from jobs.models import Job
from recovery.result import Seen

ACTIONS: Final = {
    Verdict.HEALTHY: "T9: record its start, or ask again for its end",
    Verdict.ADOPT: "watch it without its wrapper",
    Verdict.FENCE: "T16: link the tombstone, queue it again",
    Verdict.FINISH_FENCE: "T16: queue it again",
    Verdict.RECORD: "T10: record its end",
    Verdict.SUPERVISOR_LOST: "T17: record that its supervisor is lost",
    Verdict.NODE_FAIL: "T18: record that its node was restarted",
}
"""What a sweep does by the agent's table. Who is to be cancelled is, instead of requeued or failed."""


def seen_here(job: Job, station: Station) -> Seen:
    """The row of the agent's table that fits now, and what it rests on."""
    evidence = station.observe(job)
    told = {**asdict(evidence), "ticket": evidence.ticket.name.lower(), "phase": job.phase}
    return Seen(told, ACTIONS[decide(evidence)])
