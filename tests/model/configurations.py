"""The bounded worlds that are explored, each with what it is for."""

from tests.model.setup import EVERY_FAULT, Setup

SCHEDULERS = Setup.of(
    jobs=2, nodes=2, kinds="leader", schedulers=True, limit=1, people="", attempts=1
)  # a limit across nodes
CONFIGURATIONS: dict[str, tuple[str, Setup]] = {
    "A1": (
        "1 job, 1 node, 1 fault of every kind; cancel, expiry, drain, a node said to be down",
        Setup.of(faults=1, kinds=EVERY_FAULT, people="cancel expire drain down"),
    ),
    "A0": (
        "1 job, 1 node, 1 fault: worker, partition, messages; cancel, hold, release",
        Setup.of(faults=1, kinds="worker partition duplicate", people="cancel hold"),
    ),
    "A2": ("1 job, 1 node, 2 faults of every kind; cancel", Setup.of(kinds=EVERY_FAULT)),
    "A3": (
        "1 job, 1 node, 3 faults: worker, wrapper, reboot, partition, spool; cancel",
        Setup.of(faults=3, kinds="worker wrapper reboot partition spool"),
    ),
    "A4": (
        "1 job, 1 node, 3 faults: broker, messages, publisher, commit, freeze, worker; cancel",
        Setup.of(faults=3, kinds="flush duplicate publisher commit freeze worker"),
    ),
    "A5": (
        "1 job, 1 node, 3 attempts, 3 may come to nothing, 2 faults; cancel",
        Setup.of(attempts=3, unstarted_limit=3, kinds="worker wrapper partition freeze publisher"),
    ),
    "A6": (
        "1 job, 1 node, 4 faults: worker, wrapper, partition",
        Setup.of(faults=4, kinds="worker wrapper partition", people=""),
    ),
    "A7": ("1 job, 1 node, 3 faults of every kind; cancel", Setup.of(faults=3, kinds=EVERY_FAULT)),
    "B1": (
        "1 job, 2 nodes, 1 fault of every kind; cancel, drain, a node said to be down",
        Setup.of(nodes=2, faults=1, kinds=EVERY_FAULT, people="cancel drain down"),
    ),
    "B2": (
        "1 job, 2 nodes, 2 faults: worker, wrapper, reboot, partition, freeze, messages; cancel",
        Setup.of(nodes=2, kinds="worker wrapper reboot partition freeze duplicate"),
    ),
    "C1": (
        "2 jobs, 1 CPU, 1 fault: worker, wrapper, reboot, partition, spool, publisher, commit",
        Setup.of(
            jobs=2,
            faults=1,
            kinds="worker wrapper reboot partition spool publisher commit",
            people="",
        ),
    ),
    "C2": (
        "2 jobs, 1 CPU, 1 fault: worker, partition; cancel",
        Setup.of(jobs=2, faults=1, kinds="worker partition"),
    ),
    "C3": (
        "2 jobs, 2 CPUs, 1 attempt, partition: a node is lost with one that ended and one that runs",
        Setup.of(jobs=2, cpus=2, faults=1, kinds="partition", people="", attempts=1),
    ),
    "C4": (
        "2 jobs, 2 nodes, 1 attempt, 1 fault: worker, wrapper, partition",
        Setup.of(jobs=2, nodes=2, faults=1, kinds="partition worker wrapper", people="", attempts=1),
    ),
    "C5": (
        "2 jobs, 1 CPU, 2 faults: worker, wrapper, partition",
        Setup.of(jobs=2, kinds="partition worker wrapper", people=""),
    ),
    "D1": ("2 schedulers, 2 jobs, 2 nodes, one place in all: leaders stop twice and wake", SCHEDULERS),
    "D2": (
        "2 schedulers, 2 jobs, 1 CPU, 2 faults: leader, partition",
        Setup.of(jobs=2, kinds="leader partition", schedulers=True, people="", attempts=1),
    ),
    "E1": (
        "two recoverers look, win the number, publish; 2 faults: publisher, broker, worker",
        Setup.of(kinds="publisher flush worker", sequences=True, people=""),
    ),
    "F1": (
        "requeue, 1 job, 2 nodes, 1 fault of every kind; cancel",
        Setup.of(nodes=2, faults=1, kinds=EVERY_FAULT, requeue=True),
    ),
    "F2": (
        "requeue, 1 job, 1 node, 2 faults: worker, wrapper, partition, freeze, reboot, spool, commit; cancel",
        Setup.of(kinds="worker wrapper partition freeze reboot spool commit", requeue=True),
    ),
    "F3": (
        "requeue, 1 job, 2 nodes, 2 faults: worker, wrapper, partition",
        Setup.of(nodes=2, kinds="worker wrapper partition", people="", requeue=True),
    ),
    "F4": (
        "requeue, 1 job, 2 nodes, 3 attempts, 1 fault: worker, wrapper, partition, freeze",
        Setup.of(
            nodes=2,
            faults=1,
            attempts=3,
            kinds="partition worker freeze wrapper",
            requeue=True,
            people="",
        ),
    ),
    "F5": (
        "requeue, 1 job, 2 nodes, 2 faults: partition, wrapper, reboot, spool",
        Setup.of(nodes=2, kinds="partition spool reboot wrapper", requeue=True, people=""),
    ),
    "G1": (
        "1 job, 1 node, 2 faults: wrapper stopped by a signal, wrapper, worker, partition; cancel",
        Setup.of(kinds="stop wrapper worker partition"),
    ),
    "G2": (
        "1 job, 2 nodes, 1 fault: machine stands still with its clocks; cancel, a node said to be down",
        Setup.of(nodes=2, faults=1, kinds="pause", people="cancel down"),
    ),
    "G3": (
        "1 job, 1 node, 2 faults: machine stands still, worker, commit; cancel",
        Setup.of(kinds="pause worker commit"),
    ),
    "G4": (
        "1 job, 1 node, 2 faults: exit.json forged by the job, wrapper, worker; cancel",
        Setup.of(kinds="forge wrapper worker"),
    ),
    "F6": (
        "requeue, 1 job, 2 nodes, 2 faults: worker, wrapper, partition, freeze",
        Setup.of(nodes=2, kinds="worker wrapper partition freeze", people="", requeue=True),
    ),
}
