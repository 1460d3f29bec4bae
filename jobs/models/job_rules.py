"""What no row of a job may ever say, and the indexes by which jobs are found: held by the database itself."""

from datetime import timedelta
from typing import Final

from django.db import models
from django.db.models import Q

from jobs.states import FINAL_STATES, Evidence, Hold, Phase, State

LONGEST_TIME_LIMIT = timedelta(days=365)


def _is(*pairs: tuple[State, Phase]) -> Q:
    """The row is in one of these steps."""
    condition = Q()
    for state, phase in pairs:
        condition |= Q(state=state, phase=phase)
    return condition


JOB_CONSTRAINTS: Final[list[models.BaseConstraint]] = [
    models.CheckConstraint(
        condition=_is(
            (State.PENDING, Phase.QUEUED),
            (State.PENDING, Phase.PLACED),
            (State.RUNNING, Phase.STARTING),
            (State.RUNNING, Phase.ACTIVE),
            (State.RUNNING, Phase.STOPPING),
            *((state, Phase.DONE) for state in FINAL_STATES),
        ),
        name="job_phase_fits_state",
    ),
    models.CheckConstraint(
        condition=~Q(state=State.PENDING) | Q(cancel_requested_at=None),
        name="job_pending_has_no_cancel_request",
    ),
    models.CheckConstraint(condition=~Q(phase=Phase.QUEUED) | Q(node=None), name="job_queued_has_no_node"),
    models.CheckConstraint(
        condition=~Q(phase=Phase.PLACED)
        | Q(attempt__gte=1, node__isnull=False, placed_at__isnull=False, hold=Hold.NONE),
        name="job_placed_has_a_node",
    ),
    models.CheckConstraint(
        condition=~Q(state=State.RUNNING)
        | Q(attempt__gte=1, node__isnull=False, limit_at__isnull=False, started_at__isnull=False),
        name="job_running_has_node_and_limit",
    ),
    models.CheckConstraint(
        condition=~Q(state=State.RUNNING)
        | Q(phase=Phase.STOPPING, cancel_requested_at__isnull=False)
        | (~Q(phase=Phase.STOPPING) & Q(cancel_requested_at=None)),
        name="job_stopping_means_cancel_requested",
    ),
    models.CheckConstraint(
        condition=~Q(state__in=FINAL_STATES) | Q(phase=Phase.DONE, ended_at__isnull=False),
        name="job_final_has_ended",
    ),
    models.CheckConstraint(
        condition=~Q(state=State.COMPLETED)
        | Q(exit_code__isnull=False, exit_code=0, evidence=Evidence.SPOOL),
        name="job_completed_has_evidence",
    ),
    models.CheckConstraint(
        condition=Q(time_limit__gte=timedelta(seconds=1), time_limit__lte=LONGEST_TIME_LIMIT),
        name="job_time_limit_is_finite",
    ),
    models.CheckConstraint(condition=Q(cpus__gte=1, memory_mb__gte=1), name="job_asks_for_something"),
    models.CheckConstraint(
        condition=Q(warning_signal=None) | Q(warning_signal__gte=1, warning_signal__lte=64),
        name="job_warning_signal_is_one",
    ),
    models.CheckConstraint(condition=Q(max_attempts__gte=1), name="job_may_run_once"),
    models.UniqueConstraint(
        fields=["owner", "idempotency_key"],
        condition=Q(idempotency_key__isnull=False),
        name="one_job_per_idempotency_key",
    ),
]

JOB_INDEXES: Final[list[models.Index]] = [
    models.Index(fields=["owner", "state", "-id"], name="jobs_of_owner_by_state"),
    models.Index(fields=["state", "-id"], name="jobs_by_state"),
    models.Index(
        fields=["phase", "id"],
        condition=~Q(phase=Phase.DONE),
        name="live_jobs",
    ),
    models.Index(fields=["node"], condition=Q(state=State.RUNNING), name="running_by_node"),
    models.Index(fields=["ended_at"], condition=Q(phase=Phase.DONE), name="ended_jobs"),
]
