"""The schedule of a round is its seed's: the same for the same arguments, and in the promised shares."""

from collections import Counter
from itertools import pairwise

import pytest

from tests.chaos.schedule import HARMS, LASTING, SCALE, WORKS, Harm, Schedule, Work, draw


@pytest.fixture(scope="module")
def large() -> Schedule:
    return draw(7, 10_000, 1_000)


def test_a_seed_gives_the_same_schedule_again() -> None:
    assert draw(3, 300, 30) == draw(3, 300, 30)
    first = draw(3, 300, 30).faults[0]
    assert (first.at, first.harm, first.choice) == (2.36, Harm.POSTGRES, 0.5073816537247389)


def test_another_seed_gives_another() -> None:
    assert draw(3, 300, 30) != draw(4, 300, 30)


def test_both_modes_of_a_seed_have_the_same_faults_of_which_one_is_earlier() -> None:
    healed, lasting = draw(3, 300, 30), draw(3, 300, 30, liveness=False)
    assert [fault.harm for fault in healed.faults] == [fault.harm for fault in lasting.faults]
    assert healed.jobs == lasting.jobs
    assert healed.healed_at == 0.8 * lasting.healed_at


def test_every_fault_is_asked_for_before_the_healing(large: Schedule) -> None:
    moments = [fault.at for fault in large.faults]
    assert len(moments) == 1_000
    assert moments == sorted(moments)
    assert moments[0] >= 0
    assert moments[-1] <= large.healed_at < large.length


def test_jobs_come_until_the_end(large: Schedule) -> None:
    assert len(large.jobs) == 10_000
    assert large.healed_at < large.jobs[-1].at <= large.length
    assert [job.number for job in large.jobs] == list(range(10_000))


def test_the_shares_are_those_that_were_promised(large: Schedule) -> None:
    works, harms = Counter(job.work for job in large.jobs), Counter(fault.harm for fault in large.faults)
    assert sum(HARMS.values()) == sum(WORKS.values()) == 100
    assert {work: round(works[work] / 100) for work in Work} == pytest.approx(WORKS, abs=1.5)
    assert {harm: harms[harm] / 10 for harm in Harm} == pytest.approx(HARMS, abs=4)


def test_a_fault_lasts_as_long_as_its_kind_does(large: Schedule) -> None:
    for fault in large.faults:
        least, most = LASTING.get(fault.harm, (0.0, 0.0))
        assert SCALE * least - 0.001 <= fault.lasts <= SCALE * most + 0.001


def test_the_gaps_between_faults_are_those_of_a_poisson_process(large: Schedule) -> None:
    """Of the gaps of one, about 63 % are shorter than the mean, and they vary as much as they are long."""
    moments = [0.0, *(fault.at for fault in large.faults)]
    gaps = [later - before for before, later in pairwise(moments)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert sum(gap < mean for gap in gaps) / len(gaps) == pytest.approx(0.632, abs=0.04)
    assert deviation == pytest.approx(mean, rel=0.15)
