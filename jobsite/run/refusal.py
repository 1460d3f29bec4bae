"""Why the platform does not start: one sentence with the cause and what to do about it."""

from pathlib import Path


class RefusalError(RuntimeError):
    """The platform cannot start here and now. Its text is all that a person is shown."""


class UnwritableDirectoryError(RefusalError):
    """The data directory cannot be made or written."""

    def __init__(self, directory: Path, words: str) -> None:
        self.directory, self.words = directory, words
        super().__init__(
            f"The data directory {directory} cannot be written ({words}). "
            "Make it writable, or set JOBSITE_VAR to another directory."
        )


class AlreadyRunningError(RefusalError):
    """Another platform runs in the same data directory."""

    def __init__(self, directory: Path, pid: int | None) -> None:
        self.directory, self.pid = directory, pid
        who, stop = (f" (pid {pid})", f"`kill {pid}`") if pid else ("", "Ctrl-C in its terminal")
        super().__init__(
            f"Jobsite already runs in {directory}{who}. "
            f"Stop it with {stop}, or set JOBSITE_VAR to another directory and JOBSITE_PORT to another port."
        )


class TakenPortError(RefusalError):
    """Somebody else listens on a port of ours."""

    def __init__(self, variable: str, port: int, holder: str) -> None:
        self.variable, self.port, self.holder = variable, port, holder
        super().__init__(
            f"Port {port} is in use by {holder}. Stop it, or start on another: {variable}={port + 1} make run"
        )


class UnusableAddressError(RefusalError):
    """The system does not let us listen on this address."""

    def __init__(self, variable: str, host: str, port: int, words: str) -> None:
        self.variable, self.host, self.port, self.words = variable, host, port, words
        super().__init__(
            f"Nothing can listen on {host} port {port} ({words}). Set {variable} to another value."
        )


class UnreachableServerError(RefusalError):
    """A server that we were told to use does not answer, or one of our own does not start."""

    def __init__(self, name: str, words: str, hint: str) -> None:
        self.name, self.words = name, words
        super().__init__(f"{name} does not answer: {words} {hint}")
