"""Invariants that the database alone can answer. Each query answers the offending rows; none is good."""

from typing import Final

ROW_INVARIANTS: Final[dict[str, tuple[str, str]]] = {
    "I1": (
        "an attempt starts at most once",
        "SELECT job_id, attempt, count(*) FROM jobs_jobevent WHERE kind = 'started'"
        " GROUP BY job_id, attempt HAVING count(*) > 1",
    ),
    "I2": (
        "a job starts once at most, or as often as its owner allows",
        "SELECT j.id, count(*) FROM jobs_jobevent e JOIN jobs_job j ON j.id = e.job_id"
        " WHERE e.kind = 'active' GROUP BY j.id"
        " HAVING count(*) > CASE WHEN j.requeue THEN j.max_attempts ELSE 1 END",
    ),
    "I4": (
        "a final or queued job holds nothing",
        "SELECT j.id, j.state, a.id FROM jobs_job j JOIN jobs_resourceallocation a ON a.job_id = j.id"
        " WHERE a.status <> 'RELEASED'"
        " AND (j.state IN ('COMPLETED', 'FAILED', 'CANCELLED') OR j.phase = 'QUEUED')",
    ),
    "I5": (
        "a placed or running job holds exactly one allocation, of its attempt and node",
        "SELECT j.id, j.phase, j.attempt FROM jobs_job j WHERE j.phase IN"
        " ('PLACED', 'STARTING', 'ACTIVE', 'STOPPING') AND 1 <> (SELECT count(*)"
        " FROM jobs_resourceallocation a WHERE a.job_id = j.id AND a.status <> 'RELEASED'"
        " AND a.attempt = j.attempt AND a.node_id = j.node_id)",
    ),
    "I6": (
        "no node gives more than it has",
        "SELECT n.name, sum(a.cpus), n.cpus, sum(a.memory_mb), n.memory_mb"
        " FROM jobs_node n JOIN jobs_resourceallocation a ON a.node_id = n.id AND a.status <> 'RELEASED'"
        " GROUP BY n.id HAVING sum(a.cpus) > n.cpus OR sum(a.memory_mb) > n.memory_mb",
    ),
    "I6 (GPUs)": (
        "a GPU is held by whom its allocation says",
        "SELECT g.id FROM jobs_allocatedgpu g JOIN jobs_resourceallocation a ON a.id = g.allocation_id"
        " WHERE g.released <> (a.status = 'RELEASED') OR g.node_id <> a.node_id",
    ),
    "I9": (
        "nothing happens to a final job but notes",
        "SELECT e.job_id, e.id, e.kind FROM jobs_jobevent e JOIN"
        " (SELECT job_id, min(id) AS ended FROM jobs_jobevent WHERE kind = 'finished' GROUP BY job_id) f"
        " ON f.job_id = e.job_id AND e.id > f.ended"
        " WHERE e.kind NOT IN ('allocation mended', 'late result', 'stray killed')",
    ),
    "I10": (
        "attempts only rise",
        "SELECT job_id, id, attempt FROM (SELECT job_id, id, attempt, lag(attempt) OVER"
        " (PARTITION BY job_id ORDER BY id) AS before FROM jobs_jobevent) e WHERE attempt < before",
    ),
    "I10 (messages)": (
        "each number of a message is used once",
        "SELECT j.id, j.dispatch_seq, count(e.id) FROM jobs_job j LEFT JOIN jobs_jobevent e"
        " ON e.job_id = j.id AND e.kind = 'dispatched' GROUP BY j.id HAVING j.dispatch_seq <> count(e.id)",
    ),
    "I10 (numbers)": (
        "no number of a job is given again",
        "SELECT newest, last_value FROM jobs_job_id_seq, (SELECT max(id) AS newest FROM jobs_job) j"
        " WHERE newest > last_value",
    ),
    "I12": (
        "folding a job's events gives its row",
        "SELECT j.id, j.state, j.phase, e.to_state, e.to_phase FROM jobs_job j JOIN LATERAL"
        " (SELECT to_state, to_phase, attempt FROM jobs_jobevent WHERE job_id = j.id"
        " ORDER BY id DESC LIMIT 1) e"
        " ON true WHERE (j.state, j.phase, j.attempt) <> (e.to_state, e.to_phase, e.attempt)",
    ),
    "I12 (chain)": (
        "each event begins where the one before ended",
        "SELECT job_id, id FROM (SELECT job_id, id, kind, from_state, from_phase,"
        " lag(to_state) OVER w AS state, lag(to_phase) OVER w AS phase FROM jobs_jobevent"
        " WINDOW w AS (PARTITION BY job_id ORDER BY id)) e"
        " WHERE state IS NOT NULL AND (from_state, from_phase) <> (state, phase)",
    ),
    "I12 (first)": (
        "every job has its submission",
        "SELECT j.id FROM jobs_job j WHERE NOT EXISTS"
        " (SELECT 1 FROM jobs_jobevent e WHERE e.job_id = j.id AND e.kind = 'submitted')",
    ),
    "I14": (
        "completed means exit code 0 with evidence",
        "SELECT id FROM jobs_job WHERE state = 'COMPLETED'"
        " AND (exit_code IS DISTINCT FROM 0 OR evidence <> 'SPOOL')",
    ),
    "I16": (
        "submitted, placed, started and ended come in this order",
        "SELECT id FROM jobs_job WHERE placed_at < submitted_at OR started_at < placed_at"
        " OR ended_at < started_at OR ended_at < submitted_at",
    ),
    "L1": (
        "whoever waits has a reason",
        "SELECT id FROM jobs_job WHERE phase = 'QUEUED' AND reason = ''",
    ),
}

LIVE_INVARIANTS: Final = ("I4", "I5", "I6", "I10 (numbers)", "L1")
"""Those whose queries cost in proportion to what is live, not to what has ever run."""
