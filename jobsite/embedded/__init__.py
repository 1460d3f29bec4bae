"""PostgreSQL and the broker out of their wheels, for a machine that has no servers of its own.

A server here is prepared, described (arguments, environment, stop signal) and asked whether it is ready.
Whoever prepares it holds its lock and starts it as a child that ends with its parent.
"""
