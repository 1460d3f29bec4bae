"""Decides which job runs where. Imports jobs; recovery imports it."""
