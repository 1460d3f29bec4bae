"""Recovery in the API, for operators: ask every node to sweep, and read what the sweeps decided.

The web only asks. Each node's agent sweeps in its own time, and its decisions are in the ledger afterwards.
"""

import logging
from typing import Final

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import messages
from jobs.api.frame import ApiView
from jobs.api.parameters import read_object
from jobs.models import Node
from jobs.models.clock import database_now
from jobs.models.roles import is_operator
from jobs.raw_request import RawRequest
from recovery.models import RecoveryAction, RecoveryRun

logger = logging.getLogger("recovery")

PAGE: Final = 20
LARGEST_NUMBER: Final = 2**63 - 1
ANY_NUMBER: Final = f"it is a whole number from 0 to {LARGEST_NUMBER}"


class DecisionSerializer(serializers.ModelSerializer[RecoveryAction]):
    """One decision about one job."""

    job = serializers.IntegerField(source="job_id", read_only=True)

    class Meta:
        model = RecoveryAction
        fields = ("strategy", "job", "attempt", "found", "evidence", "action", "outcome", "detail")
        read_only_fields = fields


class SweepSerializer(serializers.ModelSerializer[RecoveryRun]):
    """One sweep, with its decisions."""

    decisions = DecisionSerializer(source="actions", many=True, read_only=True)

    class Meta:
        model = RecoveryRun
        fields = (
            "id", "started_at", "trigger", "node", "dry_run", "recovered", "skipped", "failed", "decisions",
        )  # fmt: skip
        read_only_fields = fields


class SweepListSerializer(serializers.Serializer[dict[str, object]]):
    """Sweeps, the oldest of them first."""

    results = SweepSerializer(many=True)


class WishSerializer(serializers.Serializer[dict[str, object]]):
    """It only describes."""

    dry_run = serializers.BooleanField(required=False, help_text="Tell what would be done, and do nothing.")


class AskedSerializer(serializers.Serializer[dict[str, object]]):
    """How many nodes heard it, and after which sweep theirs will be."""

    asked = serializers.IntegerField()
    dry_run = serializers.BooleanField()
    after = serializers.IntegerField()


class RecoveryView(ApiView):
    """All sweeps that the ledger has."""

    @extend_schema(
        summary="List sweeps (operators)",
        description=f"At most {PAGE}, the oldest after a given one first.",
        parameters=[OpenApiParameter("after", int, description="The number of a sweep; 0 for the first.")],
        responses=SweepListSerializer,
    )
    def get(self, request: Request) -> Response:
        self._need_an_operator()
        after = _after(request)
        runs = RecoveryRun.objects.filter(pk__gt=after).order_by("pk").prefetch_related("actions")[:PAGE]
        return Response({"results": SweepSerializer(runs, many=True).data})

    @extend_schema(
        summary="Recover now (operators)",
        description="Each node that is live sweeps its own jobs; the sweeps can be read afterwards.",
        request=WishSerializer,
        responses=AskedSerializer,
    )
    def post(self, request: Request) -> Response:
        self._need_an_operator()
        dry_run = _dry_run(read_object(request))
        newest = RecoveryRun.objects.values_list("pk", flat=True).first() or 0
        asked = Node.objects.reachable(database_now()).count()
        messages.ask_recovery(dry_run=dry_run)
        what = "dry run" if dry_run else "recover now"
        logger.info("%s asked %s nodes: %s", self.person.get_username(), asked, what)
        return Response({"asked": asked, "dry_run": dry_run, "after": newest})

    def _need_an_operator(self) -> None:
        if not is_operator(self.person):
            raise PermissionDenied("Recovery is for operators. Ask one of them.")


def _dry_run(said: dict[str, object]) -> bool:
    RawRequest(said, ("dry_run",)).raise_errors()
    wish = said.get("dry_run", False)
    if not isinstance(wish, bool):
        raise ValidationError({"dry_run": [f"You asked for {str(wish)[:64]!r}; it is true or false."]})
    return wish


def _after(request: Request) -> int:
    word = request.query_params.get("after", "0")
    if not (word.isascii() and word.isdecimal() and len(word) < 20 and int(word) <= LARGEST_NUMBER):
        raise ValidationError({"after": [f"You asked for {word[:64]!r}; {ANY_NUMBER}."]})
    return int(word)
