"""What a round has come to: one line, and all of it as JSON beside it."""

import json
import os
import statistics
import subprocess
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.chaos.injuries import Injury
from tests.chaos.oracle import Record
from tests.chaos.rows import Rows
from tests.chaos.schedule import Harm
from tests.chaos.world import World
from tests.session import ROOT

if TYPE_CHECKING:
    from tests.chaos.round import Round

SHOWN: Final = 20
COUNTED = {
    "republished": "SELECT count(*) FROM jobs_jobevent WHERE kind = 'dispatched' AND message LIKE '%% again'",
    "late_results": "SELECT count(*) FROM jobs_jobevent WHERE kind = 'late result'",
    "requeued": "SELECT count(*) FROM jobs_jobevent WHERE kind = 'requeued'",
    "returned": "SELECT count(*) FROM jobs_jobevent WHERE kind = 'returned'",
    "strays_killed": "SELECT count(*) FROM jobs_jobevent WHERE kind = 'stray killed'",
}
DROPPED = ("nothing to claim; the message is dropped", "its directory is there already; dropped")
"""What a worker's log says of a message that it did not follow."""
INSIDE = ("started_twice", "lost", "stuck", "false_ok", "strays", "cpus_leaked", "verify_invariants")
"""Those zeros that stand in the line's first part."""


def counts(world: World) -> dict[str, int]:
    """How often the platform has done what it is for."""
    with Rows(world.database_url) as rows:
        found = {name: int(rows.ask(query.replace("%%", "%"))[0][0]) for name, query in COUNTED.items()}
    logs = [file.read_text(errors="replace") for file in world.logs.glob("worker-*.log")]
    return {**found, "dup_msgs_dropped": sum(log.count(words) for log in logs for words in DROPPED)}


def tell(asked: Namespace, going: "Round", record: Record, found: dict[str, list[str]]) -> None:
    """Print what was found and the line; store the rest."""
    counted = counts(going.world)
    more = {"mode": asked.mode, "pace": asked.pace, "missed": len(going.missed), "seconds": round(going.took)}
    told = line(record, found, counted, asked.seed, **more)
    result = ROOT / "test-results" / f"chaos-{asked.seed}-{asked.jobs}-{asked.faults}-{asked.mode}.json"
    store(
        result,
        told,
        record,
        found,
        counts=counted,
        answers=dict(going.crowd.ledger.answers),
        looks=going.watcher.looks,
        strangers=going.strangers.begun,
        missed=[f"{fault.harm} at {fault.at}" for fault in going.missed],
        load=os.getloadavg(),
    )
    for name, what in found.items():
        sys.stdout.write("".join(f"  {name}: {one}\n" for one in what[:SHOWN]))
    sys.stdout.write(f"{told}\n{result.relative_to(ROOT)}\n")


def line(
    record: Record, found: dict[str, list[str]], counted: dict[str, int], seed: int, **more: object
) -> str:
    """The one line of a round."""
    zeros = {name: len(what) for name, what in found.items()}
    rows = [row for row in record.rows if row.id in record.numbers]
    told: dict[str, object] = {
        "seed": seed,
        "commit": commit(),
        "jobs": len(record.planned),
        "acked": sum(map(bool, record.acknowledged.values())),
        "terminal": sum(row.is_final for row in rows),
        "started": len(record.testimony.started),
        **{
            name: zeros[name]
            for name in ("started_twice", "lost", "stuck", "false_ok", "strays", "cpus_leaked")
        },
        "faults": f"{len(record.injuries)}{by_harm(record.injuries)}",
        "recovery_s p50/p95/max": figures(recoveries(record.injuries)),
        "detect_s(wrapper kill)": figures(detections(record)),
        **{name: counted[name] for name in ("republished", "dup_msgs_dropped", "late_results")},
        "verify_invariants": zeros["verify_invariants"],
        **{name: number for name, number in zeros.items() if name not in INSIDE},
        **more,
    }
    return " ".join(f"{name}={value}" for name, value in told.items())


def recoveries(injuries: Iterable[Injury]) -> list[float]:
    """Seconds from the end of each fault until whom it had met was well again."""
    return sorted(one.recovered - one.ended for one in injuries if one.recovered and one.ended)


def detections(record: Record) -> list[float]:
    """Seconds from the kill of a wrapper, or the end of its job if that came later, until the row said so."""
    found = []
    rows = record.by_id
    for injury in record.injuries:
        for job, attempt in injury.pairs if injury.harm is Harm.WRAPPER else ():
            row = rows.get(job)
            if row and row.ended_at and row.reason == "SupervisorLost" and row.attempt == attempt:
                over = max(injury.begun, record.testimony.ended_at.get((job, attempt), 0.0))
                found.append(max(0.0, row.ended_at.timestamp() - over))
    return sorted(found)


def figures(seconds: Sequence[float]) -> str:
    """Median, 95th percentile and largest."""
    if not seconds:
        return "-"
    p95 = seconds[min(len(seconds) - 1, round(0.95 * (len(seconds) - 1)))]
    return f"{statistics.median(seconds):.1f}/{p95:.1f}/{seconds[-1]:.1f}"


def by_harm(injuries: Iterable[Injury]) -> str:
    """How many of each."""
    counted = Counter(one.harm for one in injuries)
    return "{" + ",".join(f"{harm.replace(' ', '-')}:{counted[harm]}" for harm in Harm if counted[harm]) + "}"


def recovery_by_harm(injuries: Iterable[Injury]) -> dict[str, str]:
    """The same figures for each kind of fault."""
    done = [*injuries]
    return {harm: figures(recoveries([one for one in done if one.harm is harm])) for harm in Harm}


def commit() -> str:
    """Of the code that was run; with a mark if it was changed since."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"]
    return (
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip() or "?"
    )


def store(path: Path, told: str, record: Record, found: dict[str, list[str]], **more: Any) -> None:
    """All of it, for whoever looks at an anomaly."""
    path.parent.mkdir(exist_ok=True)
    ends = Counter(f"{row.state} {row.reason}".strip() for row in record.rows)
    content = {
        "line": told,
        "found": found,
        "ends": dict(ends),
        "recovery_s": recovery_by_harm(record.injuries),
        "faults": [injury.told() for injury in record.injuries],
        "tracebacks": Counter(one.exception for one in record.tracebacks),
        **more,
    }
    path.write_text(json.dumps(content, indent=1, default=str) + "\n")
