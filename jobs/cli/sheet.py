"""One job, told to a person."""

from datetime import datetime, timedelta

from jobs.cli.screen import Screen, safe
from jobs.cli.server import Job
from jobs.cli.table import ran, waited
from jobs.resources import Capacity, describe_duration, format_memory


def sheet(job: Job, now: datetime, screen: Screen) -> list[str]:
    """Its lines: a heading, then one for each fact that there is."""
    state = safe(job["state"])
    wide = max(len(title) for title, _ in _facts(job, now))
    return [
        f"Job {job['id']} {safe(job['name'])}",
        f"  {'State':{wide}}  {screen.paint(state, state)}",
        *(f"  {title:{wide}}  {text}" for title, text in _facts(job, now) if text),
        *_last_words(job),
    ]


def _facts(job: Job, now: datetime) -> list[tuple[str, str]]:
    phase = "" if job["phase"] in ("DONE", "ACTIVE") else str(job["phase"]).lower()
    return [
        ("Phase", safe(phase)),
        ("Reason", safe(job["reason"])),
        ("Detail", safe(job["detail"])),
        ("Advice", safe(job["advice"])),
        ("Exit", _exit(job)),
        ("Used", _used(job)),
        ("Node", safe(job["node"] or "")),
        ("Asked for", str(Capacity(job["cpus"], job["memory_mb"], job["gpus"]))),
        ("Time limit", describe_duration(timedelta(seconds=job["time_limit"]))),
        ("Partition", safe(job["partition"])),
        ("Priority", str(job["priority"]) if job["priority"] else ""),
        ("Owner", safe(job["owner"])),
        ("Work dir", safe(job["work_dir"]) or "a private scratch directory"),
        ("Input", safe(job["stdin_path"])),
        ("Output", _file(job, "stdout_path")),
        ("Errors", _file(job, "stderr_path")),
        ("Signal", safe(job["signal"] or "")),
        ("Requeue", f"if its node is lost, {job['max_attempts']} runs at most" if job["requeue"] else ""),
        ("Limits", _holds(job)),
        ("Submitted", _moment(job["submitted_at"])),
        ("Started", _moment(job["started_at"], f"waited {waited(job, now)}")),
        ("Limit at", "" if job["ended_at"] else _moment(job["limit_at"])),
        ("Ended", _moment(job["ended_at"], f"ran {ran(job, now)}" if job["started_at"] else "")),
        ("Rerun of", str(job["rerun_of"] or "")),
        ("Page", safe(job["url"])),
    ]


def _exit(job: Job) -> str:
    """Code and signal."""
    return f"{job['exit_status']}{', core dumped' if job['core_dumped'] else ''}"


def _used(job: Job) -> str:
    parts = []
    if job["cpu_seconds"] is not None:
        parts.append(f"{job['cpu_seconds']:.1f} s of CPU")
    if job["max_rss_mb"] is not None:
        parts.append(f"{format_memory(round(job['max_rss_mb']))} of memory at most")
    return ", ".join(parts)


def _holds(job: Job) -> str:
    """How far each limit was held: processes enforced, memory watched."""
    table = (job["allocation"] or {}).get("enforcement", {})
    return ", ".join(f"{safe(limit)} {safe(hold['level'])}" for limit, hold in table.items())


def _last_words(job: Job) -> list[str]:
    """The last lines of its error output, as they are, where it failed."""
    lines = job["last_words"].splitlines() if job["state"] == "FAILED" else []
    return (
        ["", "The last lines of its error output:", *(f"  {safe(line)}" for line in lines)] if lines else []
    )


def _file(job: Job, field: str) -> str:
    added = " (appended to)" if job["open_mode"] == "append" else ""
    return f"{safe(job[field])}{added}" if job[field] else ""


def _moment(text: str | None, note: str = "") -> str:
    """In the reader's own time zone."""
    if not text:
        return ""
    told = datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    return f"{told} ({note})" if note else told
