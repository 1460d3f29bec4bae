"""How a command can end, and the lines that it then leaves on standard error."""

from collections.abc import Sequence
from typing import Final

OK: Final = 0
REFUSED: Final = 1
UNEXPECTED: Final = 2
UNREACHABLE: Final = 3
INTERRUPTED: Final = 130
READER_GONE: Final = 141
TERMINATED: Final = 143


class CommandError(Exception):
    """The command ends here: each error is a line, and each hint says what to do about it."""

    code = REFUSED

    def __init__(self, *errors: str, hints: Sequence[str] = ()) -> None:
        self.errors = errors
        self.hints = tuple(dict.fromkeys(hints))
        super().__init__("\n".join(errors))


class UsageError(CommandError):
    """The command was written in a way that has no meaning."""

    code = UNEXPECTED


class UnexpectedAnswerError(CommandError):
    """Something answers, and not as this platform's API does."""

    code = UNEXPECTED


class UnreachableError(CommandError):
    """Nobody answers, or who answers cannot reach its database. It may be over in a moment."""

    code = UNREACHABLE


class LostAnswerError(UnreachableError):
    """The request was sent and the answer did not come: it may have been obeyed."""


class Terminated(BaseException):
    """SIGTERM came."""
