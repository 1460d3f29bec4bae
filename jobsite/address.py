"""The addresses of the servers, read by the parsers that will use them. An odd one is never shown.

Of an address nothing but its scheme enters a message: where it is odd, any part of it may be the password.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl

from jobsite.setting import OddSetting

_ESCAPES: Final = "with %40 for an @, %2F for a /, %23 for a # and %25 for a % in a name or password"
DATABASE_FORM: Final = f"an address such as postgresql://user:password@host:5432/database, {_ESCAPES}"
BROKER_FORM: Final = f"an address such as redis://:password@host:6379/0, {_ESCAPES}"
_TLS_OPTIONS: Final = frozenset(
    {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
)


def database(given: Mapping[str, str], name: str) -> str:
    """Where a PostgreSQL answers, '' when it is not set."""
    return _checked(given, name, _is_database, DATABASE_FORM)


def broker(given: Mapping[str, str], name: str) -> str:
    """Where a Redis-compatible broker answers, '' when it is not set."""
    return _checked(given, name, _is_broker, BROKER_FORM)


def _checked(given: Mapping[str, str], name: str, is_one: Callable[[str], bool], form: str) -> str:
    text = given.get(name, "")
    if text and not is_one(text):
        scheme = re.match(r"[a-z+]{1,20}://", text)
        raise OddSetting(name, f"{scheme[0] if scheme else ''}…", form)
    return text


def _is_database(text: str) -> bool:
    from psycopg import ProgrammingError  # noqa: PLC0415 - slow, and only needed for a server of one's own
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    scheme, _, rest = text.partition("://")
    if scheme not in {"postgresql", "postgres"} or not rest or _has_stray_at(rest):
        return False
    try:
        ports = str(conninfo_to_dict(text).get("port", ""))
    except ProgrammingError:
        return False
    return all(not port or _is_port(port) for port in ports.split(","))


def _has_stray_at(rest: str) -> bool:
    """An @ where libpq sees none of a password's: it took the password for a host, a port or a database."""
    before_at = re.match(r"[^@/]*@", rest)
    return "@" in rest[before_at.end() if before_at else 0 :].partition("?")[0]


def _is_port(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,5}", text) is not None and 1 <= int(text) <= 65535


def _is_broker(text: str) -> bool:
    scheme, _, rest = text.partition("://")
    authority = re.split("[/?]", rest, maxsplit=1)[0]
    if not rest or re.search("[#;]", rest) or rest.count("@") != authority.count("@"):
        return False  # kombu cuts at a # and begins another address after a ;
    try:
        return _has_kombus_form(scheme, text)
    except (ValueError, KeyError):
        return False


def _has_kombus_form(scheme: str, text: str) -> bool:
    from kombu.utils.url import parse_ssl_cert_reqs, url_to_parts  # noqa: PLC0415 - as with psycopg

    path = url_to_parts(text).path
    options = dict(parse_qsl(text.partition("?")[2], keep_blank_values=True, strict_parsing=True))
    if scheme == "redis+socket":
        number = options.pop("virtual_host", None)
        return bool(path) and not options and _is_number(number)
    parse_ssl_cert_reqs(options.get("ssl_cert_reqs", "none"))
    return scheme in {"redis", "rediss"} and options.keys() <= _TLS_OPTIONS and _is_number(path)


def _is_number(text: str | None) -> bool:
    """A database of the broker; None is its first."""
    return text is None or re.fullmatch(r"[0-9]{1,6}", text) is not None
