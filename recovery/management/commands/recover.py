"""`manage.py recover`: one sweep now, or with --dry-run what it would do."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jobs import messages
from recovery.manager import RecoveryManager
from recovery.result import Decision


class Command(BaseCommand):
    """Runs the part of recovery that belongs to no node, and asks every agent to sweep its own."""

    help = "Recover jobs now. The agents sweep their nodes; their decisions are in the admin's ledger."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="write the ledger and change nothing")

    def handle(self, *_args: Any, **options: Any) -> None:
        dry_run = options["dry_run"]
        result = RecoveryManager().recover(trigger="command", dry_run=dry_run)
        messages.ask_recovery(dry_run=dry_run)
        for decision in result.decisions:
            self.stdout.write(self._line(decision))
        self.stdout.write(f"{result}{' (dry run: nothing was changed)' if dry_run else ''}")

    @staticmethod
    def _line(decision: Decision) -> str:
        detail = f": {decision.detail}" if decision.detail else ""
        return f"job {decision.job}.{decision.attempt} {decision.outcome} by {decision.strategy}{detail}"
