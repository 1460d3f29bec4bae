"""Where the server is and with which token: told by variables, else by the files that `make run` keeps.

JOBSITE_TOKEN is no such variable: a job's processes carry their marker under that name.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from jobs.cli.errors import CommandError

ROOT: Final = Path(__file__).resolve().parent.parent.parent
TOKEN_VARIABLE: Final = "JOBSITE_API_TOKEN"  # noqa: S105 - a name
GET_A_TOKEN: Final = f"make a token on your account page in the browser, and set {TOKEN_VARIABLE} to it"


@dataclass(frozen=True, kw_only=True)
class Address:
    """A server's address, taken apart."""

    secure: bool
    host: str
    port: int | None
    path: str
    text: str

    @classmethod
    def read(cls, text: str, told_by: str) -> Self:
        """Raises CommandError when it is not the address of a web server."""
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise _odd_address(text, told_by) from None
        plain = text.isascii() and text.isprintable() and " " not in text
        if not (plain and parts.scheme in ("http", "https") and parts.hostname):
            raise _odd_address(text, told_by)
        if parts.query or parts.fragment or parts.username is not None:
            raise _odd_address(text, told_by)
        path = parts.path.rstrip("/")
        return cls(
            secure=parts.scheme == "https",
            host=parts.hostname,
            port=port,
            path=path,
            text=f"{parts.scheme}://{parts.netloc}{path}",
        )


@dataclass(frozen=True, kw_only=True)
class Config:
    """What the command line needs to know before it can ask anything."""

    address: Address
    token: str

    @classmethod
    def read(cls, variables: Mapping[str, str], root: Path = ROOT) -> Self:
        """Raises CommandError with what is missing or odd, and how to tell it."""
        var = Path(variables.get("JOBSITE_VAR") or root / "var").expanduser().absolute()
        return cls(address=_address(variables, var), token=_token(variables, var))


def _address(variables: Mapping[str, str], var: Path) -> Address:
    if told := variables.get("JOBSITE_URL", "").strip():
        return Address.read(told, "JOBSITE_URL")
    file = var / "server-url"
    try:
        text = file.read_text().strip()
    except FileNotFoundError:
        raise CommandError(
            f"the server's address is not known: JOBSITE_URL is not set and there is no {file}",
            hints=["start the platform with `make run`, or set JOBSITE_URL, such as http://127.0.0.1:8000"],
        ) from None
    except (OSError, ValueError) as error:
        raise CommandError(
            f"{file} cannot be read: {_words(error)}", hints=["set JOBSITE_URL to the server's address"]
        ) from None
    return Address.read(text, str(file))


def _token(variables: Mapping[str, str], var: Path) -> str:
    if told := variables.get(TOKEN_VARIABLE, "").strip():
        return _checked(told, TOKEN_VARIABLE)
    file = var / "cli-token"
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, encoding="utf-8") as opened:
            _refuse_shared(file, os.fstat(descriptor))
            return _checked(opened.read(4096).strip(), str(file))
    except FileNotFoundError:
        missing = f"there is no token: {TOKEN_VARIABLE} is not set and there is no {file}"
        raise CommandError(missing, hints=[GET_A_TOKEN]) from None
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be read: {_words(error)}", hints=[GET_A_TOKEN]) from None


def _refuse_shared(file: Path, found: os.stat_result) -> None:
    """A token that others can read, or could have written, is nobody's own."""
    if found.st_uid != os.geteuid():
        raise CommandError(f"{file} belongs to another account than yours", hints=[GET_A_TOKEN])
    if found.st_mode & 0o077:
        raise CommandError(
            f"{file} can be read by others: its mode is {stat.S_IMODE(found.st_mode):04o}",
            hints=[f"chmod 600 {file}; if anybody may have read it, revoke that token and make a new one"],
        )


def _checked(token: str, told_by: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise CommandError(f"{told_by} holds no token: a token is one word", hints=[GET_A_TOKEN])
    return token


def _odd_address(text: str, told_by: str) -> CommandError:
    return CommandError(
        f"{told_by} is {text[:200]!r}, which is not the address of a server",
        hints=["give it such as http://127.0.0.1:8000"],
    )


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or "it is not text"
