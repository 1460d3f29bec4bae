"""The signal before the limit, as sbatch writes it."""

from datetime import timedelta

import pytest

from jobs.warning_signal import WarningSignal


@pytest.mark.parametrize(
    ("text", "meaning", "told"),
    [
        ("USR1", WarningSignal(10, 60), "USR1@60"),
        ("SIGUSR2@30", WarningSignal(12, 30), "USR2@30"),
        ("B:usr2@0", WarningSignal(12, 0, to_shell=True), "B:USR2@0"),
        (" 15@65535 ", WarningSignal(15, 65535), "TERM@65535"),
        ("b:36", WarningSignal(36, 60, to_shell=True), "B:36@60"),
    ],
)
def test_every_form_of_sbatch_is_understood(text: str, meaning: WarningSignal, told: str) -> None:
    assert WarningSignal.parse(text) == meaning
    assert str(meaning) == told
    assert WarningSignal.parse(told) == meaning


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("R:USR1", "'R:USR1' is not understood. Give one such as USR1"),
        ("USR1@", "is not understood"),
        ("USR1@-5", "is not understood"),
        ("USR1@1h", "is not understood"),
        ("", "is not understood"),
        ("0", "no signal '0'. Give a number from 1 to 64"),
        ("65", "no signal '65'"),
        ("USR9", "no signal 'USR9'"),
        ("USR1@65536", "Give at most 65,535"),
    ],
)
def test_anything_else_is_refused_with_what_is_allowed(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        WarningSignal.parse(text)


def test_a_warning_before_the_job_has_begun_is_none() -> None:
    warning = WarningSignal(10, 60)
    warning.check_before(timedelta(seconds=61))
    with pytest.raises(ValueError, match=r"60 s before a limit of 60 s\. Give fewer seconds"):
        warning.check_before(timedelta(seconds=60))
