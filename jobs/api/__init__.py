"""The JSON API, for scripts and the command line: it finds, asks lifecycle, and answers with the job."""
