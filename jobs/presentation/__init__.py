"""Words for people: what the pages print. Plain functions of a job and a moment; no request, no query."""
