"""What the wrapper uses in the place of `json.dumps` and `json.load` says the same."""

import json

import pytest

from jobs.execution import lean

THINGS: list[dict[str, object]] = [
    {},
    {"text": 'ä "quoted" \\ \n\x00', "number": 7, "none": None, "true": True, "share": 0.25},
    {"points": [[0.1, 2, 3.5], []], "inner": {"a": {"b": "c"}}, "long": "x" * 100_000},
]


@pytest.mark.parametrize("content", THINGS)
def test_what_is_written_is_what_json_writes_and_is_read_again(content: dict[str, object]) -> None:
    assert lean.encode(content) == json.dumps(content, ensure_ascii=False).encode()
    assert lean.decode(lean.encode(content)) == content


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": }', b"\xff"])
def test_what_is_no_text_of_an_object_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|invalid"):
        lean.decode(content)
