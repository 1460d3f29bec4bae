"""The nodes: listed for everybody, steered by operators."""

import json
from datetime import UTC, datetime
from typing import Final

from jobs.cli.commands import Call
from jobs.cli.errors import OK
from jobs.cli.report import say
from jobs.cli.screen import safe
from jobs.cli.server import Node
from jobs.cli.table import Column, grid
from jobs.resources import format_duration, format_memory


def heard(node: Node, now: datetime) -> str:
    """How long ago its agent renewed its lease. A dash: never."""
    if not node["heard_at"]:
        return "-"
    ago = now - datetime.fromisoformat(node["heard_at"])
    return format_duration(max(ago, ago * 0))


GPUS: Final = Column("GPU", lambda node, _: f"{node['gpus_taken']}/{node['gpus']}", right=True, spare=3)
COLUMNS: Final = (
    Column("NODE", lambda node, _: safe(node["name"])),
    Column("SERVICE", lambda node, _: safe(node["service"])),
    Column("CPU", lambda node, _: f"{node['cpus_taken']}/{node['cpus']}", right=True),
    Column(
        "MEMORY",
        lambda node, _: f"{format_memory(node['memory_taken_mb'])}/{format_memory(node['memory_mb'])}",
        right=True,
        spare=1,
    ),
    GPUS,
    Column("JOBS", lambda node, _: str(node["jobs"]), right=True, spare=2),
    Column("HEARD", heard, right=True, spare=4),
    Column("WHY", lambda node, _: safe(node["reason"] or "-"), least=16),
)


def nodes(call: Call) -> int:
    """Every node: what of it is given to jobs and what there is, and why it takes none."""
    found, clock = call.server.nodes()
    if call.given.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    elif found:
        shown = [column for column in COLUMNS if column is not GPUS or any(node["gpus"] for node in found)]
        print(*grid(shown, found, clock or datetime.now(UTC), call.screen, word="service"), sep="\n")
    else:
        say("No node has enrolled yet.")
    return OK


def node(call: Call) -> int:
    """Say what is wanted of one, and what becomes of its jobs."""
    steered = call.server.steer(call.given.verb, call.given.name, call.given.reason)
    if not steered["changed"]:
        say(f"{safe(steered['name'])} was wanted {safe(steered['wanted'])} already; nothing was changed.")
    print(safe(steered["outlook"]))
    if steered["wanted"] == "UP" and steered["reason"]:
        say(f"It takes none now: {safe(steered['reason'])}.")
    return OK
