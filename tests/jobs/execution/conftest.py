"""A spool and a station of each test's own."""

from tests.jobs.execution.running import spool, station

__all__ = ["spool", "station"]
