"""What a worker does with a message: claim the job, launch its wrapper, then wait as a passive observer.

The message has no authority. Whatever it says, the claim is a guarded update, the directory is made once, and
the wrapper links the ticket once; a message that comes twice, late or forged changes nothing.
"""

import logging
import time

from celery.exceptions import Ignore
from django.conf import settings
from django.db import DatabaseError, connection

from jobs import lifecycle
from jobs.execution import agents, launcher
from jobs.execution.agent import NodeAgent
from jobs.execution.hands import Pair
from jobs.execution.order import GivenUpError, prepare
from jobs.execution.past_numbers import make_way
from jobs.execution.settle import age_of, identities_of, running_here
from jobs.faults import faultpoint
from jobs.models import Job
from jobs.states import State

logger = logging.getLogger("jobs.runner")

BIGGEST_KEY = 2**63 - 1


class JobEndedBadly(Exception):  # noqa: N818 - Flower shows this name as the task's result
    """The job did not complete. Its own page says why; the task only repeats it."""


def run(job_id: object, attempt: object) -> None:
    """Run one attempt to its end.

    Raises JobEndedBadly when it did not complete, Ignore when it is not ours.
    """
    pair = _pair(job_id, attempt)
    agent = agents.current()
    faultpoint("consume.after_pop")
    with agent.observers.watching(pair) as ended:
        with agent.hands.taking(pair) as free:
            if not free or not _begin(pair, agent):
                raise Ignore
        _attend(pair, agent)
        connection.close()
        ended.wait()
    if agent.observers.leaving:
        raise Ignore
    _tell(pair)


def _pair(job_id: object, attempt: object) -> Pair:
    """The message's content, if it can be one of ours."""
    for value in (job_id, attempt):
        if type(value) is not int or not 0 < value <= BIGGEST_KEY:
            logger.warning("dropped a message that names no job")
            raise Ignore
    return job_id, attempt  # type: ignore[return-value]


def _begin(pair: Pair, agent: NodeAgent) -> bool:
    """Claim and launch. False: this message is not to be followed."""
    job = _claim(pair, agent)
    if job is None:
        logger.info("job=%s attempt=%s: nothing to claim; the message is dropped", *pair)
        return False
    faultpoint("claim.after_commit")
    return _launch(job, agent)


def _launch(job: Job, agent: NodeAgent) -> bool:
    """T8. Whatever has happened since the claim, the ticket decides whether it starts."""
    pair = (job.pk, job.attempt)
    directory = agent.station.spool.attempt(*pair)
    try:
        if not directory.make():
            logger.warning("job=%s attempt=%s: its directory is there already; dropped", *pair)
            return False
        faultpoint("launch.after_mkdir")
        prepare(job, directory, cages=agent.station.cages)
        faultpoint("launch.before_ask")
        launched = launcher.launch(directory)
    except GivenUpError as error:
        logger.warning("%s", error)
        return False
    except OSError:
        logger.exception("job=%s attempt=%s: could not be launched; the sweep settles it", *pair)
        return False
    if isinstance(launched, launcher.Refused):
        logger.warning("job=%s attempt=%s: not launched: %s", *pair, launched.why)
        return False
    _activate(job, agent)
    faultpoint("pid.after_record")
    return True


def _claim(pair: Pair, agent: NodeAgent) -> Job | None:
    """T7, under the lease's lock. None: it is not ours to start."""
    job_id, attempt = pair
    station = agent.station
    with agent.lease.claiming() as held:
        if not held:
            return None
        placed = Job.objects.placed().on(station.node_name).filter(pk=job_id, attempt=attempt)
        job = placed.select_related("partition", "node", "owner").first()
        if job is None:
            return None
        faultpoint("claim.before")
        agent.past_numbers.add(job_id)
        if not make_way(job, station.spool):
            return None
        try:
            won = lifecycle.start(
                job,
                boot_id=station.boot_id,
                spool_id=station.spool.spool_id,
                actor=station.node_name,
                cpu_indices=station.free_cpus(job),
                enforcement=station.containment.table(),
            )
        except DatabaseError:
            return _claimed_after_all(pair, agent)
    return job if won else None


def _claimed_after_all(pair: Pair, agent: NodeAgent) -> Job | None:
    """The commit's outcome is unknown, so the row is read again: this attempt, running here, is ours."""
    deadline = time.monotonic() + settings.LAUNCH_PATIENCE.total_seconds() / 2
    while time.monotonic() < deadline and not agent.observers.leaving:
        try:
            connection.close()
            return running_here(agent.station, *pair)
        except DatabaseError:
            agent.pause(0.5)
    return None


def _activate(job: Job, agent: NodeAgent) -> None:
    """T9. Where the database is away, the sweep does both from the ticket."""
    ticket = agent.station.directory_of(job).ticket()
    identities = identities_of(ticket)
    if ticket is None or identities is None:
        return
    faultpoint("pid.before_record")
    try:
        lifecycle.activate(
            job, identities, note=ticket.note, age=age_of(ticket), actor=agent.station.node_name
        )
    except DatabaseError as error:
        logger.warning("job=%s: its start is recorded later: %s", job.pk, error)


def _attend(pair: Pair, agent: NodeAgent) -> None:
    """Have its end noticed. Where the database is away, the sweep does it."""
    try:
        agent.ends.attend(pair)
    except DatabaseError as error:
        logger.warning("job=%s attempt=%s: is watched later: %s", *pair, error)


def _tell(pair: Pair) -> None:
    """Repeat the job's end as the task's own."""
    job = Job.objects.only("state", "reason", "detail").get(pk=pair[0])
    if job.state != State.COMPLETED:
        raise JobEndedBadly(f"{job.state} {job.reason}: {job.detail}")
