"""One leader by a row and a term."""

from datetime import timedelta

import pytest

from jobs.models.clock import ClockTimestamp
from scheduler.leader import DeposedError, Leader
from scheduler.models import SchedulerLease

pytestmark = pytest.mark.django_db
A_MINUTE = timedelta(minutes=1)


def leader(name: str, lease: timedelta = A_MINUTE) -> Leader:
    made = Leader(name, lease)
    assert made.campaign()
    return made


def let_the_lease_end() -> None:
    SchedulerLease.objects.update(until=ClockTimestamp())


def test_only_one_of_two_leads() -> None:
    leader("first")
    assert not Leader("second", A_MINUTE).campaign()


def test_another_leads_with_the_next_term_when_the_lease_is_over() -> None:
    first = leader("first")
    let_the_lease_end()
    second = leader("second")
    assert second.term == (first.term or 0) + 1
    assert not first.renew()


def test_a_leader_that_steps_down_is_followed_at_once() -> None:
    leader("first").step_down()
    leader("second")


def test_a_leader_whose_lease_is_over_places_nothing() -> None:
    first = leader("first")
    let_the_lease_end()
    with pytest.raises(DeposedError), first.leading():
        pytest.fail("it led without a lease")


def test_a_leader_of_an_older_term_places_nothing_though_the_row_is_live() -> None:
    first = leader("first")
    let_the_lease_end()
    leader("second")
    with pytest.raises(DeposedError), first.leading():
        pytest.fail("it led with an old term")


def test_whoever_wakes_up_after_its_lease_cannot_renew_it() -> None:
    first = leader("first")
    let_the_lease_end()
    assert not first.renew()
    assert first.term is None
