"""What `make run` executes: the process table, its supervisor, and what a first start prepares."""
