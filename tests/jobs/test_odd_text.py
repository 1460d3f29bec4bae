"""Text that no UTF-8 file holds: JSON can carry it, PostgreSQL cannot. It is refused at its field."""

import json
from datetime import timedelta

import pytest

from jobs import spec
from jobs.errors import InvalidSpec

HALF_A_PAIR = "\ud83d"
HOUR = timedelta(hours=1)
RULE = spec.PartitionRule(name="default", default_time_limit=HOUR, max_time_limit=HOUR, nodes=())


def odd_fields(**request: object) -> list[str]:
    """The fields at which the request is refused, each with a message that can be sent."""
    with pytest.raises(InvalidSpec) as refusal:
        spec.parse({"script": "true", **request}, [RULE], "default", is_directory=lambda _: True)
    sent = json.dumps(refusal.value.errors, ensure_ascii=False).encode()
    return list(json.loads(sent))


@pytest.mark.parametrize("field", ["script", "name", "memory", "cpus", "time_limit", "partition", "priority"])
def test_a_text_that_is_not_utf_8_is_refused_at_its_field(field: str) -> None:
    assert odd_fields(**{field: f"1{HALF_A_PAIR}"}) == [field]


def test_a_work_directory_whose_path_is_not_utf_8_is_refused() -> None:
    assert odd_fields(work_dir=f"/tmp/{HALF_A_PAIR}") == ["work_dir"]


def test_a_field_whose_name_is_not_utf_8_is_refused() -> None:
    assert odd_fields(**{f"x{HALF_A_PAIR}": 1}) == ["x\\ud83d"]
