"""T21: a node that others had given up comes back, after it has accounted for every process there is on it.

Nothing here is remembered: after a restart all of it is done again. The node is put back by a compare-and-set
on RECONCILING, so that whoever gives it up meanwhile wins. What an operator wants of it is another column.
"""

from jobs import fleet
from jobs.execution import late_results
from jobs.execution.late_starts import fence
from jobs.execution.station import Station
from jobs.execution.strays import Strays
from jobs.faults import faultpoint
from jobs.models import Node, ResourceAllocation
from jobs.states import Service

BUSY = "every process here is being accounted for"
DONE = "every process here is accounted for"


class Reconciliation:
    """Brings one node back."""

    def __init__(self, station: Station, strays: Strays) -> None:
        self._station = station
        self._strays = strays

    def look(self) -> None:
        """If the node was given up, go on with bringing it back, as far as that is possible now."""
        node = Node.objects.get(name=self._station.node_name)
        if node.service == Service.DOWN and not fleet.set_service(
            node, Service.RECONCILING, BUSY, fleet.AGENT
        ):
            return
        if node.service != Service.RECONCILING:
            return
        fence_dead_attempts(self._station)
        faultpoint("rejoin.after_tombstones")
        self._strays.sweep()
        if self._strays.left():
            return
        faultpoint("rejoin.after_sweep")
        late_results.tell_all(self._station)
        fleet.set_service(node, Service.UP, DONE, fleet.AGENT)


def fence_dead_attempts(station: Station) -> None:
    """What was claimed here, has no ticket and lives no longer never starts. A thread may still be at it."""
    claimed = ResourceAllocation.objects.without_ticket(station.node_name, station.spool.spool_id)
    fence(station.spool, claimed.released().values_list("job_id", "attempt"))
