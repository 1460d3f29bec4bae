"""What can be wrong with a request. Each error keeps its facts, and composes its message once."""

from collections.abc import Mapping, Sequence


class JobsiteError(Exception):
    """Something that a person can put right."""


class InvalidSpec(JobsiteError, ValueError):  # noqa: N818 - it names what is invalid
    """The request is refused, each field with what was asked, what is allowed and what to do."""

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        self.errors = {field: list(messages) for field, messages in errors.items()}
        lines = (f"{field}: {message}" for field, messages in self.errors.items() for message in messages)
        super().__init__("\n".join(lines))


class IdempotencyConflict(JobsiteError):  # noqa: N818
    """The key of this request was used for another one."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"The key {key!r} was used for a job with another request. Use a new key for a new job."
        )
