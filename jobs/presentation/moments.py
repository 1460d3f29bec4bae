"""Ages, spans and moments as people read them. The present moment is always an argument."""

from datetime import UTC, datetime, timedelta

from jobs.resources import describe_duration

JUST_NOW = timedelta(seconds=5)
A_MINUTE = timedelta(minutes=1)
AN_HOUR = timedelta(hours=1)
A_DAY = timedelta(days=1)
A_MONTH = timedelta(days=30)


def age(moment: datetime, now: datetime) -> str:
    """How long ago, in one unit: just now, 12 s ago, 4 min ago, 3 h ago, 2 d ago; a date when it is long."""
    span = now - moment
    if span < JUST_NOW:  # also when another machine's clock is a little ahead
        return "just now"
    if span < A_MINUTE:
        return f"{span // timedelta(seconds=1)} s ago"
    if span < AN_HOUR:
        return f"{span // A_MINUTE} min ago"
    if span < 2 * A_DAY:
        return f"{span // AN_HOUR} h ago"
    if span < A_MONTH:
        return f"{span // A_DAY} d ago"
    return f"{moment.astimezone(UTC):%-d %b %Y}"


def exactly(moment: datetime) -> str:
    """The moment in full, with its zone: Tue 24 Nov 2026, 14:15:05 UTC."""
    return f"{moment.astimezone(UTC):%a %-d %b %Y, %H:%M:%S} UTC"


def clock(moment: datetime) -> str:
    """The time of day."""
    return f"{moment.astimezone(UTC):%H:%M:%S}"


def span(begin: datetime | None, end: datetime | None) -> str:
    """From one moment to another in its two largest units; empty when either is not known."""
    return describe_duration(max(end - begin, timedelta())) if begin and end else ""


def stopwatch(begin: datetime | None, end: datetime | None) -> str:
    """A clock that runs between two moments: 0:03, 42:08, 1:12:40; empty when either is not known."""
    if begin is None or end is None:
        return ""
    seconds = max(0, int((end - begin).total_seconds()))
    hours, rest = divmod(seconds, 3600)
    minutes = f"{rest // 60:02}" if hours else str(rest // 60)
    return f"{hours}:{minutes}:{rest % 60:02}" if hours else f"{minutes}:{rest % 60:02}"


def size(count: int) -> str:
    """Bytes: 512 bytes, 64 KiB, 1.5 MiB."""
    if count < 1024:
        return "1 byte" if count == 1 else f"{count} bytes"
    amount, unit = count / 1024, "KiB"
    for larger in ("MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.1f}".removesuffix(".0") + f" {unit}"
