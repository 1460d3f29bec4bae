"""Figures for other programs: each command leaves its own, with the commit and the command that made them."""

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine

ROOT = Path(__file__).resolve().parent.parent
DIRECTORY = ROOT / "test-results"


def keep(name: str, figures: Mapping[str, object]) -> Path:
    """Write them to test-results/<name>.json, beside the page that `make reliability` makes of them."""
    DIRECTORY.mkdir(exist_ok=True)
    file = DIRECTORY / f"{name}.json"
    told = {
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "commit": commit(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.line(),
    }
    file.write_text(json.dumps({**told, **figures}, indent=1) + "\n")
    print(f"figures in {file.relative_to(ROOT)}")
    return file


def commit() -> str:
    """Which code was measured, with a + when files were changed since."""
    asked = ["git", "describe", "--always", "--dirty=+", "--abbrev=10", "--exclude=*"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
