"""The tests mirror the source; acceptance/, races/ and ui/ use real servers, processes and a real browser."""
