"""Output as it grows: byte for byte, through a server that goes away, to the job's end."""

import io

import pytest

from jobs.cli.attached import exit_code
from jobs.cli.errors import CommandError
from jobs.cli.follow import LONGEST, SHORTEST, Follower, copy
from tests.jobs.cli.scripted import LOST, Reply, ScriptedServer, ended, job, piece, reply, running

BYTES = bytes(range(256))


class Person:
    """Who follows: what came out, what was said, how long each wait was."""

    def __init__(self, *replies: Reply) -> None:
        self.out = io.BytesIO()
        self.said: list[str] = []
        self.waits: list[float] = []
        self.server = ScriptedServer(list(replies))

    def follow(self) -> None:
        with self.server as server:
            Follower(server.client, 12, self.out, self.said.append, self.waits.append).follow()


def test_every_byte_is_written_as_it_is_and_once() -> None:
    person = Person(piece(BYTES), piece(b"", start=256), piece(BYTES, start=256, ended=True))
    person.follow()
    assert person.out.getvalue() == BYTES * 2
    assert [asked.path.partition("?")[2] for asked in person.server.asked] == [
        "from=0",
        "from=256",
        "from=256",
    ]


def test_waits_grow_while_nothing_comes_and_are_short_again_after() -> None:
    quiet = [piece(b"", start=1)] * 8
    person = Person(piece(b"x"), *quiet, piece(b"y", start=1), piece(b"", start=2, ended=True))
    person.follow()
    assert person.waits[0] == SHORTEST
    assert max(person.waits) == LONGEST
    assert person.waits[-1] == SHORTEST


def test_what_is_there_already_is_not_waited_for() -> None:
    more = Reply(200, b"x", {"X-Jobsite-Next": "1", "X-Jobsite-Size": "9", "X-Jobsite-Ended": "false"})
    person = Person(more, piece(b"y" * 8, start=1, ended=True))
    person.follow()
    assert person.waits == []


def test_a_server_that_goes_away_is_waited_for_and_that_is_said_once() -> None:
    away = reply({"detail": "The database does not answer. Use your key."}, 503)
    person = Person(piece(b"a"), away, LOST, LOST, away, piece(b"b", start=1, ended=True))
    person.follow()
    assert person.out.getvalue() == b"ab"
    assert person.said == [
        "The database does not answer. Job 12 goes on; waiting for the server.",
        "The server answers again.",
    ]


FIRST_LOOK = [piece(b"")] * 5
NEXT_LOOK = [piece(b"")] * 2
"""So many empty answers make LOOK_AFTER, with the growing waits between them."""


def test_a_job_that_does_not_start_tells_why_once_for_each_cause() -> None:
    looks = [*FIRST_LOOK, reply(job()), *NEXT_LOOK, reply(job()), *NEXT_LOOK, reply(job(detail="Held."))]
    person = Person(*looks, piece(b"", ended=True))
    person.follow()
    assert person.said == ["Job 12 waits: It needs 4 CPUs; n1 has 1 free.", "Job 12 waits: Held."]


def test_a_running_job_without_output_is_left_in_peace() -> None:
    person = Person(*FIRST_LOOK, reply(running()), piece(b"", ended=True))
    person.follow()
    assert person.said == []


def test_output_that_is_gone_is_told_once() -> None:
    gone = {"X-Jobsite-Next": "0", "X-Jobsite-Size": "0", "X-Jobsite-Note": "It was moved."}
    going, over = ({**gone, "X-Jobsite-Ended": ended} for ended in ("false", "true"))
    person = Person(Reply(200, b"", going), Reply(200, b"", going), Reply(200, b"", over))
    person.follow()
    assert person.said == ["It was moved."]


def test_a_job_that_is_run_again_is_followed_from_its_new_beginning() -> None:
    queued = piece(b"", start=5)
    longer = piece(b"end", start=5, ended=True, attempt=2)
    person = Person(piece(b"first"), queued, longer, piece(b"second end", ended=True, attempt=2))
    person.follow()
    assert person.out.getvalue() == b"firstsecond end"
    assert person.said == ["Job 12 is run again, and its output begins anew."]


def test_an_attempt_that_never_ran_is_passed_over_in_silence() -> None:
    person = Person(piece(b"", attempt=1), piece(b"", attempt=2), piece(b"x", ended=True, attempt=2))
    person.follow()
    assert (person.out.getvalue(), person.said) == (b"x", [])


def test_a_copy_is_of_one_run_and_says_when_another_has_begun() -> None:
    first = Reply(200, b"ab", {**piece(b"ab").headers, "X-Jobsite-Size": "4"})
    out = io.BytesIO()
    with ScriptedServer([first, piece(b"cd", start=2, attempt=2)]) as server:
        note = copy(server.client, 12, out)
    assert (out.getvalue(), note) == (b"ab", "Job 12 is run again, and its output begins anew.")


def test_a_refusal_ends_it() -> None:
    person = Person(piece(b"a"), reply({"detail": "No."}, 401))
    with pytest.raises(CommandError, match="No"):
        person.follow()


def test_a_copy_ends_where_the_output_ended_when_it_began() -> None:
    first = Reply(200, b"ab", {**piece(b"ab").headers, "X-Jobsite-Size": "4"})
    out = io.BytesIO()
    with ScriptedServer([first, piece(b"cd", start=2), piece(b"more", start=4)]) as server:
        copy(server.client, 12, out)
    assert out.getvalue() == b"abcd"


@pytest.mark.parametrize(
    ("state", "reason", "code", "signal", "ours"),
    [
        ("COMPLETED", "", 0, None, 0),
        ("FAILED", "NonZeroExitCode", 3, None, 3),
        ("FAILED", "NonZeroExitCode", 255, None, 255),
        ("FAILED", "RaisedSignal", None, 9, 137),
        ("FAILED", "TimeLimit", None, 15, 1),
        ("FAILED", "TimeLimit", 0, None, 1),
        ("FAILED", "TimeLimit", 7, None, 1),
        ("FAILED", "SupervisorLost", None, None, 1),
        ("CANCELLED", "Cancelled", None, 15, 1),
        ("CANCELLED", "Cancelled", None, None, 1),
    ],
)
def test_our_end_tells_the_jobs_end(
    state: str, reason: str, code: int | None, signal: int | None, ours: int
) -> None:
    assert exit_code(ended(state, reason=reason, exit_code=code, exit_signal=signal)) == ours
