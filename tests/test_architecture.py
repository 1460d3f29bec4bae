"""The house keeps its shape: one writer of state, small files, one-way imports."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("jobsite", "jobs", "scheduler", "recovery")
SOURCES = sorted(
    path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts
)
WRITERS = (
    re.compile(
        r"\.(?:update|create|bulk_create|update_or_create|get_or_create)\([^)]*\b(?:state|phase|status)="
    ),
    re.compile(r"\bjob\.(?:state|phase)\s*=(?!=)"),
    re.compile(r"\bjobs?_?\w*\.save\("),
    re.compile(r"Job\.objects\.(?:create|bulk_create|filter\([^)]*\)\.delete)\("),
    re.compile(r"objects\.move\("),
    re.compile(r"ResourceAllocation\.objects\.(?:create|bulk_create)\("),
)
WRITER = ROOT / "jobs" / "lifecycle"
COMPARE_AND_SET = ROOT / "jobs" / "models" / "job.py"
"""Holds the one guarded update, `move`, which only the writer may call."""


def writes_state(text: str) -> list[str]:
    """The places in a source that write a job's state or an allocation."""
    return [match[0] for pattern in WRITERS for match in pattern.finditer(text)]


def test_only_lifecycle_writes_state_and_allocations() -> None:
    others = [path for path in SOURCES if WRITER not in path.parents and path != COMPARE_AND_SET]
    assert {str(path): found for path in others if (found := writes_state(path.read_text()))} == {}


@pytest.mark.parametrize(
    "line",
    [
        'Job.objects.filter(pk=1).update(state="RUNNING")',
        "job.state = State.RUNNING",
        "job.save()",
        "allocation.update(reason=1, status=AllocationStatus.RELEASED)",
        "Job.objects.create(name='x')",
        "Job.objects.move(job, QUEUED)",
    ],
)
def test_a_writer_elsewhere_would_be_seen(line: str) -> None:
    assert writes_state(line)


def test_no_file_is_longer_than_250_lines() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in SOURCES}
    assert {path: length for path, length in lengths.items() if length > 250} == {}


def test_every_module_says_what_it_is_for() -> None:
    bare = [
        path
        for path in SOURCES
        if path.read_text().strip() and not path.read_text().startswith(('"""', "#!"))
    ]
    assert bare == []


def test_imports_keep_to_their_contracts() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout


WALL_CLOCK = re.compile(r"\btime\.(?:time|localtime|gmtime)\(|\.(?:now|utcnow|today)\(|REALTIME|st_mtime")
SHOWN_ONLY = ("jobs/views", "jobs/presentation", "jobs/cli", "jobsite")


def test_f60_no_decision_rests_on_a_machines_own_wall_clock() -> None:
    """F60: a node's clock may jump. Rows have the database's time, spans are measured by steady clocks."""
    readers = {
        str(path.relative_to(ROOT)): len(found)
        for path in SOURCES
        if (found := WALL_CLOCK.findall(path.read_text()))
        and not str(path.relative_to(ROOT)).startswith(SHOWN_ONLY)
    }
    assert readers == {"jobs/execution/health.py": 2}  # it tells how far off this machine's clock is


def test_nothing_sleeps_in_a_test() -> None:
    sleeping = [
        str(path)
        for path in (ROOT / "tests").rglob("*.py")
        if re.search(r"\btime\.sleep\(", path.read_text()) and path != Path(__file__)
    ]
    assert sleeping == []
