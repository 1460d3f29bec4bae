"""What each exploration came to, kept in test-results/model/: a run that was broken off goes on."""

import hashlib
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path

from tests.model.explorer import Finding
from tests.model.tasks import Task

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KEPT = ROOT / "test-results" / "model"
TOOLS = frozenset({"configurations.py", "mutants.py", "record.py", "report.py", "run.py", "tasks.py"})
"""Not on these does it depend what comes of a setup."""


@cache
def sources() -> str:
    """A digest of all that decides what comes of a setup: the model, and the agent's table."""
    digest = hashlib.sha256((ROOT / "jobs/execution/verdict.py").read_bytes())
    for path in sorted(HERE.rglob("*.py")):
        if path.name not in TOOLS and not path.name.startswith(("__", "test_")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def keep(task: Task, finding: Finding) -> None:
    """Write it down."""
    KEPT.mkdir(parents=True, exist_ok=True)
    record = {"name": task.name, "told": task.told, "sources": sources()} | asdict(finding)
    record |= {"taken": sorted(finding.taken), "moves": sorted(finding.moves)}
    _path_of(task).write_text(json.dumps(record, indent=1) + "\n")


def kept(task: Task) -> Finding | None:
    """What came of it the last time. None: it has not been explored since the model was changed."""
    path = _path_of(task)
    if not path.exists():
        return None
    record = json.loads(path.read_text())
    if record.pop("sources") != sources():
        return None
    del record["name"], record["told"]
    return Finding(**record | {name: set(record[name]) for name in ("taken", "moves")})


def _path_of(task: Task) -> Path:
    facts = sorted((name, _told(value)) for name, value in asdict(task.setup).items())
    digest = hashlib.sha256(repr(facts).encode()).hexdigest()[:8]
    return KEPT / f"{task.name.replace(' ', '+')}-{digest}.json"


def _told(value: object) -> str:
    return " ".join(sorted(value)) if isinstance(value, frozenset) else repr(value)
