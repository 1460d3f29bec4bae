"""A request as it came, and the errors found in it so far."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from jobs.errors import InvalidSpec

Value = TypeVar("Value")


class RawRequest:
    """The raw fields and the errors found in them."""

    def __init__(self, raw: Mapping[str, object], known: Sequence[str]) -> None:
        self._raw = raw
        self._errors: dict[str, list[str]] = {}
        for field in raw:
            if field not in known:
                named = str(field)[:64].encode(errors="backslashreplace").decode()
                self._errors[named] = [f"There is no field of this name. Allowed are: {', '.join(known)}."]

    def take(self, field: str, read: Callable[[object], Value]) -> Value | None:
        """The field's value as `read` gives it; None when it is wrong, which is noted."""
        try:
            return read(self._raw.get(field))
        except ValueError as error:
            self._errors.setdefault(field, []).append(str(error))
            return None

    def add(self, errors: Mapping[str, str]) -> None:
        """Note errors that concern several fields together."""
        for field, message in errors.items():
            self._errors.setdefault(field, []).append(message)

    def raise_errors(self) -> None:
        """Raise what was noted, if anything was."""
        if self._errors:
            raise InvalidSpec(self._errors)


def present(value: Value | None) -> Value:
    """A value that `raise_errors` has let pass."""
    if value is None:
        raise AssertionError("a field without a value passed its check")
    return value
