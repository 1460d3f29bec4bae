"""The database's clock: the only one that a row's times come from.

`now()` is the start of the transaction and may lie before what another session has committed since;
`clock_timestamp()` moves on (PostgreSQL manual, section 9.9.5).
"""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Func, Value
from django.db.models.expressions import Combinable, CombinedExpression
from django.db.models.functions import Greatest


class ClockTimestamp(Func):
    """The database's time at this very moment."""

    function = "clock_timestamp"
    output_field = DateTimeField()


def not_before(*columns: str) -> Greatest:
    """The database's time, but never earlier than the row's own `columns` (null ones do not count)."""
    return Greatest(ClockTimestamp(), *(F(column) for column in columns))


def from_now(span: timedelta | Combinable) -> "ExpressionWrapper[CombinedExpression]":
    """The moment that lies `span` after the database's present one."""
    duration = Value(span, output_field=DurationField()) if isinstance(span, timedelta) else span
    return ExpressionWrapper(ClockTimestamp() + duration, output_field=DateTimeField())


def database_now() -> datetime:
    """The database's time, read once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment
