"""The platform in figures, for Prometheus: counts and amounts of the whole, and nobody's job or name.

The web has many processes, and each may be asked: whatever is told is read from the database at that moment.
What it costs grows with what waits and runs, never with what has ended.
"""
