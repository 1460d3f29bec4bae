"""What holds after every race: whoever won, the rows tell one story."""

from collections.abc import Iterator

import pytest
from django.db import connection

from recovery.invariants.capacity import overdrafts
from recovery.invariants.rows import ROW_INVARIANTS
from tests.outbox import Outbox


@pytest.fixture(autouse=True)
def _every_row_invariant_holds_at_the_end(transactional_db: None, outbox: Outbox) -> Iterator[None]:
    yield
    assert_every_row_invariant()


def assert_every_row_invariant() -> None:
    """All that the database alone can answer."""
    for name, (says, query) in ROW_INVARIANTS.items():
        with connection.cursor() as cursor:
            cursor.execute(query)
            assert cursor.fetchall() == [], f"{name}: {says}"
    assert overdrafts() == []
