"""What the agent tells others of, so that nothing below needs to import what stands above."""

from django.dispatch import Signal

sweep_due = Signal()
"""A sweep of this node is due. Sent with `station`, `trigger` and `dry_run`; recovery listens."""
