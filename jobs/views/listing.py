"""The list of jobs: mine, or every job that I may see; by state; fifty at a time, by key."""

from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from jobs.models import Job
from jobs.models.job import JobQuerySet
from jobs.models.roles import sees_every_job
from jobs.presentation.job import ShownJob
from jobs.states import State
from jobs.views.finding import person

PAGE: Final = 50
COLUMNS: Final = (
    "name", "owner__username", "cpus", "memory_mb", "gpus", "time_limit", "state", "phase", "reason",
    "detail", "hold", "exit_code", "exit_signal", "node__name", "submitted_at", "started_at", "ended_at",
)  # fmt: skip
"""What a row prints. Scripts may be large and are never read here."""


@dataclass(frozen=True)
class Wanted:
    """What the address asks for."""

    everyones: bool = False
    state: State | None = None
    before: int | None = None
    after: int | None = None

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """Raises BadRequest with what is allowed."""
        word = query.get("state", "")
        if word and word.upper() not in State.__members__:
            raise BadRequest(f"There is no state {word[:40]!r}. There are: {', '.join(State).lower()}.")
        return cls(
            everyones=query.get("show") == "all",
            state=State(word.upper()) if word else None,
            before=_key(query, "before"),
            after=_key(query, "after"),
        )

    def address(self, **place: int) -> str:
        """The address of this list at another place."""
        asked = {"show": "all" if self.everyones else "", "state": (self.state or "").lower(), **place}
        told = urlencode({name: value for name, value in asked.items() if value})
        return f"{reverse('jobs')}?{told}" if told else reverse("jobs")

    def by(self, *, state: State | None) -> str:
        """The address of the same list for another state, from its beginning."""
        return Wanted(everyones=self.everyones, state=state).address()


@dataclass(frozen=True)
class Page:
    """Some rows, and whether there are others before and after them."""

    rows: list[Job]
    newer: bool
    older: bool

    @classmethod
    def of(cls, jobs: JobQuerySet, wanted: Wanted) -> Self:
        """The page that the address asks for."""
        if wanted.after is not None:
            found = list(jobs.filter(pk__gt=wanted.after).order_by("pk")[: PAGE + 1])
            return cls(found[:PAGE][::-1], newer=len(found) > PAGE, older=bool(found))
        if wanted.before is not None:
            jobs = jobs.filter(pk__lt=wanted.before)
        found = list(jobs.order_by("-pk")[: PAGE + 1])
        return cls(found[:PAGE], newer=wanted.before is not None and bool(found), older=len(found) > PAGE)


@require_safe
def jobs(request: HttpRequest) -> HttpResponse:
    """The list."""
    wanted = Wanted.read(request.GET)
    user = person(request)
    visible = Job.objects.visible_to(user) if wanted.everyones else Job.objects.filter(owner=user)
    counts = dict(visible.values_list("state").annotate(Count("pk")).order_by())
    listed = visible.filter(state=wanted.state) if wanted.state else visible
    page = Page.of(listed.select_related("owner", "node").only(*COLUMNS), wanted)
    total = sum(counts.values())
    now = timezone.now()
    context = {
        "now": now,
        "wanted": wanted,
        "rows": [ShownJob(job, now) for job in page.rows],
        "tabs": [_tab(wanted, state, counts.get(state, 0)) for state in State],
        "all_tab": (wanted.by(state=None), total),
        "shown_of": counts.get(wanted.state, 0) if wanted.state else total,
        "total": total,
        "sees_all": wanted.everyones or sees_every_job(user),
        "mine": Wanted(state=wanted.state).address(),
        "everyones": Wanted(everyones=True, state=wanted.state).address(),
        "newer": wanted.address(after=page.rows[0].pk) if page.newer else "",
        "older": wanted.address(before=page.rows[-1].pk) if page.older else "",
        "newest": wanted.by(state=wanted.state),
    }
    return render(request, "jobs/list.html", context)


def _tab(wanted: Wanted, state: State, count: int) -> dict[str, object]:
    word = state.lower()
    return {
        "word": word,
        "address": wanted.by(state=state),
        "count": count,
        "current": wanted.state is state,
    }


def _key(query: QueryDict, name: str) -> int | None:
    word = query.get(name, "")
    if word and not (word.isascii() and word.isdecimal() and len(word) < 19):
        raise BadRequest(f"{name} is the number of a job, not {word[:40]!r}.")
    return int(word) if word else None
