"""Processes started from a spool that their node has lost since: nothing in the new one tells of them.

Their marker names the old spool. That it was this node's is what an allocation says that was claimed with it;
whatever else carries a marker is another platform's, and none of our business.
"""

from collections.abc import Iterable

from jobs.execution.hands import Pair
from jobs.execution.spool import Spool
from jobs.execution.station import Station
from jobs.models import ResourceAllocation


def pairs_of(station: Station, tokens: Iterable[str]) -> dict[Pair, str]:
    """Those of these markers, by attempt, that this node has given out with another spool."""
    told: dict[tuple[str, Pair], str] = {}
    for token in tokens:
        spool_id = token.partition(".")[0]
        pair = Spool(station.spool.path, spool_id).pair_of(token)
        if pair is not None and spool_id not in ("", station.spool.spool_id):
            told[spool_id, pair] = token
    if not told:
        return {}
    claimed = ResourceAllocation.objects.filter(
        node__name=station.node_name,
        spool_id__in={spool_id for spool_id, _ in told},
        job_id__in={pair[0] for _, pair in told},
    )
    known = {
        (spool_id, (job_id, attempt))
        for spool_id, job_id, attempt in claimed.values_list("spool_id", "job_id", "attempt")
    }
    return {pair: token for (spool_id, pair), token in told.items() if (spool_id, pair) in known}
