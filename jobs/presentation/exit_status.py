"""How a job's process ended, as Slurm writes it: exit code and signal with a colon between (sacct(1))."""

import signal as signals


def exit_status(code: int | None, signal: int | None) -> str:
    """Such as 3:0 or 0:9; empty when neither is known, because an exit code is never invented."""
    return "" if code is None and signal is None else f"{code or 0}:{signal or 0}"


def signal_name(number: int) -> str:
    """SIGKILL; for one without a name its number."""
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"signal {number}"


def described(code: int | None, signal: int | None, *, core_dumped: bool) -> str:
    """The status with what its signal is called: "0:11 (SIGSEGV, core dumped)"."""
    words = [signal_name(signal)] if signal else []
    words += ["core dumped"] if core_dumped else []
    status = exit_status(code, signal)
    return f"{status} ({', '.join(words)})" if words else status
