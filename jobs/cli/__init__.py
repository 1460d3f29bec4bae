"""The command line: a client of the API. Standard library alone, so that it starts at once."""
