"""What must be zero at the end, counted from the client's list, the jobs' own witness, the rows and /proc."""

from collections.abc import Mapping
from typing import Final

from jobs.models import Job, ResourceAllocation
from jobs.states import FINAL_STATES
from jobsite.drill.card import Count
from jobsite.drill.load import Fate, told
from jobsite.drill.pulse import asked
from jobsite.drill.sandbox import Sandbox
from jobsite.drill.waiting import Waiting
from jobsite.drill.witness import Witness
from recovery.invariants import verify

SETTLES_WITHIN: Final = 20.0
"""A look while something is just ending may find a row and a process that disagree. What lasts, counts."""


def settled(sandbox: Sandbox, fates: Mapping[int, Fate], witness: Witness, waiting: Waiting) -> list[Count]:
    """Count until all is zero, or what cannot pass is not, or the time is over.

    Empty: the database is away, and nobody can tell.
    """
    counts: list[Count] = []

    def final() -> bool:
        counts[:] = asked(lambda: count(sandbox, fates, witness)) or ()
        found = [one for one in counts if one.number]
        return bool(counts) and (not found or any(not one.may_pass for one in found))

    waiting.until(final, within=SETTLES_WITHIN)
    return counts


def count(sandbox: Sandbox, fates: Mapping[int, Fate], witness: Witness) -> list[Count]:
    """Count once."""
    rows = dict(Job.objects.values_list("pk", "state"))
    starts = witness.starts
    over = [job for job in fates if rows.get(job) in (None, *FINAL_STATES)]
    return [
        _lost([job for job in over if not starts[job]]),
        _twice(
            [f"job {job} started {often} times" for job, often in starts.items() if often > 1], rows, fates
        ),
        _stuck([job for job in fates if job not in over]),
        _false(fates),
        Count(
            name="strays",
            may_pass=True,
            means="processes of jobs that live on after the end",
            found=tuple(f"pid {identity.pid} of {token}" for token, identity in sandbox.marked()),
        ),
        Count(
            name="unreleased",
            may_pass=True,
            means="resources that an ended job still holds",
            found=tuple(
                f"job {held.job_id} holds {held.cpus} CPU" for held in ResourceAllocation.objects.unreleased()
            ),
        ),
        Count(
            name="violations",
            may_pass=True,
            means="invariants that verify_invariants finds broken",
            found=tuple(f"{broken.invariant}: {broken.says}: {broken.found}" for broken in verify()),
        ),
    ]


def _lost(jobs: list[int]) -> Count:
    return Count(
        name="lost",
        means="accepted jobs that never ran",
        found=tuple(f"job {job} was accepted and never ran" for job in jobs),
    )


def _twice(found: list[str], rows: Mapping[int, str], fates: Mapping[int, Fate]) -> Count:
    """A job that nobody has asked for is another one's second run."""
    unasked = [f"job {job} was made of a request that was accepted once" for job in rows if job not in fates]
    return Count(name="run twice", means="jobs that started more than once", found=(*found, *unasked))


def _stuck(jobs: list[int]) -> Count:
    shown = Job.objects.in_bulk(jobs)
    return Count(
        name="stuck",
        may_pass=True,
        means="jobs without an end",
        found=tuple(f"job {job} is {shown[job].phase}: {shown[job].detail or '-'}" for job in jobs),
    )


def _false(fates: Mapping[int, Fate]) -> Count:
    return Count(
        name="false ends",
        means="ends that are recorded other than they were",
        found=tuple(
            f"job {job} ended with {fates[job]}; recorded is {end}"
            for job, end in told(list(fates)).items()
            if end != fates[job]
        ),
    )
