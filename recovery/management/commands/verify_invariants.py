"""`manage.py verify_invariants`: is the promise kept at this moment?"""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from recovery.invariants import verify


class Command(BaseCommand):
    """Evaluates the invariants from rows, processes, spool and broker. Exit code 1 when one is broken."""

    help = "Check the invariants that Jobsite promises, and say which are broken."

    def handle(self, *_args: Any, **_options: Any) -> None:
        violations = verify()
        for violation in violations:
            self.stderr.write(f"{violation.invariant} ({violation.says}): {violation.found}")
        self.stdout.write(f"verify_invariants={len(violations)}")
        if violations:
            sys.exit(1)
