"""One setting each: how its text is read, which form it must have, which sentence refuses any other."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

SHORTEST_KEY: Final = 50  # what Django's own deployment check asks for
MOST_DAYS: Final = 36_500
_LABEL: Final = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")
_TRUTHS: Final = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}

Given = Mapping[str, str]


class OddSetting(ValueError):  # noqa: N818 - it names what is wrong, as every error of ours does
    """A setting has a value that it cannot have."""

    def __init__(self, name: str, value: str, allowed: str) -> None:
        self.name, self.value, self.allowed = name, value, allowed
        super().__init__(f"{name} is {value!r}; it must be {allowed}.")


def whole(given: Given, name: str, default: int | Callable[[], int], least: int, most: int) -> int:
    """A whole number within bounds."""
    text = given.get(name)
    if text is None:
        return default if isinstance(default, int) else default()
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise OddSetting(name, text, f"a whole number from {least} to {most}")
    return int(text)


def port(given: Given, name: str, default: int) -> int:
    """A TCP port."""
    text = given.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise OddSetting(name, text, "a port number from 1 to 65535")
    return int(text)


def days(given: Given, name: str, default: timedelta | None) -> timedelta | None:
    """For how many days something is kept. None: for ever."""
    text = given.get(name)
    if text is None:
        return default
    if text.lower() == "forever":
        return None
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= MOST_DAYS:
        raise OddSetting(name, text, f"a number of days from 1 to {MOST_DAYS}, or forever")
    return timedelta(days=int(text))


def fraction(given: Given, name: str, default: float, least: float, most: float) -> float:
    """A number within bounds."""
    text = given.get(name, str(default))
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not least <= number <= most:  # also refuses nan
        raise OddSetting(name, text, f"a number from {least:g} to {most:g}")
    return number


def truth(given: Given, name: str, *, default: bool) -> bool:
    """Yes or no."""
    text = given.get(name)
    if text is None:
        return default
    if text.lower() not in _TRUTHS:
        raise OddSetting(name, text, "1 or 0 (true or false, yes or no, on or off)")
    return _TRUTHS[text.lower()]


def matching(given: Given, name: str, default: str, pattern: re.Pattern[str], form: str) -> str:
    """A text that matches the whole pattern."""
    text = given.get(name, default)
    if not pattern.fullmatch(text):
        raise OddSetting(name, text, form)
    return text


def host(given: Given, name: str, default: str) -> str:
    """An address or a host name to listen on."""
    text = given.get(name, default)
    if not _is_host(text):
        raise OddSetting(name, text, "an IP address or a host name, such as 127.0.0.1")
    return text


def hosts(given: Given, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    """Host names that requests may be addressed to, separated by commas."""
    names = _listed(given, name)
    for text in names:
        if text != "*" and not _is_host(text.removeprefix(".").strip("[]")):
            raise OddSetting(name, text, "host names separated by commas, such as jobs.example.org")
    return names or default


def origins(given: Given, name: str) -> tuple[str, ...]:
    """Origins from which forms may be posted, separated by commas."""
    texts = _listed(given, name)
    for text in texts:
        if not re.fullmatch(r"https?://[^/?#\s@]+", text):
            raise OddSetting(name, text, "origins separated by commas, such as https://jobs.example.org")
    return texts


def _listed(given: Given, name: str) -> tuple[str, ...]:
    return tuple(text for text in (part.strip() for part in given.get(name, "").split(",")) if text)


def _is_host(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        looks_like_an_address = re.fullmatch(r"[0-9.]+", text) is not None
        return len(text) <= 253 and _HOST.fullmatch(text) is not None and not looks_like_an_address
    return True
