"""The product with one clause broken, and the tests that must see it: the checkers are tested.

A mutant is a piece of source and what stands in its place. Each is tried in a copy of the project, never in
the project itself. A quick test keeps every piece where it is said to be.
"""
