"""A node's lease: one agent at a time speaks for a node, and claims nothing without it."""

from datetime import timedelta

import pytest

from jobs import fleet
from jobs.execution.lease import LeaseKeeper, LeaseLostError
from jobs.models import Node, NodeLease
from jobs.models.clock import ClockTimestamp, database_now

pytestmark = pytest.mark.django_db
AN_HOUR = timedelta(hours=1)


@pytest.fixture
def node() -> Node:
    return fleet.enrol("n1", cpus=2, memory_mb=1024, gpus=0)


def keeper(node: Node, boot: str = "boot", spool: str = "spool", lease: timedelta = AN_HOUR) -> LeaseKeeper:
    return LeaseKeeper(node, boot_id=boot, spool_id=spool, lease=lease)


def holds(keeper: LeaseKeeper) -> bool:
    with keeper.claiming() as held:
        return held


def test_a_new_node_is_spoken_for_at_once(node: Node) -> None:
    first = keeper(node)
    assert not holds(first)
    assert first.take()
    assert holds(first)
    lease = NodeLease.objects.get()
    assert (lease.incarnation, lease.boot_id, lease.spool_id) == (1, "boot", "spool")
    assert lease.lease_until > database_now()
    assert lease.broker_ok_at is None


@pytest.mark.parametrize(("boot", "spool"), [("boot", "another"), ("another", "spool")])
def test_another_machine_of_the_same_name_waits_until_the_lease_is_over(
    node: Node, boot: str, spool: str
) -> None:
    """F67: two agents of one name never speak for it at once."""
    """F67: with a spool or a boot of its own."""
    assert keeper(node).take()
    other = keeper(node, boot, spool)
    assert not other.take()
    assert not holds(other)
    NodeLease.objects.update(lease_until=ClockTimestamp())
    assert other.take()
    assert NodeLease.objects.get().incarnation == 2


def test_the_next_agent_of_the_same_spool_and_boot_takes_over_at_once(node: Node) -> None:
    first, second = keeper(node), keeper(node)
    assert first.take()
    assert second.take()
    with pytest.raises(LeaseLostError):
        first.renew(hears_broker=True)
    assert not holds(first)
    second.renew(hears_broker=True)
    assert holds(second)


def test_two_who_saw_the_same_lease_do_not_both_get_it(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """F67: the second one's update finds another incarnation."""
    assert keeper(node).take()
    seen = NodeLease.objects.get()
    assert keeper(node).take()
    monkeypatch.setattr(NodeLease.objects, "get", lambda **_: seen)
    assert not keeper(node).take()


def test_a_renewal_moves_the_lease_and_says_whether_the_broker_is_heard(node: Node) -> None:
    mine = keeper(node)
    mine.take()
    NodeLease.objects.update(lease_until=ClockTimestamp())
    mine.renew(hears_broker=False)
    lease = NodeLease.objects.get()
    assert lease.lease_until > database_now()
    assert lease.broker_ok_at is None
    mine.renew(hears_broker=True)
    lease.refresh_from_db()
    assert lease.broker_ok_at is not None


def test_an_agent_that_has_given_up_claims_nothing(node: Node) -> None:
    mine = keeper(node)
    mine.take()
    mine.give_up()
    assert not holds(mine)


def test_a_lease_is_believed_by_this_machines_own_steady_clock(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = keeper(node)
    mine.take()
    now = 10**9
    monkeypatch.setattr("jobs.execution.lease.boottime", lambda: now)
    assert not holds(mine)
