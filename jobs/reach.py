"""How soon a session to the database is given up whose other end is gone.

A machine that lost power, or a firewall that forgot us, closes no connection. Left to itself, TCP asks for a
quarter of an hour whether what was sent has arrived, and who only listens waits for two hours. On a unix
socket none of this is needed, and none of it does anything.
"""

from collections.abc import Mapping
from typing import Final

from psycopg.conninfo import conninfo_to_dict

BOUNDS: Final[Mapping[str, str]] = {
    "connect_timeout": "5",
    "tcp_user_timeout": "10000",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
}
"""In libpq's words: seconds, but for tcp_user_timeout, which is in milliseconds."""


def bounded(url: str) -> dict[str, str]:
    """What to tell libpq of the database at this address. What the address itself says goes before."""
    return {**BOUNDS, **{name: str(value) for name, value in conninfo_to_dict(url).items()}}
