"""A session whose other end is gone is given up in seconds, by the system's own means."""

import socket
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo

from jobs.ear import Ear
from jobs.reach import BOUNDS, bounded

AS_THE_SYSTEM_NAMES_THEM = {
    socket.TCP_USER_TIMEOUT: 10_000,
    socket.TCP_KEEPIDLE: 5,
    socket.TCP_KEEPINTVL: 2,
    socket.TCP_KEEPCNT: 3,
}


@pytest.fixture
def url() -> Iterator[str]:
    """Of a database on another machine: somebody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"postgresql://ana:secret@127.0.0.1:{server.getsockname()[1]}/jobsite"


def test_the_system_itself_watches_over_a_session_with_another_machine(url: str) -> None:
    session = psycopg.pq.PGconn.connect_start(make_conninfo(**bounded(url)).encode())
    with socket.socket(fileno=socket.dup(session.socket)) as its:
        options = {name: its.getsockopt(socket.IPPROTO_TCP, name) for name in AS_THE_SYSTEM_NAMES_THEM}
        assert its.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    session.finish()
    assert options == AS_THE_SYSTEM_NAMES_THEM


def test_what_the_address_says_itself_goes_before() -> None:
    told = bounded("postgresql://h/db?keepalives_idle=60&connect_timeout=2&sslmode=require")
    assert told == {
        **BOUNDS,
        "host": "h",
        "dbname": "db",
        "keepalives_idle": "60",
        "connect_timeout": "2",
        "sslmode": "require",
    }


@pytest.mark.django_db
def test_every_query_and_whoever_listens_is_bounded() -> None:
    connection.ensure_connection()
    with Ear(settings.LISTEN_DATABASE_URL, "somewhere") as ear:
        for session in (connection.connection, ear._connected()):
            assert BOUNDS.items() <= session.info.get_parameters().items()
