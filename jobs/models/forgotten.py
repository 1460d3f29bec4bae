"""Which jobs were here once and are forgotten, so that a node knows what to delete of them.

A directory of a job without a row may be of a job whose row comes back with a newer copy of the database, and
stays. One of a job that was forgotten goes. Numbers in a row are one range, so this grows with what is kept,
not with what is gone.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper

ADD: Final = """
INSERT INTO jobs_forgotten (id, numbers)
SELECT 1, range_agg(int8range(number, number, '[]')) FROM unnest(%s::bigint[]) number
ON CONFLICT (id) DO UPDATE SET numbers = jobs_forgotten.numbers + EXCLUDED.numbers
"""
AMONG: Final = """
SELECT number FROM unnest(%s::bigint[]) number, jobs_forgotten WHERE numbers @> number
"""


if TYPE_CHECKING:
    Field = models.Field[Any, Any]
else:  # generic in the stubs alone
    Field = models.Field


class NumbersField(Field):
    """A set of whole numbers, as ranges."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:  # noqa: ARG002 - Django's own signature
        """PostgreSQL's name of it."""
        return "int8multirange"


class ForgottenManager(models.Manager["Forgotten"]):
    """The one row."""

    def add_all(self, numbers: Collection[int]) -> None:
        """These are forgotten now."""
        with connection.cursor() as cursor:
            cursor.execute(ADD, [list(numbers)])

    def among(self, numbers: Collection[int]) -> set[int]:
        """Those of these numbers whose jobs are forgotten."""
        with connection.cursor() as cursor:
            cursor.execute(AMONG, [list(numbers)])
            return {number for (number,) in cursor.fetchall()}


class Forgotten(models.Model):
    """The numbers of the jobs that are forgotten."""

    numbers = NumbersField()

    objects = ForgottenManager()

    def __str__(self) -> str:
        return "forgotten jobs"
