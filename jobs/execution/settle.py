"""Settles one running job of this node: looks, decides, and writes through lifecycle."""

import signal
from collections.abc import Collection
from dataclasses import fields
from datetime import timedelta

from jobs import lifecycle
from jobs.ending import Ending
from jobs.execution import processes
from jobs.execution.hands import Pair
from jobs.execution.records import Outcome, Ticket
from jobs.execution.spool import Burial
from jobs.execution.station import Marked, Station, held_by, identities
from jobs.execution.verdict import Verdict, decide
from jobs.faults import faultpoint
from jobs.lifecycle import Identities
from jobs.models import Job
from jobs.models.clock import database_now
from jobs.states import Evidence, Phase, Reason

FENCED = "fenced"
"""Its wrapper ended it, because its agent had not renewed the node's lease for too long."""
LOST = "Its supervisor and its process are gone, and neither has said how it ended."
RESTARTED = "The node was restarted while it ran."
UNRECORDED = (
    "Its limit was over and its supervisor did nothing, so the node killed it; its exit code is not known."
)
CANCELLED = (
    "Cancelled{who} while it ran; its supervisor could not be asked, so the node killed it,"
    " and its exit code is not known."
)

WRITING = timedelta(minutes=10)
"""How long after a job's limit its wrapper may still try to write down how it ended."""


def running_here(station: Station, job_id: int, attempt: int) -> Job | None:
    """The job, if it runs here with this attempt."""
    jobs = Job.objects.running().on(station.node_name).filter(pk=job_id, attempt=attempt)
    return jobs.select_related("partition", "node", "owner").first()


def settle_pair(job_id: int, attempt: int, station: Station) -> bool:
    """Settle this attempt. True: it has ended, by us or by somebody else; False: it goes on."""
    seen: set[str] = set()
    while True:  # somebody may ask for its end between our look and our write: then all is looked at again
        job = running_here(station, job_id, attempt)
        if job is None:
            return True
        if job.phase in seen or station.in_hand(job_id, attempt):
            return False
        seen.add(job.phase)
        settle(job, station)


def settle(job: Job, station: Station) -> bool:
    """Do what the agent's table says. True: the row or the processes were changed."""
    verdict = examine(job, station)
    match verdict:
        case Verdict.HEALTHY:
            return _tend(job, station)
        case Verdict.ADOPT:
            return _adopt(job, station)
        case Verdict.FENCE:
            return _fence(job, station)
        case Verdict.FINISH_FENCE:
            return lifecycle.return_unstarted(job, actor=station.node_name)
        case Verdict.RECORD:
            return _record(job, station)
        case Verdict.SUPERVISOR_LOST:
            return _lose(job, station, Reason.SUPERVISOR_LOST, LOST, Evidence.ABSENCE)
        case Verdict.NODE_FAIL:
            return _lose(job, station, Reason.NODE_FAIL, RESTARTED, Evidence.BOOT)


def record_together(pairs: Collection[Pair], station: Station) -> list[Pair]:
    """Record in one transaction those of these attempts that have plainly ended, and answer them.

    Only for attempts whose wrapper is known to have gone: one look through the processes serves them all.
    """
    here = Job.objects.running().on(station.node_name).filter(pk__in=[job_id for job_id, _ in pairs])
    marked = processes.marked_now()
    endings = {}
    for job in here.select_related("partition", "node", "owner"):
        ending = _plain_ending(job, station, marked) if (job.pk, job.attempt) in pairs else None
        if ending is not None:
            endings[job] = ending
    finished = lifecycle.finish_all(*endings, endings=[*endings.values()], actor=station.node_name)
    return [(job.pk, job.attempt) for job in finished]


def _plain_ending(job: Job, station: Station, marked: Marked) -> Ending | None:
    """By its wrapper's word, when there is nothing to be done but to write it down."""
    if station.in_hand(job.pk, job.attempt) or decide(station.observe(job, marked)) is not Verdict.RECORD:
        return None
    outcome = station.outcome_of(job)
    return ending_of(outcome) if outcome is not None and outcome.cause != FENCED else None


def examine(job: Job, station: Station) -> Verdict:
    """What the table says of a job now."""
    return decide(station.observe(job))


def needs_settling(job: Job, station: Station) -> bool:
    """It is not simply running: its row, its spool and its processes do not tell the same story."""
    return job.phase != Phase.ACTIVE or examine(job, station) is not Verdict.HEALTHY


def end_overdue(job: Job, station: Station) -> bool:
    """Kill a job whose wrapper did not end it at its limit, wrapper first, and record it when none lives."""
    if examine(job, station) not in (Verdict.HEALTHY, Verdict.ADOPT):
        return settle(job, station)
    with station.taking(job) as free:  # who sees its wrapper die by our hand does not know why
        if not free or _only_records(job, station) or not _kill(job, station):
            return False
        if examine(job, station) is Verdict.RECORD:
            return _record(job, station)
        return _lose(job, station, Reason.TIME_LIMIT, UNRECORDED, Evidence.ABSENCE)


def _only_records(job: Job, station: Station) -> bool:
    """Its tree is empty, and its wrapper, which alone knows how it ended, still has to write that down.

    The disk may be full. Killed now, it would take the exit code with it; but nothing waits for ever.
    """
    if job.limit_at is not None and job.limit_at + WRITING < database_now():
        return False
    wrapper, _ = identities(station.ticket_of(job), held_by(job))
    if wrapper is None or processes.is_stopped(wrapper) or processes.tree([wrapper]) != {wrapper}:
        return False
    return set(processes.marked(station.token_of(job, held_by(job)))) == {wrapper}


def identities_of(ticket: Ticket | None) -> Identities | None:
    """What the row keeps of a ticket. None: there is no wrapper's."""
    if ticket is None or ticket.wrapper is None or ticket.job is None:
        return None
    wrapper, job = ticket.wrapper, ticket.job
    return Identities(wrapper.pid, wrapper.start_ticks, job.pid, job.start_ticks)


def age_of(ticket: Ticket | None) -> timedelta:
    """For how long its job has run by now, by the clock that goes on while the machine sleeps."""
    if ticket is None or ticket.job is None:
        return timedelta()
    return timedelta(seconds=processes.age(ticket.job))


def _tend(job: Job, station: Station) -> bool:
    """The wrapper lives: record its ticket if the row lacks it; ask it again to stop if that is wanted."""
    station.watch_wrapper(job)
    ticket = station.ticket_of(job)
    changed = _keep(ticket, job, station)
    if job.phase == Phase.STOPPING and ticket is not None and ticket.wrapper is not None:
        station.directory_of(job).ask_cancel()
        faultpoint("cancel.after_flag")
        wrapper, _ = identities(ticket, held_by(job))
        if wrapper is not None:
            processes.send(wrapper, signal.SIGTERM)
            processes.send(wrapper, signal.SIGCONT)  # a stopped one hears TERM only then
            faultpoint("cancel.after_kill")
    return changed


def _keep(ticket: Ticket | None, job: Job, station: Station) -> bool:
    """T9, when the row lacks it: whatever becomes of the spool, the row knows that it has started."""
    found = identities_of(ticket)
    if ticket is None or found is None or held_by(job).has_identity:
        return False
    note = ticket.note or "found running"
    return lifecycle.activate(job, found, note=note, age=age_of(ticket), actor=station.node_name)


def _adopt(job: Job, station: Station) -> bool:
    """Its wrapper is gone and it lives. It is watched; when its end is due, the agent kills it."""
    station.watch_wrapper(job)
    kept = _keep(station.ticket_of(job), job, station)
    job.refresh_from_db(fields=["limit_at"])
    due = job.phase == Phase.STOPPING or (job.limit_at is not None and job.limit_at <= database_now())
    if not due:
        return kept
    with station.taking(job) as free:  # who sees its last process die by our hand does not know why
        if not free or not _kill(job, station):
            return kept
        if job.phase == Phase.STOPPING:
            who = f" by {job.cancel_requested_by}" if job.cancel_requested_by else ""
            return _lose(job, station, Reason.SUPERVISOR_LOST, CANCELLED.format(who=who), Evidence.ABSENCE)
        return _lose(job, station, Reason.TIME_LIMIT, UNRECORDED, Evidence.ABSENCE)


def _fence(job: Job, station: Station) -> bool:
    """T16: whoever links the ticket's name first wins; if that is the tombstone, the attempt never starts."""
    directory = station.directory_of(job)
    directory.make()
    if directory.bury() is Burial.LOST:
        return settle(job, station)
    faultpoint("recover.after_tombstone")
    return lifecycle.return_unstarted(job, actor=station.node_name)


def _record(job: Job, station: Station) -> bool:
    outcome = station.outcome_of(job)
    if outcome is not None and outcome.cause == FENCED:
        why = f"{station.node_name} was cut off, and its run there was ended for that"
        if lifecycle.requeue(job, why, actor=station.node_name):
            station.spool.attempt(job.pk, job.attempt).tell()
            return True
    return outcome is not None and lifecycle.finish(job, ending_of(outcome), actor=station.node_name)


def _lose(job: Job, station: Station, reason: Reason, detail: str, evidence: Evidence) -> bool:
    return lifecycle.lose(job, reason, detail, evidence=evidence, actor=station.node_name)


def _kill(job: Job, station: Station) -> bool:
    """End wrapper and tree, the wrapper frozen first and killed last. False: something of it lives still."""
    allocation = held_by(job)
    wrapper, process = identities(station.ticket_of(job), allocation)
    roots = [process] if process is not None else []
    killed = processes.kill_tree(
        station.token_of(job, allocation), roots, reaper=wrapper, group=station.group_of_job(job)
    )
    faultpoint("adopt.after_kill")
    return killed


def ending_of(outcome: Outcome) -> Ending:
    """The wrapper's word as the lifecycle takes it."""
    told = {field.name: getattr(outcome, field.name) for field in fields(Outcome)}
    kernels_kb, peak_mb = told.pop("max_rss_kb"), told.pop("peak_mb")
    return Ending(**told, max_rss_mb=peak_mb if peak_mb is not None else kernels_kb / 1024)
