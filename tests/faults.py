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

ELSEWHERE: dict[int, str] = {
    # Submitting, placing, sending
    1: "The web is killed before a submit is committed",
    2: "The web is killed after the commit and before its answer",
    3: "The scheduler is killed after it has given a job its place and before it sends the message",
    4: "The scheduler is killed after it has sent the message and before it notes that",
    5: "The broker is away when a job is submitted",
    6: "The connection to the database is cut during a commit",
    7: "Two schedulers want to place the same job, or fill the same node",
    8: "The scheduler is killed between placing and sending",
    9: "Very many submits at once",
    10: "The same request is sent many times",
    11: "A job is larger than any node",
    12: "Many jobs that cannot start, or need nothing, stand before one that can",
    # Operation
    69: "A cancel meets the job's own end",
    70: "A cancel meets any other transition",
    71: "Many people cancel one job at once, or one that has ended",
    72: "A limit comes as the job ends by itself",
    73: "Two sweeps work on one node",
    74: "A sweep is killed at any of its steps",
    75: "Celery Beat is dead, hangs, or there are two",
    76: "A job is to be cancelled, its node is lost, and it may run again",
    77: "Everything is restarted, and the tables are migrated, while jobs run",
    78: "A job kills its worker each time",
}
"""Faults of submitting, and of operation. A test may claim them; they are not in FAULTS.md."""

IMPOSSIBLE: dict[int, str] = {}
"""Why a fault cannot be caused where the tests run."""

PENDING: dict[int, str] = {}
"""What is not shown yet of a fault. This list only ever gets shorter."""
