"""Whether the process answers, and whether the platform can take and run jobs. Both name no job and no user.

Each look has a thread and a deadline, so that a database or broker that hangs costs a probe two seconds and
nothing else. The threads are few and shared: probes of a part that hangs wait for the one that is under way.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from datetime import datetime, timedelta
from typing import Any, Final

from celery import current_app
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from jobs.models import Node
from jobs.models.clock import database_now
from recovery import beat
from scheduler.models import SchedulerLease

PATIENCE: Final = timedelta(seconds=2)
BROKER_PATIENCE: Final = timedelta(seconds=1)
STALE_AFTER_MISSED: Final = 3

_database_looks = ThreadPoolExecutor(max_workers=2, thread_name_prefix="readyz-database")
_broker_looks = ThreadPoolExecutor(max_workers=2, thread_name_prefix="readyz-broker")


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. It looks at nothing else, so that nobody restarts it for another's fault."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database, broker, a live node and a leading scheduler are there, else 503 with what is not."""
    database = _database_looks.submit(_look_at_database)
    broker = _broker_looks.submit(_broker_answers)
    facts = _within_patience(database) or {"database": False, "nodes": 0, "scheduler": False, "beat": None}
    facts["broker"] = bool(_within_patience(broker))
    missing = [part for part in ("database", "broker", "nodes", "scheduler") if not facts[part]]
    answer = {"ready": not missing, "missing": missing, **facts}
    return JsonResponse(answer, status=503 if missing else 200)


def _within_patience(look: "Future[Any]") -> Any:
    """What the look found. None: it found the part away, or nothing in time."""
    try:
        return look.result(PATIENCE.total_seconds())
    except (TooLate, DatabaseError):
        look.cancel()
        return None


def _look_at_database() -> dict[str, Any]:
    try:
        moment = database_now()
        return {
            "database": True,
            "nodes": Node.objects.reachable(moment).count(),
            "scheduler": SchedulerLease.objects.filter(until__gt=moment).exists(),
            "beat": _beat(moment),
        }
    finally:
        connection.close()  # this thread's own: the next look finds out anew whether one can be had


def _beat(moment: datetime) -> dict[str, Any]:
    """How long ago Beat last sent its task. Dead, it is stale, not missing: each agent sweeps by itself."""
    age = beat.age(moment)
    longest = (STALE_AFTER_MISSED * settings.RECOVER_INTERVAL).total_seconds()
    return {"age_seconds": age, "stale": age is None or age > longest}


def _broker_answers() -> bool:
    seconds = BROKER_PATIENCE.total_seconds()
    options = {"socket_timeout": seconds, "socket_connect_timeout": seconds, "max_retries": 0}
    try:
        with current_app.connection_for_read(transport_options=options) as broker:
            return bool(broker.default_channel.client.ping())  # type: ignore[attr-defined]  # Redis has one
    except (OperationalError, RedisError, OSError):
        return False
