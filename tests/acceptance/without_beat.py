"""`make run` on a machine where Celery Beat never starts: whoever wants one starts it beside."""

import sys

from jobsite.run import __main__ as run
from jobsite.run import processes
from jobsite.run.processes import Process

COMMAND = (sys.executable, "-m", "tests.acceptance.without_beat")
_table = processes.table


def all_but_beat(*arguments: object, **options: object) -> tuple[Process, ...]:
    """The platform's own processes without it."""
    return tuple(process for process in _table(*arguments, **options) if process.name != "beat")  # type: ignore[arg-type]


if __name__ == "__main__":
    processes.table = all_but_beat
    sys.exit(run.main())
