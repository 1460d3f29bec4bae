"""Read by every interpreter that has this directory on PYTHONPATH: plants the fault that PLANTED names."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


def no_second_scheduler() -> None:
    """The supervisor starts no scheduler again."""
    from jobsite.run.supervisor import Supervisor  # noqa: PLC0415 - only where the fault is wanted

    start = Supervisor._start_when_due

    def start_others(supervisor: Supervisor, charge: Any) -> None:
        if charge.name != "scheduler":
            start(supervisor, charge)

    Supervisor._start_when_due = start_others  # type: ignore[assignment,method-assign]


def every_end_is_a_success() -> None:
    """The agent believes every job that ended to have ended well."""
    from jobs.execution import records, spool  # noqa: PLC0415

    read = records.read_outcome

    def read_well(path: Path) -> Any:
        outcome = read(path)
        return outcome and replace(outcome, exit_code=0, exit_signal=None)

    spool.read_outcome = read_well  # type: ignore[attr-defined]


FAULTS = {
    ("scheduler", "jobsite.run"): no_second_scheduler,
    ("ends", "worker"): every_end_is_a_success,
}

for (name, program), plant in FAULTS.items():
    if os.environ.get("PLANTED") == name and program in sys.orig_argv:
        sys.path.insert(0, str(ROOT))
        plant()
