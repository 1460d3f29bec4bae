"""What is changed where nobody wrote a mutant, and that each change can be loaded."""

import ast

from tests.mutants.generated import every, reasons
from tests.mutants.generator import places
from tests.session import ROOT

SOURCE = '''def end(job: Job, *, urgent: bool) -> bool:
    """Ends it."""
    if job.state == RUNNING and not urgent:
        free(job, attempt=1)
    return Job.objects.unlocked().filter(pk=job.pk, state=job.state).update(state=DONE) == 1
'''
CHANGES = {
    "branch decided: job.state == RUNNING and not urgent → False",
    "branch decided: job.state == RUNNING and not urgent → True",
    "condition dropped: job.state == RUNNING and → nothing",
    "condition dropped: and not urgent → nothing",
    "not dropped: not → nothing",
    "call dropped: free(job, attempt=1) → pass",
    "other number: 1 → 2",
    "narrowing dropped: .unlocked() → nothing",
    "narrowing dropped: .filter(pk=job.pk, state=job.state) → nothing",
    "term dropped: pk=job.pk, → nothing",
    "term dropped: state=job.state → nothing",
    "term dropped: state=DONE → nothing",
    "other comparison: == → !=",
}


def test_every_small_change_of_a_function_is_made_once() -> None:
    made = places(SOURCE)
    assert len({place.apply(SOURCE) for place in made}) == len(made)
    keys = {place.key.removeprefix("end: ") for place in made}
    assert {key for key in keys if not key.startswith("other answer")} == CHANGES
    assert [key.partition(": ")[0] for key in keys - CHANGES] == ["other answer"]


def test_some_hundred_are_made_of_the_lifecycle_and_of_recovery_and_each_can_be_parsed() -> None:
    made = every()
    assert len(made) > 400
    for one in made[::10]:
        ast.parse(one.place.apply((ROOT / one.file).read_text()))
        assert all((ROOT / test).is_file() for test in one.killers)


def test_whoever_is_said_to_do_no_harm_is_still_made() -> None:
    assert set(reasons()) <= {one.key for one in every()}
