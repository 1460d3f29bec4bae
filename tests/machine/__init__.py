"""A state machine on the real code: only broker, processes and clocks are made up.

Hypothesis chooses who moves. Every actor is a thread with a database connection of its own, and one moves at
a time, so a story of steps comes out the same whenever it is told again. An actor may be suspended before any
statement, at a commit, before a signal or at a fault point, while others move, and may die there.
"""
