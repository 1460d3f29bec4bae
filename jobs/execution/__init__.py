"""What happens on a node: the agent, its spool, the wrapper that supervises a job, the way to its output."""
