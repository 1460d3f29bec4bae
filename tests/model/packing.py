"""A world as one number, and what its parts decide worked out once.

Millions of worlds are made of few parts: each row, spool, queue that occurs gets a number, and a world is
those numbers side by side. What an actor does is worked out once for all worlds that agree in what it looks
at. What that is nobody declares: a function is given a world of unread parts, and whoever touches one has it
read from then on. So nothing that a function depends on can be left out of its key.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, Never, TypeVar

from tests.model.state import World

WIDTH = 20
"""In bits: of each part so many different ones may occur."""
MOST_PARTS: Final = 1 << WIDTH
LOWEST: Final = MOST_PARTS - 1
"""The bits of one part."""
OFFSETS = {
    "jobs": 0, "attempts": 20, "nodes": 40, "hands": 73, "messages": 96, "faults": 116,
    "leaders": 136, "dispatches": 156, "look": 176,
}  # fmt: skip
"""Where a part's number begins. Python hashes modulo 2**61 - 1: the low bits, that change, fall apart."""
Made = TypeVar("Made")
View = Callable[[Any], Any]
"""What an actor may see of a part, where it does not need all of it."""
Change = tuple[int, int]
"""Which bits of a world stay, and which come instead of the others."""


def mask_of(names: Iterable[str]) -> int:
    """The bits of these parts."""
    return sum(LOWEST << OFFSETS[name] for name in names)


class UnreadError(Exception):
    """A part was touched that is not read yet; or a fact that its view leaves out."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was touched")
        self.name = name


class Unread:
    """Stands for what nobody has looked at. Raises at whatever is done to it."""

    def __init__(self, name: str) -> None:
        self.__dict__["name"] = name

    def __repr__(self) -> str:
        return "unread"

    def _touched(self, *_: object) -> Never:
        raise UnreadError(self.__dict__["name"])

    __getattr__ = __getitem__ = __iter__ = __len__ = __contains__ = __bool__ = _touched
    __lt__ = __le__ = __gt__ = __ge__ = __sub__ = __add__ = _touched
    __eq__ = __ne__ = __hash__ = _touched


UNSEEN: Final[Any] = Unread("a fact that a view leaves out")
UNREAD: Mapping[str, Any] = {name: Unread(name) for name in World._fields}


class Parts:
    """The parts that have occurred in one exploration, by number."""

    def __init__(self) -> None:
        self._numbers: dict[str, dict[Any, int]] = {name: {} for name in World._fields}
        self._values: dict[str, list[Any]] = {name: [] for name in World._fields}

    def bits(self, name: str, value: Any) -> int:
        """A part's number in its place; a new one for one that has not occurred yet."""
        numbers = self._numbers[name]
        found = numbers.setdefault(value, len(numbers))
        if found == len(self._values[name]):
            if found == MOST_PARTS:
                raise OverflowError(f"There are more than {MOST_PARTS:,} different {name}.")
            self._values[name].append(value)
        return found << OFFSETS[name]

    def pack(self, world: World) -> int:
        """The number that stands for it."""
        return sum(self.bits(name, value) for name, value in zip(World._fields, world, strict=True))

    def value(self, packed: int, name: str) -> Any:
        """A world's part."""
        return self._values[name][packed >> OFFSETS[name] & LOWEST]

    def shown(self, packed: int, names: Container[str], views: Mapping[str, View] | None = None) -> World:
        """The world of this number: these parts, of some only a view; all else is unread."""
        return World(
            *(
                (views or {}).get(name, _all)(self.value(packed, name)) if name in names else UNREAD[name]
                for name in World._fields
            )
        )

    def change(self, before: World, after: World, views: Container[str]) -> Change:
        """What makes the number of the one that of the other; of both, parts may be unread."""
        pairs = zip(World._fields, before, after, strict=True)
        changed = {name: value for name, was, value in pairs if value is not was}
        if any(name in views for name in changed):
            raise ValueError(f"Of {', '.join(changed)} only a view was shown: it cannot be changed.")
        return ~mask_of(changed), sum(self.bits(name, value) for name, value in changed.items())


def _all(part: Any) -> Any:
    return part


class _Table(Generic[Made]):
    """What has been worked out, by the parts that it depends on, or by a view of them."""

    def __init__(self, parts: Parts, views: Mapping[str, View]) -> None:
        self._parts = parts
        self._views = views
        self._read: list[str] = []
        self._mask = 0
        """Of the parts that are read as they are."""
        self._seen: list[tuple[str, int, dict[int, int]]] = []
        """Part, offset, and the number of what is seen of it by the part's own number."""
        self._shown: dict[str, dict[str, int]] = {name: {} for name in views}
        self._made: dict[int, Made] = {}

    @property
    def reads(self) -> frozenset[str]:
        """The parts that it has been seen to look at."""
        return frozenset(self._read)

    def __call__(self, packed: int) -> Made:
        """For this world."""
        made = self._made.get(self._key(packed) if self._seen else packed & self._mask)
        return self._work_out(packed) if made is None else made

    def _key(self, packed: int) -> int:
        key = packed & self._mask
        for name, offset, seen in self._seen:
            number = packed >> offset & LOWEST
            key |= (seen[number] if number in seen else self._look(packed, name, seen)) << offset
        return key

    def _work_out(self, packed: int) -> Made:
        raise NotImplementedError

    def _look(self, packed: int, name: str, seen: dict[int, int]) -> int:
        value, shown = self._parts.value(packed, name), self._shown[name]
        number = shown.setdefault(repr(self._views[name](value)), len(shown))
        seen[packed >> OFFSETS[name] & LOWEST] = number
        return number

    def _keep(self, packed: int, made: Made) -> Made:
        self._made[self._key(packed)] = made
        return made

    def _read_also(self, name: str) -> None:
        """All that was worked out is forgotten: the keys were others."""
        self._read.append(name)
        if name in self._views:
            self._seen.append((name, OFFSETS[name], {}))
        else:
            self._mask |= mask_of([name])
        self._made.clear()


class Memo(_Table[Made]):
    """What a function makes of a world, worked out once for all that agree in the parts which it reads."""

    def __init__(
        self, parts: Parts, make: Callable[[World], Made], views: Mapping[str, View] | None = None
    ) -> None:
        super().__init__(parts, views or {})
        self._make = make

    def _work_out(self, packed: int) -> Made:
        while True:
            try:
                made = self._make(self._parts.shown(packed, self._read, self._views))
            except UnreadError as error:
                if error.name not in UNREAD:
                    raise
                self._read_also(error.name)
            else:
                return self._keep(packed, made)


class Chain(_Table[list[Made]]):
    """All that several make of a world, one after the other; `views` must tell apart whatever theirs do."""

    def __init__(self, parts: Parts, memos: Sequence[Memo[list[Made]]], views: Mapping[str, View]) -> None:
        super().__init__(parts, views)
        self._memos = memos

    def _work_out(self, packed: int) -> list[Made]:
        made = [one for memo in self._memos for one in memo(packed)]
        for name in sorted(frozenset[str]().union(*(memo.reads for memo in self._memos)) - self.reads):
            self._read_also(name)
        return self._keep(packed, made)
