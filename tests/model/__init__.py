"""The protocol as a model: every interleaving of its steps, explored exhaustively."""
