"""What came of each round, as it is kept beside the page: docs/results/<round>.json."""

import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from tests.reliability.rounds import Round, named
from tests.session import ROOT

KEPT = ROOT / "docs" / "results"
FRESH = ROOT / "test-results"


@dataclass(frozen=True)
class Figures:
    """The result of one round: its lines, and what was measured when, where and by which command."""

    command: str
    commit: str
    at: str
    machine: str
    lines: list[str]

    @classmethod
    def now(cls, round_: Round, output: str, command: str = "") -> Self:
        """Of a round that has just been played here. Raises SystemExit when it tells no result."""
        lines = round_.lines_of(output)
        if not lines:
            raise SystemExit(
                f"Nothing in this output tells what came of {round_.name}: no line matches {round_.tells!r}."
                " Has it come to its end?"
            )
        at = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(command or round_.command, _commit(), at, _machine(), lines)

    @classmethod
    def read(cls, name: str, directory: Path = KEPT) -> Self | None:
        """None: it was not played yet."""
        file = directory / f"{name}.json"
        return cls(**json.loads(file.read_text())) if file.is_file() else None

    def keep(self, name: str, directory: Path = KEPT) -> Path:
        """Write them down."""
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / f"{name}.json"
        file.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n")
        return file


def fetch(name: str, fresh: Path = FRESH, kept: Path = KEPT) -> Figures | None:
    """Keep what a command that writes its own file has left there. None: it has left none."""
    told = list(filter(None, map(_told, sorted(fresh.glob(f"{name}*.json")))))
    whole = [one for one in told if named(name).lines_of("\n".join(one.lines))]
    if not whole:
        return None
    figures = replace(whole[-1], lines=[line for one in whole for line in one.lines])
    figures.keep(name, kept)
    return figures


def _told(file: Path) -> Figures | None:
    """What such a file says; not each says all of it. None: it is made for something else."""
    told: Any = json.loads(file.read_text())
    if not isinstance(told, dict):
        return None
    written = datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat(timespec="seconds")
    return Figures(
        command=told.get("command", ""),
        commit=told.get("commit", ""),
        at=told.get("at", written),
        machine=told.get("machine", _machine()),
        lines=told.get("lines", [told["line"]] if "line" in told else []),
    )


def _machine() -> str:
    cpus, load = len(os.sched_getaffinity(0)), " ".join(f"{part:.1f}" for part in os.getloadavg())
    return f"{cpus} CPUs, Linux {platform.release()}, Python {platform.python_version()}, load {load}"


def _commit() -> str:
    asked = ["git", "describe", "--always", "--dirty=+", "--abbrev=10", "--exclude=*"]
    told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    return told.stdout.strip() or "unknown"
