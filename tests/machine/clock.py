"""The machine's time. Nothing moves it but a rule: neither the database's clock nor any steady one.

In PostgreSQL `clock_timestamp()` is looked up along the search path, so a function of that name in a schema
of ours stands before the server's own.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import connection
from django.db.backends.signals import connection_created

EPOCH: Final = 1_893_456_000
"""2030-01-01 as seconds since 1970: the database's time when the steady clock stands at 0."""
INSTALLED: Final = """
    CREATE SCHEMA machine;
    CREATE SEQUENCE machine.clock MINVALUE 0;
    CREATE FUNCTION machine.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
        $$ SELECT timestamptz '2030-01-01 00:00:00+00'
           + pg_sequence_last_value('machine.clock'::regclass) * interval '1 millisecond' $$
"""
PATH: Final = "SET search_path = machine, public, pg_catalog"
DEFAULTS: Final = """
    SELECT a.attrelid::regclass::text, a.attname FROM pg_attrdef d
    JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE pg_get_expr(d.adbin, d.adrelid) = 'clock_timestamp()' ORDER BY 1, 2
"""


class Clock:
    """Also what the product's modules take for `time`."""

    CLOCK_BOOTTIME = time.CLOCK_BOOTTIME

    def __init__(self) -> None:
        self.seconds = 0.0
        self._ahead = 0.0

    def reset(self) -> None:
        """Back to the beginning."""
        self.seconds = self._ahead = 0.0
        self.go_on(1000.0)

    def go_on(self, seconds: float) -> None:
        """So much time passes, everywhere."""
        self.seconds += seconds
        self._tell()

    def jump(self, seconds: float) -> None:
        """The database's clock alone is set."""
        self._ahead += seconds
        self._tell()

    def time(self) -> float:
        """As `time.time`: by the database's clock."""
        return EPOCH + self.seconds + self._ahead

    def monotonic(self) -> float:
        """As `time.monotonic`."""
        return self.seconds

    def clock_gettime(self, _clock: int) -> float:
        """As `time.clock_gettime`: every clock is this one."""
        return self.seconds

    def _tell(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT setval('machine.clock', %s)", [round((self.seconds + self._ahead) * 1000)])


@contextmanager
def installed() -> Iterator[Clock]:
    """Every connection of this process, and each column's default, goes by the machine's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SET search_path = public, pg_catalog")
        cursor.execute(DEFAULTS)
        columns = cursor.fetchall()
        cursor.execute(INSTALLED)
        _set_defaults(cursor, columns, "machine.clock_timestamp()")
        cursor.execute(PATH)
    connection_created.connect(_look_along, dispatch_uid="machine")
    try:
        yield Clock()
    finally:
        connection_created.disconnect(dispatch_uid="machine")
        with connection.cursor() as cursor:
            cursor.execute("RESET search_path")
            _set_defaults(cursor, columns, "pg_catalog.clock_timestamp()")
            cursor.execute("DROP SCHEMA machine CASCADE")


def _set_defaults(cursor: Any, columns: list[tuple[str, str]], default: str) -> None:
    for table, column in columns:
        cursor.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {default}")


def _look_along(connection: Any, **_: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(PATH)
