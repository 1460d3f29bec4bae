"""The way in: read the words, do the command, end with its code. Nothing ends as a traceback."""

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from jobs.cli import attached, commands, drill, nodes, recovery
from jobs.cli.arguments import parser
from jobs.cli.commands import Call
from jobs.cli.config import Config
from jobs.cli.errors import (
    INTERRUPTED,
    READER_GONE,
    TERMINATED,
    UNEXPECTED,
    CommandError,
    Terminated,
    UsageError,
)
from jobs.cli.report import report
from jobs.cli.server import Server

COMMANDS: Final[Mapping[str, Callable[[Call], int]]] = {
    "submit": commands.submit,
    "run": attached.run,
    "queue": commands.queue,
    "show": commands.show,
    "logs": commands.logs,
    "cancel": commands.cancel,
    "nodes": nodes.nodes,
    "node": nodes.node,
    "recover": recovery.recover,
}


def main() -> int:
    """The exit code."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:  # so set while Python was starting
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a name may be in any script
    try:
        code = _guarded(sys.argv[1:], os.environ)
        sys.stdout.flush()
    except BrokenPipeError:
        code = READER_GONE
    except OSError as error:
        report(CommandError(f"the output cannot be written: {error.strerror}"), os.environ)
        code = UNEXPECTED
    except KeyboardInterrupt:
        code = INTERRUPTED
    else:
        return code
    _close_output()
    return code


def _guarded(words: Sequence[str], variables: Mapping[str, str]) -> int:
    """The command's exit code, whatever happens in it but the loss of its own output."""
    try:
        return call(words, variables)
    except SystemExit as end:  # argparse's: help was printed, or an error
        return int(end.code or 0)
    except CommandError as error:
        report(error, variables)
        return error.code
    except Terminated:
        return TERMINATED
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - a person is told in one line, whatever it is
        fault = f"this is a fault of jobsite: {type(error).__name__}: {error}"
        report(CommandError(fault, hints=["tell those who maintain it"]), variables)
        return UNEXPECTED


def call(words: Sequence[str], variables: Mapping[str, str]) -> int:
    """Do what the words say. Everything after the first `--` is left as it is."""
    before, rest = split(words)
    if not before:
        parser().print_help(sys.stderr)
        return UNEXPECTED
    given, unknown = parser().parse_known_args(before)
    if unknown:
        raise UsageError(
            f"unknown: {' '.join(unknown)}",
            hints=[f"see `jobsite {given.command} --help`; words for the job come after --"],
        )
    if given.command == "drill":
        return drill.drill(given)
    server = Server(Config.read(variables))
    return COMMANDS[given.command](Call(given=given, rest=rest, server=server, variables=variables))


def split(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """What is ours to read, and what stands after the first `--`."""
    if "--" not in words:
        return words, ()
    place = list(words).index("--")
    return words[:place], words[place + 1 :]


def _close_output() -> None:
    """Nobody reads it any more, or it cannot be written: Python's own last flush must not fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
