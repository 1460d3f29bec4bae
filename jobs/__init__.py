"""The domain: jobs, allocations, nodes, and the ways in (web, API, command line, tasks)."""
