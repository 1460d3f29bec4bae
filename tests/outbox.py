"""In unit tests, what would have gone to the broker."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Sent(NamedTuple):
    """One message."""

    name: str
    args: list[Any]
    options: dict[str, Any]


@dataclass
class Outbox:
    """The messages, in order."""

    sent: list[Sent] = field(default_factory=list)
    refusal: Exception | None = None

    def post(self, name: str, args: list[Any], **options: Any) -> None:
        """Keep it, or refuse it as a broker that is away would."""
        if self.refusal is not None:
            raise self.refusal
        self.sent.append(Sent(name, args, options))

    def refuse_with(self, error: Exception) -> None:
        """Take no message from now on."""
        self.refusal = error

    def pairs(self) -> list[tuple[int, int]]:
        """The jobs and attempts told of."""
        return [(sent.args[0], sent.args[1]) for sent in self.sent]
