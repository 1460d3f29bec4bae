"""The API's views. Querysets decide who sees and changes a job; lifecycle decides what may happen to it."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import downloads, lifecycle, submission
from jobs.api.errors import HasEnded
from jobs.api.frame import ApiView
from jobs.api.parameters import Page, Piece, read_object
from jobs.api.serializers import (
    LISTED_COLUMNS,
    JobPageSerializer,
    JobRequestSerializer,
    JobSerializer,
    ListedJobSerializer,
)
from jobs.execution import output
from jobs.models import Job
from jobs.states import Source

COMMAND_LINE: Final = "jobsite-cli"
"""What the command line calls itself (User-Agent)."""


class JobView(ApiView):
    """What every view about jobs shares."""

    def find(self, pk: int) -> Job:
        """A job that this person may see. Another's is the same 404 as one that is not there."""
        jobs = Job.objects.visible_to(self.person).select_related("owner", "partition", "node")
        return get_object_or_404(jobs.defer("environment", "arguments"), pk=pk)

    def show(self, pk: int, code: int = status.HTTP_200_OK) -> Response:
        """The job as it is now."""
        return Response(JobSerializer(self.find(pk), context={"request": self.request}).data, status=code)


class JobsView(JobView):
    """All jobs."""

    @extend_schema(
        summary="List jobs, newest first",
        parameters=[
            OpenApiParameter("state", str, description="One or more, with commas between."),
            OpenApiParameter("mine", bool, description="Only your own."),
            OpenApiParameter("limit", int, description="1 to 200."),
            OpenApiParameter("before", int, description="Only jobs with a smaller number."),
        ],
        responses=JobPageSerializer,
    )
    def get(self, request: Request) -> Response:
        page = Page.read(request.query_params)
        jobs = Job.objects.visible_to(self.person).select_related("owner", "partition", "node")
        if page.mine:
            jobs = jobs.filter(owner=self.person)
        found = page.of(jobs.only(*LISTED_COLUMNS))
        shown = found[: page.limit]
        listed = ListedJobSerializer(
            shown,  # type: ignore[arg-type]  # the stubs do not know `many`
            many=True,
            context={"request": request},
        )
        return Response({"results": listed.data, "next": shown[-1].pk if len(found) > page.limit else None})

    @extend_schema(
        summary="Submit a job",
        request=JobRequestSerializer,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={201: JobSerializer, 200: JobSerializer},
    )
    def post(self, request: Request) -> Response:
        raw = read_object(request)
        key = request.headers.get(submission.KEY_FIELD)
        from_command_line = request.headers.get("User-Agent", "") == COMMAND_LINE
        source = Source.CLI if from_command_line else Source.API
        job, new = submission.submit(raw, self.person, source=source, key=key)
        return self.show(job.pk, status.HTTP_201_CREATED if new else status.HTTP_200_OK)


class OneJobView(JobView):
    """One job."""

    @extend_schema(summary="Show a job", responses=JobSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return self.show(pk)


class CancelView(JobView):
    """The end of one job, before it comes by itself."""

    @extend_schema(summary="Cancel a job", request=None, responses=JobSerializer)
    def post(self, request: Request, pk: int) -> Response:
        job = self.find(pk)
        if not Job.objects.changeable_by(self.person).filter(pk=pk).exists():
            raise PermissionDenied("You may read this job; only its owner and operators may cancel it.")
        if not lifecycle.cancel(job, actor=self.person.get_username()) and job.is_final:
            raise HasEnded(f"Job {pk} has ended already: it is {job.state}.")
        return self.show(pk)


class OutputView(JobView):
    """What one job has written so far."""

    @extend_schema(
        summary="Read a job's output, at most 64 KiB at a time",
        description="X-Jobsite-Next is the `from` of the next piece, X-Jobsite-Size the bytes there are; "
        "X-Jobsite-Ended is true when no more will come; X-Jobsite-Note says why there is nothing to read. "
        "X-Jobsite-Attempt tells the run that wrote it: when it changes, ask from byte 0 again.",
        parameters=[
            OpenApiParameter("from", int, description="The first byte."),
            OpenApiParameter("stream", str, enum=list(output.STREAMS)),
        ],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        piece = Piece.read(request.query_params)
        job = self.find(pk)
        chunk = output.read(job, job.attempt, piece.stream, piece.start)
        headers = {
            **downloads.headers_of(job, piece.stream),
            "X-Jobsite-Next": str(chunk.next),
            "X-Jobsite-Size": str(chunk.size),
            "X-Jobsite-Ended": "true" if chunk.ended else "false",
            "X-Jobsite-Attempt": str(job.attempt),
            **({"X-Jobsite-Note": chunk.note} if chunk.note else {}),
        }
        return HttpResponse(chunk.data, content_type="application/octet-stream", headers=headers)


@extend_schema(exclude=True)
class NothingHereView(JobView):
    """An address that the API does not have."""

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound("There is nothing at this address. Addresses end with a slash; see /api/v1/schema/.")
