"""Settings that contradict each other are told by name at the start, not by a platform that misbehaves."""

import ipaddress
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

_ORDERED: Final = (
    ("E001", "HEARTBEAT", 3, "NODE_LEASE", "a node whose agent misses a beat would lose its lease"),
    ("E002", "HEARTBEAT", 2, "BROKER_DEAF_AFTER", "a node would be taken for deaf between two beats"),
    ("E003", "SCHEDULER_RENEWAL", 2, "SCHEDULER_LEASE", "schedulers would take the lead from each other"),
    ("E004", "SWEEP_INTERVAL", 1, "RECOVER_INTERVAL", "recovery would rest on Beat, which may die silently"),
)
"""Number, the shorter time, how often it must fit into the longer one, the longer time, and why."""
_LOCAL_NAMES: Final = ("localhost", "")


@register()
def times_agree(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The times of the protocol are in the order on which its guards rest."""
    return list(_disordered_times())


def _disordered_times() -> Iterator[CheckMessage]:
    for number, shorter, often, longer, why in _ORDERED:
        short: timedelta = getattr(settings, shorter)
        long: timedelta = getattr(settings, longer)
        if short * often > long:
            yield Error(
                f"{shorter} is {short} and {longer} is {long}: {why}.",
                hint=f"Make {longer} at least {often} times {shorter}.",
                id=f"jobs.{number}",
            )


@register()
def celery_keeps_the_protocol(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Early acknowledgement, no result backend, and room for observers beside the node's CPUs."""
    return list(_broken_promises())


def _broken_promises() -> Iterator[CheckMessage]:
    if settings.CELERY_TASK_ACKS_LATE:
        yield Error(
            "CELERY_TASK_ACKS_LATE is on: each broken connection would deliver messages twice.",
            hint="Leave it off. A message that is lost is sent again by recovery.",
            id="jobs.E005",
        )
    if getattr(settings, "CELERY_RESULT_BACKEND", None):
        yield Error(
            "CELERY_RESULT_BACKEND is set: the row is the result, and a second one would contradict it.",
            hint="Leave it unset.",
            id="jobs.E006",
        )
    if settings.CELERY_WORKER_CONCURRENCY <= settings.NODE_CPUS:
        yield Error(
            f"CELERY_WORKER_CONCURRENCY is {settings.CELERY_WORKER_CONCURRENCY} on a node with "
            f"{settings.NODE_CPUS} CPUs: running jobs would starve the control queue.",
            hint="Make it the node's CPUs and 8.",
            id="jobs.E007",
        )


@register(Tags.security)
def debug_stays_at_home(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Debug pages show settings and source: only this machine may see them."""
    host = settings.ENVIRONMENT.host
    if not settings.DEBUG or _is_loopback(host):
        return []
    return [
        Error(
            f"JOBSITE_DEBUG is on and JOBSITE_HOST is {host}: others could read its source and settings.",
            hint="Turn JOBSITE_DEBUG off, or listen on 127.0.0.1.",
            id="jobs.E008",
        )
    ]


@register(Tags.security, deploy=True)
def secret_key_is_kept(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A key made up at each start logs everybody out, and no process understands another's cookies."""
    if os.environ.get("JOBSITE_SECRET_KEY") or (settings.JOBSITE_VAR / "secret-key").is_file():
        return []
    return [
        Warning(
            "There is neither JOBSITE_SECRET_KEY nor JOBSITE_VAR/secret-key: the key is another in "
            "each process.",
            hint="Set JOBSITE_SECRET_KEY to 50 or more random characters, the same for every process.",
            id="jobs.W001",
        )
    ]


@register(Tags.security, deploy=True)
def hosts_are_named(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """With any host allowed, links in pages and answers could be made to lead elsewhere."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Warning(
            "JOBSITE_ALLOWED_HOSTS contains *: an address in a page would be whatever a client says.",
            hint="Name the hosts by which people reach the platform.",
            id="jobs.W002",
        )
    ]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in _LOCAL_NAMES
