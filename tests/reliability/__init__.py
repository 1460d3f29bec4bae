"""The page that says what is promised, what is not, and what was measured: docs/reliability.md."""
