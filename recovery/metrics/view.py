"""`/metrics`: for operators and viewers, by session or by token."""

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.db import DatabaseError, connection, transaction
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from jobs.api.frame import ApiView
from jobs.models.clock import database_now
from jobs.models.roles import sees_every_job
from recovery.metrics import figures
from recovery.strategies.base import leave_lost_session

logger = logging.getLogger("recovery")

PATIENCE_MS: Final = 2000
"""For one statement. A part that takes longer is left out of the answer, and the answer says so."""


class Platform(Collector):
    """Reads everything anew each time that it is asked."""

    def collect(self) -> Iterator[Metric]:
        """Each part in a transaction of its own: one that cannot be read keeps none of the others back."""
        read = GaugeMetricFamily(
            "jobsite_metrics_read", "1: this part could be read just now.", labels=["part"]
        )
        moment = database_now()
        for part, look in figures.PARTS.items():
            found = _within_patience(look, moment)
            read.add_metric([part], int(found is not None))
            yield from found or ()
        yield read


class MetricsView(ApiView):
    """What a Prometheus scrapes."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        if not sees_every_job(self.person):
            raise PermissionDenied("Only operators and viewers read the metrics. Use a token of one of them.")
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Platform())
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return HttpResponse(
            encode(registry), content_type=content_type, headers={"Cache-Control": "no-store"}
        )


def _within_patience(look: figures.Part, moment: datetime) -> list[Metric] | None:
    """What the part answers. None: the database did not, or not in time."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(PATIENCE_MS)])
            return list(look(moment))
    except DatabaseError as error:
        logger.warning("a part of the metrics cannot be read: %s", str(error).strip())
        leave_lost_session()
        return None
