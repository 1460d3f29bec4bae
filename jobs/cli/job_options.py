"""What a job may ask for on the command line. The API checks the values: one place says what is allowed."""

import argparse
from collections.abc import Callable
from typing import Any


def add_job_options(command: argparse.ArgumentParser, text: Callable[[str], str]) -> None:
    """The options that `submit` and `run` share. `text` reads a value that must not be empty."""

    def add(*names: str, metavar: str, help: str, **more: Any) -> None:
        command.add_argument(*names, metavar=metavar, help=help, type=text, **more)

    _resources(add)
    _files(add)
    _course(add)
    command.add_argument("-H", "--hold", action="store_true", help="do not start it before it is released")
    again = command.add_mutually_exclusive_group()
    again.add_argument(
        "--requeue", action="store_true", help="run it again when its node is lost (default: it fails)"
    )
    again.add_argument("--no-requeue", action="store_false", dest="requeue", help="never run it twice")


def _resources(add: Callable[..., None]) -> None:
    add("-c", "--cpus-per-task", dest="cpus", metavar="N", help="CPUs (default 1)")
    add("--mem", dest="memory", metavar="SIZE", help="memory: 512M, 2G; a number is MiB (default 1G)")
    add("-G", "--gpus", dest="gpus", metavar="N", help="GPUs (default 0)")
    add(
        "-t",
        "--time",
        dest="time_limit",
        metavar="LIMIT",
        help="time limit: 90m, 2h, 1-12:00:00; a number is minutes (default: the partition's)",
    )
    add("-J", "--job-name", dest="name", metavar="NAME", help="name (default: the script's)")
    add("-p", "--partition", metavar="NAME", help="partition (default: the default one)")
    add("--priority", metavar="N", help="priority; above 0 only for operators (default 0)")


def _files(add: Callable[..., None]) -> None:
    add("-D", "--chdir", dest="work_dir", metavar="DIR", help="work directory (default: this one)")
    add("-i", "--input", dest="stdin_path", metavar="FILE", help="a file to read (default: nothing)")
    add(
        "-o",
        "--output",
        dest="stdout_path",
        metavar="FILE",
        help="a file for the output, such as %%x-%%j.out (default: the platform keeps it)",
    )
    add("-e", "--error", dest="stderr_path", metavar="FILE", help="a file for the error output alone")
    add("--open-mode", metavar="MODE", help="truncate or append to files that are there (default truncate)")


def _course(add: Callable[..., None]) -> None:
    add("--signal", metavar="[B:]SIG[@SECONDS]", help="a signal before the limit, as USR1@60")
    add("--max-attempts", metavar="N", help="with --requeue: runs at most (default 5)")
    add(
        "--export",
        metavar="ALL|NONE|NAME[=VALUE],...",
        action="append",
        default=[],
        help="your variables for the job: all, or by name (default: none); may be given again",
    )
