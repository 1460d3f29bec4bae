"""The promise as queries: each invariant of the design, evaluated from rows, processes, spool and broker."""

from recovery.invariants.check import Violation, verify

__all__ = ["Violation", "verify"]
