"""What the agent's table says of a running job: the product's own function, jobs.execution.verdict.decide."""

from itertools import product

from jobs.execution.verdict import Evidence, TicketKind, Verdict, decide
from tests.model.setup import Setup
from tests.model.state import ALIVE, NO_TICKET, RUNS, TOMBSTONE, WRAPPERS, Attempt, Job, Node

KINDS = {NO_TICKET: TicketKind.NONE, TOMBSTONE: TicketKind.TOMBSTONE, WRAPPERS: TicketKind.WRAPPER}
FLAGS = ("same_spool", "same_boot", "identity_in_row", "has_outcome", "wrapper_alive", "process_alive")
TABLE: dict[tuple[str, tuple[bool, ...]], Verdict] = {
    (ticket, flags): decide(Evidence(ticket=kind, **dict(zip(FLAGS, flags, strict=True))))
    for ticket, kind in KINDS.items()
    for flags in product((False, True), repeat=len(FLAGS))
}


def verdict_of(setup: Setup, row: Job, run: Attempt, node: Node) -> Verdict:
    """The product's table, on what the agent sees, or on what a mutant sees."""
    held, mutants = row.allocation, setup.mutants
    rebooted = not held or held.boot != node.boot
    same_spool = held.spool == node.spool if held else False
    identity = bool(held.identity) if held else False
    wrapper, process, told = run.wrapper in ALIVE, run.process == RUNS, bool(run.outcome)
    same_boot = not rebooted
    if mutants:
        same_spool = same_spool or "skip_spool_id" in mutants
        same_boot = same_boot or "skip_boot_id" in mutants
        if "marker_unknown" in mutants and not identity and not same_spool:
            wrapper = process = False
        if "row_order" in mutants and same_spool and run.ticket == NO_TICKET:
            identity = False
        wrapper = wrapper or (
            "skip_boot_id" in mutants and rebooted and bool(held)
        )  # its pid is a stranger's
        process = process and not (told and mutants & {"exit_json_early", "forged_is_believed"})
        told = told and (wrapper or process or "t17_before_exit_json" not in mutants)
    return TABLE[run.ticket, (same_spool, same_boot, identity, told, wrapper, process)]
