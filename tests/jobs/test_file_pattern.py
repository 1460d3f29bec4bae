"""Names of files with symbols in them: what each stands for, and which there are."""

import pytest

from jobs import file_pattern
from jobs.file_pattern import FileFacts

FACTS = FileFacts(job_id=7, name="a/b", user="ana", node="n1", restarts=2)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("out.txt", "out.txt"),
        ("job-%j.out", "job-7.out"),
        ("%4j.%J.%A", "0007.7.7"),
        ("%99j", "0000000007"),
        ("%x-%u@%N", "a_b-ana@n1"),
        ("%5x", "a_b"),
        ("%n%s%t%r", "0batch02"),
        ("100%%", "100%"),
        ("%%j", "%j"),
        (r"\%j", "%j"),
        (r"a%j\\b", "a%jb"),
        ("/logs/%u/%j", "/logs/ana/7"),
    ],
)
def test_each_symbol_stands_for_what_it_does_with_sbatch(pattern: str, name: str) -> None:
    file_pattern.check("output file", pattern)
    assert file_pattern.expand(pattern, FACTS) == name


@pytest.mark.parametrize("pattern", ["%a", "%b.out", "50%", "%5", "%4q", "% j", "%é"])
def test_an_unknown_symbol_is_refused_and_the_known_ones_are_told(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"output file has '%.* nothing here. There are %j") as why:
        file_pattern.check("output file", pattern)
    assert "backslash switches all of them off" in str(why.value)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("a\nb", "control character"),
        ("logs/", "names a directory"),
        ("..", "names a directory"),
        ("x" * 256, "part of more than 255 bytes"),
        ("a/" * 1025 + "b", "more than 2,048 bytes"),
    ],
)
def test_what_no_file_can_be_called_is_refused(pattern: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        file_pattern.check("output file", pattern)


def test_a_directory_is_known_before_the_job_runs_where_no_symbol_is_in_it() -> None:
    patterns = ("logs/%j", "/x.out", "out", "%u/%j", r"a%b\/c", "/a/b/c")
    assert [file_pattern.fixed_directory(one) for one in patterns] == ["logs", "/", "", "", "", "/a/b"]
