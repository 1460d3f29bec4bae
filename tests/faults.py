"""The faults that running jobs must survive: each is shown by a test, or it says why none can show it here.

`make faults` writes `FAULTS.md` from this list and from the tests that claim a row of it.
"""

FAULTS: dict[int, str] = {
    # The broker
    13: "The broker forgets everything while many jobs are placed",
    14: "Every message comes several times",
    15: "A message comes late: its job was cancelled, has ended or is in another attempt",
    16: "Messages that nobody of the platform has sent",
    17: "The broker is killed and comes back, with and without what it had on disk",
    18: "A worker and the broker cannot reach each other, and then can again",
    19: "The broker has no memory left for another message",
    20: "A worker is killed after it took a message from the queue and before it noted that it has it",
    21: "A worker is killed with messages that it has noted and not begun",
    22: "The broker answers slowly, and some connections are reset",
    23: "Two sweeps want to send the same message again at the same moment",
    # The database and the disks
    24: "PostgreSQL crashes and comes back, again and again",
    25: "PostgreSQL is away while jobs end",
    26: "Somebody keeps a job's row locked",
    27: "Many writers lock the same rows in different orders",
    28: "The database's disk is full",
    29: "The spool's disk is full: at the ticket, at the script, at the end of the job",
    30: "The spool cannot be written any more, or is gone",
    31: "A job's output is taken away while it runs",
    32: "The database is an older copy of itself while jobs run that it does not know",
    33: "Every process of PostgreSQL is killed at once, as when the power fails",
    # From the claim to the release
    34: "A worker is killed before it claims a job",
    35: "A worker is killed after the claim and before the ticket",
    36: "A job's supervision is killed after the ticket and before the job's program",
    37: "A worker is frozen between claim and ticket, and wakes after recovery has decided",
    38: "Every Celery process is killed while many jobs run",
    39: "A wrapper is killed and its job lives on",
    40: "A wrapper and its job are killed",
    41: "A wrapper is killed after its job ended and before it wrote down how",
    42: "Whoever records an end is cut off before or after its commit",
    43: "A job has ended and what it held is still taken",
    44: "A job cannot be started at all",
    45: "Jobs that are over before anybody could note their process",
    46: "A job leaves children that nobody reaps",
    47: "A daemon that has left its session and cleared its environment",
    48: "The same daemon, and its wrapper is killed too",
    49: "A job that does not hear TERM",
    50: "A process that no signal can end",
    51: "A fork bomb",
    52: "A job that takes more memory than it asked for",
    53: "The kernel kills the worker or a wrapper for want of memory",
    54: "Output at full speed without end",
    55: "Output that is no text: NUL, broken UTF-8, control characters, markup, one endless line",
    56: "A job deletes its own output, or puts a link or a pipe in its place",
    57: "A job closes its streams, and opens as many files as it can",
    58: "Every exit code and every signal",
    # Time, identity, machines
    59: "The number of a process that has gone is given to a stranger",
    60: "A node's clock jumps",
    61: "The clock of the database's machine jumps",
    62: "The machine restarts under running jobs",
    63: "The machine restarts, and strangers have the numbers of its jobs",
    64: "A node is suspended for hours, and resumed",
    65: "A node is cut off, given up, and comes back with its job still running",
    66: "The same, and the job has succeeded meanwhile",
    67: "Two machines say that they are the same node",
    68: "A node is taken out of the database while jobs run there",
}

ELSEWHERE = {*range(1, 13), *range(69, 79)}
"""Faults of submitting, and of operation. A test may claim them; they are not in the table."""

IMPOSSIBLE: dict[int, str] = {}
"""Why a fault cannot be caused where the tests run."""

PENDING: dict[int, str] = {}
"""What is not shown yet of a fault. This list only ever gets shorter."""
