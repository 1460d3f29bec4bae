"""The scheduler daemon says what it is."""

import pytest

from scheduler.management.commands.run_scheduler import Command
from scheduler.models import SchedulerLease
from tests.scheduler.test_leader import leader, let_the_lease_end

pytestmark = pytest.mark.django_db


def test_a_scheduler_that_leads_no_longer_says_which_term_it_was(caplog: pytest.LogCaptureFixture) -> None:
    daemon = Command()
    daemon.leader, daemon.asked = leader("first"), float("-inf")
    term = SchedulerLease.objects.get().term
    let_the_lease_end()
    leader("second")
    with caplog.at_level("INFO"):
        daemon._turn()
    assert caplog.messages == [f"leads no longer; it was term {term}"]
